package io.csvimport.pipeline;

import io.csvimport.CsvImportUnsettledException;
import io.csvimport.expectation.Expectation;
import io.csvimport.expectation.Expectation.Otherwise;
import io.csvimport.expectation.Expectations;
import io.csvimport.expectation.Verdict;
import io.csvimport.job.CsvImportConstants;
import io.csvimport.job.Delivery;
import io.csvimport.job.Job;
import io.csvimport.ledger.EarlierImports;
import io.csvimport.ledger.EarlierImports.Counted;
import io.csvimport.ledger.Outcomes;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.apache.camel.Exchange;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;

/**
 * The steps of {@code csv-import-expect}: compares what the pass over the bytes has found with what is expected.
 */
public final class ContentCheck {

    private static final Logger LOG = LoggerFactory.getLogger("csv-import");

    private final Expectations expectations;
    private final Outcomes outcomes;
    private final EarlierImports earlier;

    public ContentCheck(Expectations expectations, Outcomes outcomes, EarlierImports earlier) {
        this.expectations = expectations;
        this.outcomes = outcomes;
        this.earlier = earlier;
    }

    /** The template of the first expectation whose pattern the name of the file matches. */
    public String templateByName(Exchange exchange) {
        return expectations.template(Names.fileName(exchange));
    }

    /** Finds out what is to become of the file, where it is not as expected and no person lets it through. */
    public void compare(Exchange exchange) throws CsvImportUnsettledException {
        Inspection.Looked looked = exchange.getProperty(CsvImportConstants.LOOKED, Inspection.Looked.class);
        Delivery delivery = Delivery.of(exchange);
        Job job = delivery.job();
        Job.Look look = job.look().at(delivery.look().header(), delivery.look().rows());
        Verdict verdict = look.waived() ? null : verdict(job.names().template(), looked);
        if (verdict == null) {
            if (!look.equals(job.look())) {
                delivery.became(job.with(look));
                outcomes.looked(delivery.job());
            }
            return;
        }
        boolean isTold = verdict.otherwise() == Otherwise.WARN && look.found() != null;
        delivery.became(job.with(isTold ? look : look.breaking(verdict.expected(), verdict.found())));
        exchange.setProperty(
                CsvImportConstants.OTHERWISE, verdict.otherwise().name().toLowerCase(Locale.ROOT));
        if (verdict.otherwise() != Otherwise.WARN) {
            exchange.setProperty(CsvImportConstants.REASON, Job.Look.UNEXPECTED);
            exchange.setProperty(
                    CsvImportConstants.DETAIL,
                    "Expected was " + verdict.expected() + ", found was " + verdict.found() + " (" + verdict.places()
                            + "). " + next(verdict.otherwise(), job.id()));
        }
    }

    private static String next(Otherwise otherwise, long job) {
        return otherwise == Otherwise.HOLD
                ? "Nothing was sent, a person decides: POST /csv-imports/" + job + "/retry sends it all the same"
                : "Nothing was sent: correct the file and deliver it again, or change what is expected";
    }

    private Verdict verdict(String template, Inspection.Looked looked) throws CsvImportUnsettledException {
        List<String> header = looked.expectations().stream().anyMatch(Expectation::headerOfLast)
                ? earlier.header(template).orElse(null)
                : null;
        Map<Expectation, Verdict.Last> lasts = new HashMap<>();
        for (Expectation expectation : looked.expectations()) {
            if (expectation.rows().maxDrop() != null) {
                Optional<Counted> last = earlier.last(template, expectation.feed(), expectation.names());
                last.ifPresent(before -> lasts.put(expectation, new Verdict.Last(before.job(), before.csvRows())));
            }
        }
        return Verdict.of(looked.csv(), looked.expectations(), header, lasts);
    }

    /** It is imported all the same: the audit event says so, once. */
    public void tell(Exchange exchange) throws CsvImportUnsettledException {
        Job job = Delivery.of(exchange).job();
        if (outcomes.suspicious(job)) {
            job.log(
                    LOG,
                    Level.WARN,
                    "; it is not as expected, and imported all the same: expected was "
                            + job.look().expected() + ", found was "
                            + job.look().found());
        }
    }
}
