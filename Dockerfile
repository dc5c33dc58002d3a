# Both may be any image that has what is said above its stage.
ARG BUILD_IMAGE=maven:3.9-eclipse-temurin-17
ARG RUNTIME_IMAGE=eclipse-temurin:17-jre

# JDK 17 or newer and Maven 3.8 or newer
FROM ${BUILD_IMAGE} AS build
# Not ~/.m2: where an image declares that a volume, what one step downloads is gone in the next.
ENV MAVEN_OPTS=-Dmaven.repo.local=/m2
WORKDIR /build
# The project without its sources: fetches just what the build needs, and lasts until pom.xml changes.
COPY pom.xml ./
RUN mkdir -p src/main/jte && mvn -B -q -DskipTests -Dexec.skip package
COPY routes routes
COPY src/main src/main
# Readable for the user below, whatever the umask of the checkout. The empty folders are made here
# so that the runtime image needs no shell to build upon.
RUN mvn -B -q -DskipTests -Dexec.skip package \
    && chmod -R a+rX target/csv-import-routes \
    && mkdir -p /volumes/inbox /volumes/data /volumes/routes

# Java 17 or newer; a shell for the start script, bash for the health check
FROM ${RUNTIME_IMAGE}
WORKDIR /opt/csv-import-routes
# A layer each, what changes rarely first. The process may write to /inbox and /data only.
COPY --from=build --chown=10001:10001 /volumes/ /
COPY --from=build /build/target/csv-import-routes/lib lib
COPY --from=build /build/target/csv-import-routes/routes routes
COPY --from=build /build/target/csv-import-routes/bin bin
COPY --from=build /build/target/csv-import-routes/csv-import-routes.jar ./

# The temporary folder is /data: /tmp may be read-only, or not executable.
# Beyond the loopback interface only health and metrics are served, until CSV_IMPORT_MANAGEMENT_USERNAME and _PASSWORD are set.
ENV CSV_IMPORT_DATA_DIR=/data \
    CSV_IMPORT_FILE_DIRECTORY=/inbox \
    CSV_IMPORT_ROUTES=/routes \
    CSV_IMPORT_MANAGEMENT_HOST=0.0.0.0 \
    LC_ALL=C.UTF-8 \
    JAVA_OPTS="-Duser.home=/data -Djava.io.tmpdir=/data -XX:MaxRAMPercentage=60"
# What this Java starts faster with: a rehearsal with the packaged routes, against the sandbox.
RUN ["bin/csv-import-routes", "--cache"]

# /inbox and /data, when mounted, must be writable for it. A number shows Kubernetes that it is not root.
USER 10001:10001
# /routes is for routes of your own, which are read on top of the packaged ones: those are of the image.
VOLUME ["/inbox", "/data", "/routes"]
EXPOSE 9876

# No curl or wget, which not every Java image has, and no second JVM, which would take memory from the first.
# The port is known here from the environment only.
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 CMD bash -c '\
    exec 3<>"/dev/tcp/$CSV_IMPORT_MANAGEMENT_HOST/${CSV_IMPORT_MANAGEMENT_PORT:-9876}" && \
    printf "GET /observe/health/live HTTP/1.0\r\n\r\n" >&3 && \
    read -r _ status _ <&3 && [ "$status" = 200 ]'

# Java is process 1 and gets SIGTERM itself; it may take 25 s to stop: docker stop -t 30.
# user.home, because a user without a name has none; 60 % of the container's memory instead of a quarter;
# out of memory it ends and is started anew, which loses and repeats nothing, instead of living on half dead.
# In a read-only container --tmpfs /tmp is enough: SQLite's library is in the cache.
ENTRYPOINT ["/opt/csv-import-routes/bin/csv-import-routes"]

ARG VERSION=unknown
LABEL org.opencontainers.image.title="csv-import-routes" \
      org.opencontainers.image.description="Apache Camel routes that carry CSV files into the Watershed csv-import API, each exactly once" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.licenses="Apache-2.0"
