/**
 * The job of a CSV: the ledger's row as an immutable record, its states and outcomes, what an exchange carries of it,
 * the trace it is part of, and the pauses between attempts. It may use {@code text} and {@code file}; knows no Camel
 * endpoint and no SQL. Begin with {@link io.csvimport.job.Job}.
 */
package io.csvimport.job;
