package io.csvimport.pipeline;

import java.util.Arrays;
import java.util.List;
import org.apache.camel.CamelContext;
import org.apache.camel.Exchange;
import org.apache.camel.Expression;
import org.apache.camel.Predicate;
import org.apache.camel.spi.Language;
import org.apache.camel.support.ExpressionAdapter;
import org.apache.camel.support.ExpressionToPredicateAdapter;
import org.apache.camel.support.LanguageSupport;
import org.apache.camel.util.ObjectHelper;

/**
 * The language {@code csvImportFirst}: Simple expressions with {@code ?:} between them; the value is that of the first that is
 * not empty, or of the last. Simple has this operator from Camel 4.18 on; before, it takes it for text. The Camel CLI may be
 * older.
 */
public final class FirstLanguage extends LanguageSupport {

    @Override
    public Expression createExpression(String text) {
        Language simple = getCamelContext().resolveLanguage("simple");
        List<Expression> choices = Arrays.stream(text.split(" \\?: "))
                .map(choice -> simple.createExpression(choice.trim()))
                .toList();
        return new ExpressionAdapter() {
            @Override
            public void init(CamelContext context) {
                choices.forEach(choice -> choice.init(context));
            }

            @Override
            public Object evaluate(Exchange exchange) {
                Object value = null;
                for (Expression choice : choices) {
                    value = choice.evaluate(exchange, Object.class);
                    if (ObjectHelper.isNotEmpty(value)) {
                        return value;
                    }
                }
                return value;
            }
        };
    }

    @Override
    public Predicate createPredicate(String text) {
        return ExpressionToPredicateAdapter.toPredicate(createExpression(text));
    }
}
