/**
 * The database: connections, migrations, every SQL statement, the processes that share it and their leases ({@link
 * io.csvimport.ledger.Owner}), audit events as rows. It may use {@code job} and what is below it; knows no HTTP, and
 * neither reads nor moves the files of a source. Begin with {@link io.csvimport.ledger.Database}.
 */
package io.csvimport.ledger;
