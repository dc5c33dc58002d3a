/**
 * The product as a process of its own, on Camel Main: arguments, routes from folders, start and stop. It may use
 * every room; starts the {@code sandbox}. Begin with {@link io.csvimport.standalone.CsvImportMain}.
 */
package io.csvimport.standalone;
