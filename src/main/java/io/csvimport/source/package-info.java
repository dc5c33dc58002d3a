/**
 * What all feeds of files share: when a file is whole, in which order files are handed over, where they go once
 * their fate is settled. It may use {@code pipeline} and what is below it. Begin with {@link
 * io.csvimport.source.FileFeed}.
 */
package io.csvimport.source;
