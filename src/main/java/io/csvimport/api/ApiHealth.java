package io.csvimport.api;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.function.Predicate;

/** What the API, and the servers and brokers of the sources, have answered last: whether they can be used, and why not. */
public final class ApiHealth {

    /** By status: what the API refuses. */
    static final Map<Integer, String> REFUSALS = Map.of(
            401, "credential (csv-import.api.key, csv-import.api.secret)",
            403, "credential (csv-import.api.key, csv-import.api.secret)",
            404, "organization (csv-import.api.organization)",
            407, "proxy credential (csv-import.api.proxy.username, csv-import.api.proxy.password)");

    /** The name of the API among the sources. */
    public static final String API = "The API";

    private record Unavailable(String why, long since) {}

    private final Map<String, Unavailable> unavailable = new ConcurrentSkipListMap<>();
    private volatile String refusal;

    /** The API has answered its list with this status, too: no single file is refused. */
    void refused(int status) {
        refusal = REFUSALS.containsKey(status)
                ? "The API answers " + status + ": it refuses the " + REFUSALS.get(status)
                : null;
    }

    /** The API has answered with this status; whether 401, 403 and 404 concern one file alone, the list shows. */
    public void answered(int status) {
        if (status == 407 || !REFUSALS.containsKey(status)) {
            refused(status);
        }
        if (status == 408 || status == 429 || status >= 500) {
            failed("The API answers " + status);
        } else {
            unavailable.remove(API);
        }
    }

    public void failed(String why) {
        sourceFailed(API, why);
    }

    /**
     * The server of a source cannot be reached.
     *
     * @param name of the source, as in its route's id
     * @param why a sentence for people, without secrets
     */
    public void sourceFailed(String name, String why) {
        unavailable.merge(
                name, new Unavailable(why, System.nanoTime()), (first, now) -> new Unavailable(now.why, first.since));
    }

    public void sourceWorks(String name) {
        unavailable.remove(name);
    }

    /** Why the API refuses everything; empty where it does not. */
    public Optional<String> refusal() {
        return Optional.ofNullable(refusal);
    }

    /** Why the server of this source, or {@link #API}, cannot be used; empty where it can. */
    public Optional<String> problem(String name) {
        return Optional.ofNullable(unavailable.get(name)).map(Unavailable::why);
    }

    /** Why the API or servers cannot be used, of those that cannot for so long; the API has the name {@code The API}. */
    public List<String> unavailableFor(Duration time, Predicate<String> name) {
        return unavailable.entrySet().stream()
                .filter(source -> name.test(source.getKey()))
                .map(Map.Entry::getValue)
                .filter(source -> System.nanoTime() - source.since >= time.toNanos())
                .map(Unavailable::why)
                .toList();
    }
}
