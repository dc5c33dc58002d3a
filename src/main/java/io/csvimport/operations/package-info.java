/**
 * What an operator sees and decides: jobs over HTTP, the management port and its guard, readiness, metrics. It may
 * use every room of the pipeline, the sources, tracking and audit. Begin with {@link
 * io.csvimport.operations.Operations}.
 */
package io.csvimport.operations;
