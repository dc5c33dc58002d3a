/**
 * The delivery of audit events: the outbox, and the file that receives them by default. The events are written in
 * {@link io.csvimport.ledger.AuditEvents}. It may use {@code ledger} and what is below it; knows no {@code api}. Begin
 * with {@link io.csvimport.audit.Outbox}.
 */
package io.csvimport.audit;
