/**
 * A CSV's job: the ledger's row as an immutable record, its states and outcomes, what one exchange carries of it,
 * and how long a failure waits. It may use {@code text} and {@code file}; knows no Camel endpoint and no SQL.
 * Begin with {@link io.csvimport.job.Job}.
 */
package io.csvimport.job;
