/**
 * What an operator sees and decides: jobs over HTTP, the management port and its access rules, readiness, metrics. It
 * may use {@code tracking}, {@code audit}, the sources, and what is below them. Begin with {@link
 * io.csvimport.operations.Operations}.
 */
package io.csvimport.operations;
