/**
 * What happens after an upload: unknown outcomes are looked for, imports are followed up and voided, old jobs and
 * files are deleted. It may use {@code source} and what is below it. Begin with {@link
 * io.csvimport.tracking.Reconciliation}.
 */
package io.csvimport.tracking;
