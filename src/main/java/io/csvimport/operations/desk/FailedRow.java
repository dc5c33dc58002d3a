package io.csvimport.operations.desk;

/**
 * A row that the API could not import.
 *
 * @param number as the API counts: the header is row 1
 * @param text of the row itself, its fields with their separator; empty where the file is not at hand
 */
public record FailedRow(String number, String error, String text) {}
