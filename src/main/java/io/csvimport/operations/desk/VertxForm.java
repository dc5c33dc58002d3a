package io.csvimport.operations.desk;

import io.csvimport.operations.Problem;
import io.csvimport.operations.VertxBody;
import io.vertx.core.http.HttpServerFileUpload;
import io.vertx.core.http.HttpServerRequest;
import java.io.IOException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** The file in a paused request to a Vert.x server. A class of its own: a servlet container has no Vert.x. */
final class VertxForm {

    private static final int LONGEST_PAUSE_SECONDS = 60;

    private VertxForm() {}

    static PostedForm read(Object body, boolean isForm) throws Problem, IOException {
        HttpServerRequest request = (HttpServerRequest) body;
        return isForm ? read(request) : new PostedForm(null, new VertxBody(request));
    }

    private static PostedForm read(HttpServerRequest request) throws Problem, IOException {
        CompletableFuture<HttpServerFileUpload> first = new CompletableFuture<>();
        request.setExpectMultipart(true);
        request.uploadHandler(part -> {
            if (!first.isDone()) {
                part.pause();
                first.complete(part);
            }
        });
        request.exceptionHandler(first::completeExceptionally);
        request.endHandler(end -> first.complete(null));
        request.resume();
        try {
            HttpServerFileUpload part = first.get(LONGEST_PAUSE_SECONDS, TimeUnit.SECONDS);
            if (part == null || part.filename() == null || part.filename().isEmpty()) {
                throw new Problem(400, "No file was chosen");
            }
            return new PostedForm(part.filename(), new VertxBody(part, request));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException(e);
        } catch (ExecutionException | TimeoutException e) {
            throw new IOException("the browser has not sent the whole form", e);
        }
    }
}
