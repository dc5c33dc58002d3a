/**
 * Functions on text: a printable form of text from outside, the length of file names, the e-mail addresses of {@code
 * notify}, the nearest name to a misspelt one. It uses nothing. Begin with {@link io.csvimport.text.Visible}.
 */
package io.csvimport.text;
