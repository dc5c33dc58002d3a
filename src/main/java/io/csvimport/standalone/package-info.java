/**
 * The product as a process of its own, on Camel Main: arguments, start, stop and check. It may use
 * every room; with the profile {@code sandbox} it starts that room. Begin with {@link
 * io.csvimport.standalone.CsvImportMain}.
 */
package io.csvimport.standalone;
