/**
 * Brings the module into a Camel context, whichever platform runs it: settings, beans and components. It may use
 * every room but {@code standalone} and {@code sandbox}. Begin with {@link io.csvimport.platform.CsvImportPlugin}.
 */
package io.csvimport.platform;
