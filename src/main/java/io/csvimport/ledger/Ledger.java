package io.csvimport.ledger;

/**
 * What each class with statements needs.
 *
 * @param owner this process
 */
public record Ledger(Database database, Owner owner, String organization) {}
