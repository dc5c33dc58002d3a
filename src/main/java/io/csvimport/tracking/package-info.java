/**
 * What happens after an upload: imports of unknown outcome are searched for in the API's list, accepted ones are
 * followed and voided, imports that are late or missing by their due times are reported, old jobs and
 * files are deleted. It may use {@code source} and what is below it. Begin with {@link io.csvimport.tracking.Reconciliation}.
 */
package io.csvimport.tracking;
