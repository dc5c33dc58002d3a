/**
 * The only room that knows the HTTP API: client, multipart body, answers, pauses, the import list and its failed
 * rows. It may use {@code job} and what is below it; knows no ledger. Begin with {@link
 * io.csvimport.api.ApiClient}.
 */
package io.csvimport.api;
