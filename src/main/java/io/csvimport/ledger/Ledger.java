package io.csvimport.ledger;

/**
 * What the statements of the ledger have in common.
 *
 * @param owner this process
 */
public record Ledger(Database database, Owner owner, String organization) {}
