/**
 * What feeds should bring, as users write it down in {@code expectations/*.yaml}: by when, with which header, how many rows,
 * in which encoding; and the look at a CSV that finds out. It may use {@code text} and {@code job}; knows no ledger, no route
 * and no source. Begin with {@link io.csvimport.expectation.Expectation}.
 */
package io.csvimport.expectation;
