/**
 * The database: connections, migrations, every SQL statement, owners and their leases, audit events as rows. It
 * may use {@code job} and what is below it; knows no HTTP, and reads and moves no files. Begin with {@link
 * io.csvimport.ledger.Database}.
 */
package io.csvimport.ledger;
