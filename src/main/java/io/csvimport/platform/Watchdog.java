package io.csvimport.platform;

import io.csvimport.job.FatalErrors;
import io.csvimport.job.State;
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
import org.apache.camel.support.SimpleEventNotifierSupport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Watches a standalone process for threads and periodic tasks that have ended, and for exchanges that ran out of memory. */
public final class Watchdog {

    private static final Logger LOG = LoggerFactory.getLogger("csv-import");

    private Watchdog() {}

    /** To be called before the context creates a thread pool. */
    static void install(CamelContext context) {
        FatalErrors.arm();
        Thread.setDefaultUncaughtExceptionHandler((thread, thrown) -> {
            FatalErrors.endIfOutOfMemory(thrown);
            LOG.error("The thread {} has ended", thread.getName(), thrown);
        });
        Tasks tasks = new Tasks((task, thrown) -> {
            FatalErrors.endIfOutOfMemory(thrown);
            thrown.printStackTrace();
            FatalErrors.end("The task " + task + " has ended for good: " + thrown);
        });
        context.getExecutorServiceManager().setThreadPoolFactory(tasks);
        context.getManagementStrategy().addEventNotifier(new FailedExchanges());
        HealthCheckRegistry health = HealthCheckRegistry.get(context);
        if (health != null) {
            health.register(tasks.health());
        }
    }

    /** Camel handles an OutOfMemoryError of an exchange like any other failure. */
    private static final class FailedExchanges extends SimpleEventNotifierSupport {

        FailedExchanges() {
            setIgnoreExchangeEvents(false);
            setIgnoreExchangeFailedEvents(false);
        }

        @Override
        public void notify(CamelEvent event) {
            if (event instanceof CamelEvent.ExchangeEvent failed) {
                // of a failure that was handled, the exception is a property
                FatalErrors.endIfOutOfMemory(failed.getExchange().getException());
                FatalErrors.endIfOutOfMemory(
                        failed.getExchange().getProperty(Exchange.EXCEPTION_CAUGHT, Throwable.class));
            }
        }
    }

    /** Thread pools that report a periodic task that has thrown: Java would silently not run it again. */
    public static final class Tasks extends DefaultThreadPoolFactory {

        private final BiConsumer<String, Throwable> onEnd;
        private final Set<String> ended = ConcurrentHashMap.newKeySet();

        /** @param onEnd receives the name of the task's thread, and what the task has thrown */
        public Tasks(BiConsumer<String, Throwable> onEnd) {
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

        /** For liveness: whether each periodic task still runs. */
        public AbstractHealthCheck health() {
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
