package io.csvimport.operations.desk;

import io.csvimport.operations.Problem;
import io.csvimport.operations.VertxBody;
import io.vertx.core.http.HttpServerFileUpload;
import io.vertx.core.http.HttpServerRequest;
import java.io.IOException;
import java.io.InputStream;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.camel.Exchange;

/** The file of a browser's form, while it arrives; a script sends the CSV alone, and its name in the query. */
record PostedForm(String fileName, InputStream file) {

    private static final int LONGEST_PAUSE_SECONDS = 60;

    static PostedForm read(Exchange exchange) throws Problem, IOException {
        Object body = exchange.getMessage().getBody();
        boolean isForm = exchange.getMessage()
                .getHeader(Exchange.CONTENT_TYPE, "", String.class)
                .startsWith("multipart/form-data");
        if (!isForm) {
            return new PostedForm(
                    null, body instanceof InputStream servlet ? servlet : new VertxBody((HttpServerRequest) body));
        } else if (!(body instanceof HttpServerRequest request)) {
            throw new Problem(415, "Without JavaScript this server takes no file: put it into the inbox");
        } else {
            return read(request);
        }
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
