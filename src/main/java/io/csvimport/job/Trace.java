package io.csvimport.job;

import org.apache.camel.Exchange;
import org.apache.camel.Message;

/**
 * The distributed trace that a job is part of, as W3C Trace Context: what Camel's tracer writes into the headers of a
 * message, and continues if it finds it there.
 */
public record Trace(String traceparent, String tracestate) {

    /** Of a job that nothing traces. */
    public static final Trace NONE = new Trace(null, null);

    public static final String PARENT = "traceparent";
    public static final String STATE = "tracestate";

    /** The exchange property of Camel's tracer; without one, a header of this name is a stranger's. */
    private static final String ACTIVE_SPAN = "tracing.activeSpan";

    /** The trace of the exchange; {@link #NONE} where nothing traces it. */
    static Trace of(Exchange exchange) {
        if (exchange.getProperty(ACTIVE_SPAN) == null) {
            return NONE;
        }
        String parent = exchange.getMessage().getHeader(PARENT, "", String.class);
        String state = exchange.getMessage().getHeader(STATE, "", String.class);
        return parent.matches("[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
                ? new Trace(parent, state.matches("[ -~]{1,512}") ? state : null)
                : NONE;
    }

    /** Makes what becomes of a new message a part of this trace. */
    public void continueIn(Message message) {
        if (traceparent != null) {
            message.setHeader(PARENT, traceparent);
        }
        if (tracestate != null) {
            message.setHeader(STATE, tracestate);
        }
    }
}
