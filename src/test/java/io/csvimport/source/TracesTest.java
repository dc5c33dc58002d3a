package io.csvimport.source;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.csvimport.CsvImportTestSupport;
import io.csvimport.sandbox.SandboxFault;
import io.csvimport.source.queue.Broker;
import io.opentelemetry.api.GlobalOpenTelemetry;
import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.trace.propagation.W3CTraceContextPropagator;
import io.opentelemetry.context.propagation.ContextPropagators;
import io.opentelemetry.sdk.OpenTelemetrySdk;
import io.opentelemetry.sdk.testing.exporter.InMemorySpanExporter;
import io.opentelemetry.sdk.trace.SdkTracerProvider;
import io.opentelemetry.sdk.trace.data.SpanData;
import io.opentelemetry.sdk.trace.export.SimpleSpanProcessor;
import jakarta.jms.Message;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

/** The spans of camel-opentelemetry2: a file, and a message, is one trace from its pick-up to its audit event. */
@Execution(ExecutionMode.SAME_THREAD)
class TracesTest extends CsvImportTestSupport {

    private static final String UPSTREAM = "4bf92f3577b34da6a3ce929d0e0e4736";
    private static final String TRACEPARENT = "00-" + UPSTREAM + "-00f067aa0ba902b7-01";

    /** The global SDK of this process, as its auto-configuration would make it. */
    private static InMemorySpanExporter exporter;

    private Broker broker;

    @BeforeAll
    static void installSdk() {
        exporter = InMemorySpanExporter.create();
        OpenTelemetrySdk.builder()
                .setTracerProvider(SdkTracerProvider.builder()
                        .addSpanProcessor(SimpleSpanProcessor.create(exporter))
                        .build())
                .setPropagators(ContextPropagators.create(W3CTraceContextPropagator.getInstance()))
                .buildAndRegisterGlobal();
    }

    @AfterAll
    static void removeSdk() {
        GlobalOpenTelemetry.resetForTest();
    }

    @Override
    public void addRoutes() throws IOException {
        exporter.reset();
        settings.setProperty("camel.opentelemetry2.enabled", "true");
        settings.setProperty("camel.opentelemetry2.excludePatterns", "scheduler:csv-import-*");
        broker = new Broker(home.resolve("broker"));
        set("jms.url=" + broker.core());
    }

    @AfterEach
    void close() {
        broker.close();
    }

    /** The trace of an event, which is that of all spans since the last call. */
    private String onlyTrace(JsonNode event) {
        String traceparent = event.path("traceparent").asText();
        assertEquals(4, traceparent.split("-").length, event.toString());
        // the span of the outbox's step ends after the event is written
        awaitThat(() -> exporter.getFinishedSpanItems().stream()
                .anyMatch(span -> uri(span).startsWith("direct://csv-import-audit")
                        && span.getParentSpanId().equals(traceparent.split("-")[2])));
        Set<String> traces = exporter.getFinishedSpanItems().stream()
                .map(SpanData::getTraceId)
                .collect(Collectors.toSet());
        assertEquals(Set.of(traceparent.split("-")[1]), traces);
        return traces.iterator().next();
    }

    private static String uri(SpanData span) {
        String uri = span.getAttributes().get(AttributeKey.stringKey("camel.uri"));
        return uri == null ? "" : uri;
    }

    private long spans(String uri) {
        return exporter.getFinishedSpanItems().stream()
                .filter(span -> uri(span).startsWith(uri))
                .count();
    }

    @Test
    @With("notify=anna@example.com")
    void aFileIsOneTraceFromItsPickUpThroughALaterAttemptToItsAuditEvent() throws Exception {
        sandbox.failNext(SandboxFault.status(503, false, Map.of("Retry-After", "1")));
        awaitIn(".imported", drop("People/people.csv", CSV));
        JsonNode event = awaitEvent("accepted", "people.csv");
        onlyTrace(event);
        assertEquals(2, event.at("/data/attempts").asInt());
        assertEquals(2, spans("csv-import-folder://"));
        assertEquals(2, spans("csv-import-http://"));
        assertFalse(event.has("tracestate"));

        // nothing of it reaches the API, and nothing that is no one else's business reaches who gets the spans
        sandbox.requests().forEach(request -> assertNull(request.header("traceparent")));
        String all = exporter.getFinishedSpanItems().toString();
        assertTrue(all.contains(sandbox.url().substring(7)), all);
        for (String secret : List.of("s%25écret", "s%écret", "anna", "Basic ")) {
            assertFalse(all.contains(secret), all);
        }
    }

    @Test
    void eachFileIsATraceOfItsOwn() throws Exception {
        drop("People/first.csv", CSV);
        JsonNode first = awaitEvent("accepted", "first.csv");
        String trace = onlyTrace(first);
        exporter.reset();
        drop("People/second.csv", CSV);
        JsonNode second = awaitEvent("duplicate", "second.csv");
        assertFalse(trace.equals(onlyTrace(second)));
    }

    @Test
    @With("track.interval=PT0.1S")
    void whatHappensToAnImportLaterContinuesTheTraceOfItsFile() throws Exception {
        awaitIn(".imported", drop("People/people.csv", CSV));
        JsonNode accepted = awaitEvent("accepted", "people.csv");
        assertTrue(accepted.has("traceparent"), accepted.toString());
        template.requestBodyAndHeader(
                "direct:csv-import-void",
                null,
                "csvImportId",
                sandbox.imports().get(0).id());
        assertEquals(
                accepted.get("traceparent"), awaitEvent("voided", "people.csv").get("traceparent"));
    }

    @Test
    @With({"jms.enabled=true", "jms.username=" + Broker.USER, "jms.password=" + Broker.PASSWORD})
    void aMessageContinuesTheTraceOfItsSenderThroughTheSpool() throws Exception {
        sandbox.failNext(SandboxFault.status(503, false, Map.of("Retry-After", "1")));
        broker.start();
        broker.send(broker.core(), "csv-import", session -> {
            Message message = session.createTextMessage(CSV);
            message.setStringProperty("template", "People");
            message.setStringProperty("fileName", "people.csv");
            message.setStringProperty("traceparent", TRACEPARENT);
            message.setStringProperty("tracestate", "vendor=1");
            return message;
        });
        JsonNode event = awaitEvent("accepted", "people.csv");
        assertEquals(UPSTREAM, onlyTrace(event));
        assertEquals("vendor=1", event.path("tracestate").asText());
        assertEquals(1, spans("csv-import-jms://"));
        assertEquals(2, spans("csv-import-folder://"));
        sandbox.requests().forEach(request -> assertNull(request.header("tracestate")));
        String all = exporter.getFinishedSpanItems().toString();
        for (String secret : List.of(Broker.USER, Broker.PASSWORD)) {
            assertFalse(all.contains(secret), all);
        }
    }
}
