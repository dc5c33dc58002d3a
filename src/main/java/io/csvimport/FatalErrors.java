package io.csvimport;

import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.RunnableScheduledFuture;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.ThreadFactory;
import java.util.function.BiConsumer;
import org.apache.camel.CamelContext;
import org.apache.camel.Exchange;
import org.apache.camel.health.HealthCheckRegistry;
import org.apache.camel.health.HealthCheckResultBuilder;
import org.apache.camel.impl.health.AbstractHealthCheck;
import org.apache.camel.spi.CamelEvent;
import org.apache.camel.spi.ThreadPoolProfile;
import org.apache.camel.support.DefaultThreadPoolFactory;
import org.apache.camel.support.EventNotifierSupport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Ends the process where it cannot go on: out of memory, in whatever thread, or a periodic task that ended for good.
 * What was under way is found again by the next start. Inside a host platform the process is the host's.
 */
final class FatalErrors {

    /** As of a Java that exits on an OutOfMemoryError by itself. */
    static final int EXIT_STATUS = 3;

    private static final Logger LOG = LoggerFactory.getLogger("csv-import");
    private static final int DEEPEST_CAUSE = 20;

    private static volatile boolean installed;

    private FatalErrors() {}

    /** Before the context creates any thread pool. */
    static void install(CamelContext context) {
        installed = true;
        Thread.setDefaultUncaughtExceptionHandler((thread, thrown) -> {
            endIfOutOfMemory(thrown);
            LOG.error("The thread {} has ended", thread.getName(), thrown);
        });
        Tasks tasks = new Tasks((task, thrown) -> {
            endIfOutOfMemory(thrown);
            thrown.printStackTrace();
            end("The task " + task + " has ended for good: " + thrown);
        });
        context.getExecutorServiceManager().setThreadPoolFactory(tasks);
        context.getManagementStrategy().addEventNotifier(new FailedExchanges());
        HealthCheckRegistry health = HealthCheckRegistry.get(context);
        if (health != null) {
            health.register(tasks.health());
        }
    }

    /** Ends the process, where it is the product's own, if this is or was caused by an OutOfMemoryError. */
    static void endIfOutOfMemory(Throwable thrown) {
        Throwable cause = thrown;
        for (int i = 0; installed && cause != null && i < DEEPEST_CAUSE; i++) {
            if (cause instanceof OutOfMemoryError) {
                end(cause + ": give it more memory (-Xmx in JAVA_TOOL_OPTIONS)");
            }
            cause = cause.getCause();
        }
    }

    /** At once: an orderly stop needs memory, and the tasks that are gone. */
    private static void end(String why) {
        try {
            System.err.println("csv-import-routes ends with status " + EXIT_STATUS + ". " + why);
        } finally {
            Runtime.getRuntime().halt(EXIT_STATUS);
        }
    }

    /** An exchange keeps what was thrown, and goes on as if it were any failure. */
    private static final class FailedExchanges extends EventNotifierSupport {

        FailedExchanges() {
            setIgnoreCamelContextEvents(true);
            setIgnoreRouteEvents(true);
            setIgnoreServiceEvents(true);
            setIgnoreStepEvents(true);
            setIgnoreExchangeCreatedEvent(true);
            setIgnoreExchangeCompletedEvent(true);
            setIgnoreExchangeRedeliveryEvents(true);
            setIgnoreExchangeSendingEvents(true);
            setIgnoreExchangeSentEvents(true);
        }

        @Override
        public void notify(CamelEvent event) {
            if (event instanceof CamelEvent.ExchangeEvent failed) {
                // what was handled is an exception no more
                endIfOutOfMemory(failed.getExchange().getException());
                endIfOutOfMemory(failed.getExchange().getProperty(Exchange.EXCEPTION_CAUGHT, Throwable.class));
            }
        }
    }

    /** Thread pools whose periodic tasks do not end unseen: Java runs one that has thrown no more. */
    static final class Tasks extends DefaultThreadPoolFactory {

        private final BiConsumer<String, Throwable> onEnd;
        private final Set<String> ended = ConcurrentHashMap.newKeySet();

        /** @param onEnd takes the name of a periodic task's thread, and what it has thrown */
        Tasks(BiConsumer<String, Throwable> onEnd) {
            this.onEnd = onEnd;
        }

        @Override
        public ScheduledExecutorService newScheduledThreadPool(ThreadPoolProfile profile, ThreadFactory threads) {
            ScheduledThreadPoolExecutor pool = new ScheduledThreadPoolExecutor(profile.getPoolSize(), threads) {
                @Override
                protected void afterExecute(Runnable task, Throwable thrown) {
                    if (task instanceof RunnableScheduledFuture<?> run && run.isPeriodic()) {
                        watch(run);
                    }
                }
            };
            pool.setRemoveOnCancelPolicy(true);
            return pool;
        }

        private void watch(Future<?> task) {
            if (!task.isDone() || task.isCancelled()) {
                return;
            }
            try {
                task.get();
            } catch (ExecutionException e) {
                ended.add(Thread.currentThread().getName());
                onEnd.accept(Thread.currentThread().getName(), e.getCause());
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }

        /** Liveness: whether each periodic task still runs. */
        AbstractHealthCheck health() {
            return new AbstractHealthCheck("csv-import", "csv-import-tasks") {
                @Override
                public boolean isReadiness() {
                    return false;
                }

                @Override
                protected void doCall(HealthCheckResultBuilder builder, Map<String, Object> options) {
                    builder.message(ended.isEmpty() ? null : "Tasks have ended: " + String.join(", ", ended))
                            .state(ended.isEmpty() ? State.UP : State.DOWN);
                }
            };
        }
    }
}
