/**
 * The API in miniature, for tests and first steps: strict about requests, and failing on demand. It uses no other
 * room. Begin with {@link io.csvimport.sandbox.Sandbox}.
 */
package io.csvimport.sandbox;
