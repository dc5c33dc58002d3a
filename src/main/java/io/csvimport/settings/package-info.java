/**
 * The settings {@code csv-import.*}: where they are read from, how they are checked, which of them are secret; and
 * what {@code --check} finds, for the checks of all rooms. It may use {@code text}. Begin with {@link
 * io.csvimport.settings.Settings}.
 */
package io.csvimport.settings;
