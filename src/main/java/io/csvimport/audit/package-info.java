/**
 * Audit events on their way out: the outbox, and the file that takes them by default. It may use {@code ledger}
 * and {@code job}; knows no {@code api}. Begin with {@link io.csvimport.audit.Outbox}.
 */
package io.csvimport.audit;
