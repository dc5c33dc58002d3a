/**
 * Leaf functions on text: visible forms of what strangers wrote, names that fit a file system,
 * addresses. It uses nothing. Begin with {@link io.csvimport.text.Visible}.
 */
package io.csvimport.text;
