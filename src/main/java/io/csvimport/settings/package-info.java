/**
 * The settings {@code csv-import.*}: where they come from, what is checked of them, what is secret. It may use
 * {@code text}. Begin with {@link io.csvimport.settings.Settings}.
 */
package io.csvimport.settings;
