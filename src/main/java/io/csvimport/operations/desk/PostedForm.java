package io.csvimport.operations.desk;

import io.csvimport.operations.Operations;
import io.csvimport.operations.Problem;
import java.io.IOException;
import java.io.InputStream;
import org.apache.camel.Exchange;

/** The file of a browser's form, while it arrives; a script sends the CSV alone, and its name in the query. */
record PostedForm(String fileName, InputStream file) {

    /**
     * What is left of the body is dropped when the exchange is done.
     *
     * @param isServlet whether the server is a servlet container, which reads forms itself
     */
    static PostedForm read(Exchange exchange, boolean isServlet) throws Problem, IOException {
        boolean isForm = Operations.contentType(exchange.getMessage()).startsWith("multipart/form-data");
        if (isForm && isServlet) {
            throw new Problem(415, "Without JavaScript this server takes no file: put it into the inbox");
        }
        return isForm ? VertxForm.read(exchange) : new PostedForm(null, Operations.open(exchange, isServlet));
    }
}
