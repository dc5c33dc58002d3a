/**
 * What all feeds of files share: when a file is complete, in which order files are handed over, where they are moved
 * once their outcome is settled. It may use {@code pipeline} and what is below it. Begin with {@link
 * io.csvimport.source.FileFeed}.
 */
package io.csvimport.source;
