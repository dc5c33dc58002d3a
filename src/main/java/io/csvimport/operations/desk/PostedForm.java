package io.csvimport.operations.desk;

import io.csvimport.operations.Problem;
import java.io.IOException;
import java.io.InputStream;
import org.apache.camel.Exchange;

/** The file of a browser's form, while it arrives; a script sends the CSV alone, and its name in the query. */
record PostedForm(String fileName, InputStream file) {

    /** @param isServlet whether the server is a servlet container, which reads forms itself */
    static PostedForm read(Exchange exchange, boolean isServlet) throws Problem, IOException {
        Object body = exchange.getMessage().getBody();
        boolean isForm = exchange.getMessage()
                .getHeader(Exchange.CONTENT_TYPE, "", String.class)
                .startsWith("multipart/form-data");
        if (!isServlet) {
            return VertxForm.read(body, isForm);
        } else if (!isForm && body instanceof InputStream file) {
            return new PostedForm(null, file);
        }
        throw new Problem(415, "Without JavaScript this server takes no file: put it into the inbox");
    }
}
