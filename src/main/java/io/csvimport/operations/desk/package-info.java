/**
 * The desk: pages for people, rendered on the server from the templates in {@code src/main/jte}. It may use {@code
 * operations} and what that may use. Begin with {@link io.csvimport.operations.desk.Desk}.
 */
package io.csvimport.operations.desk;
