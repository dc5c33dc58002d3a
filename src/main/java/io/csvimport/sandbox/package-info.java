/**
 * A small server with the API, for tests and first steps: it is strict about requests, and fails on demand. It uses
 * no other room. Begin with {@link io.csvimport.sandbox.Sandbox}.
 */
package io.csvimport.sandbox;
