/**
 * Messages of AMQP and Artemis queues: each becomes a file in the spool, in the broker's transaction. It may use
 * {@code source} and the spool in {@code source.file}; knows no other source. Begin with {@link
 * io.csvimport.source.queue.QueueFeed}.
 */
package io.csvimport.source.queue;
