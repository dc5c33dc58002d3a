/**
 * The steps of one file, in the order of the route {@code csv-import}: inspect, name, claim, send, settle; what a
 * failure means; which files are sent one after another. It may use {@code ledger} and {@code api}; knows no source.
 * Begin with {@link io.csvimport.pipeline.Claiming}.
 */
package io.csvimport.pipeline;
