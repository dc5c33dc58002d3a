package io.csvimport.operations.desk;

import io.csvimport.operations.Operations;
import io.csvimport.operations.Problem;
import io.csvimport.operations.VertxBody;
import io.vertx.core.http.HttpServerRequest;
import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.camel.Exchange;
import org.apache.camel.Message;
import org.apache.camel.component.platform.http.vertx.HttpMessage;
import org.apache.camel.util.IOHelper;

/** The file in a paused request to a Vert.x server. A class of its own: a servlet container has no Vert.x. */
final class VertxForm {

    /** The file, while it arrives. */
    record Part(String name, InputStream bytes) {}

    private VertxForm() {}

    /** What is left of the body is dropped when the exchange is done. */
    static Part read(Exchange exchange) throws Problem, IOException {
        HttpServerRequest request = (HttpServerRequest) exchange.getMessage().getBody();
        Operations.closeWhenDone(exchange, () -> drop(request));
        CompletableFuture<Part> first = new CompletableFuture<>();
        request.setExpectMultipart(true);
        request.uploadHandler(part -> {
            if (!first.isDone()) {
                part.pause();
                first.complete(new Part(part.filename(), new VertxBody(part, request)));
            }
        });
        request.exceptionHandler(first::completeExceptionally);
        request.endHandler(end -> first.complete(null));
        request.resume();
        try {
            Part file = first.get(VertxBody.LONGEST_PAUSE_SECONDS, TimeUnit.SECONDS);
            if (file != null) {
                Operations.closeWhenDone(exchange, file.bytes);
            }
            if (file == null || file.name == null || file.name.isEmpty()) {
                throw new Problem(400, "No file was chosen");
            }
            return file;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException(e);
        } catch (ExecutionException | TimeoutException e) {
            // a part that comes yet is passed over
            first.cancel(false);
            throw new Problem(400, "The form cannot be read, or has not come whole: send the file again");
        }
    }

    /** A browser that goes away meanwhile is not told to Camel: the stream is closed then. */
    static void closeWithResponse(Message message, Closeable bytes) {
        if (message instanceof HttpMessage http) {
            http.getResponse().closeHandler(gone -> CompletableFuture.runAsync(() -> IOHelper.close(bytes)));
        }
    }

    /** The rest of the form: the connection can be used again. */
    private static void drop(HttpServerRequest request) {
        if (!request.isEnded()) {
            request.endHandler(null).exceptionHandler(null).resume();
        }
    }
}
