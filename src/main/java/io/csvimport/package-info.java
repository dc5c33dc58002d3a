/**
 * The exceptions that routes name in YAML, the product's own and the user's, and nothing else. It uses nothing.
 * Begin with {@link io.csvimport.CsvImportUnsettledException}.
 */
package io.csvimport;
