/**
 * Adds the product to a Camel context, in its own process or in another application: settings, beans and components,
 * the live folders of routes and expectations, and what is said of a start that is refused.
 * It may use every room but {@code standalone} and {@code sandbox}. Begin with {@link
 * io.csvimport.platform.CsvImportPlugin}.
 */
package io.csvimport.platform;
