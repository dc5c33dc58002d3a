package io.csvimport.job;

import io.csvimport.text.Visible;
import java.time.Instant;
import java.util.List;
import java.util.UUID;
import org.slf4j.Logger;
import org.slf4j.event.Level;
import org.slf4j.spi.LoggingEventBuilder;

/**
 * A job: one row of the ledger as it was read or written last.
 *
 * @param id 0 where it has no row yet
 * @param owner the process that has it
 * @param createdAt by this machine's clock, as {@link Attempt#began}
 * @param releasedTo where its file went, null where it went nowhere or is not released
 * @param trace of its first attempt, which later ones and its audit events continue
 * @param look what its content is, where something is expected of it
 */
public record Job(
        long id,
        Origin origin,
        Naming names,
        Content content,
        String owner,
        Attempt attempt,
        Outcome outcome,
        Instant createdAt,
        String releasedTo,
        Trace trace,
        Look look) {

    /** Characters of a name that is shortened. */
    private static final int LONGEST = 200;

    /**
     * Where it comes from.
     *
     * @param from file, sftp, jms, http, or the route id of the feed
     * @param sourceKey what tells this delivery from the next: unique while it is not released
     * @param itemKey by which its source offers it again after it was acknowledged, or null
     * @param path where its bytes are, or were; null where they are no file
     * @param envelope what its source needs to take it back once it was acknowledged, JSON; or null
     */
    public record Origin(String from, String sourceKey, String itemKey, String path, String envelope) {}

    /**
     * @param addresses to notify
     * @param duplicates {@code skip} or {@code import}
     */
    public record Naming(String template, List<String> addresses, String fileName, String duplicates) {

        static final Naming NONE = new Naming(null, List.of(), null, null);

        /** The addresses, comma-separated. */
        public String addressList() {
            return String.join(",", addresses);
        }

        public Naming withFileName(String name) {
            return new Naming(template, addresses, name, duplicates);
        }

        public Naming withDuplicates(String choice) {
            return new Naming(template, addresses, fileName, choice);
        }
    }

    /**
     * @param size bytes
     * @param sha256 hex, null where they were not read to their end, or not yet
     */
    public record Content(long size, String sha256) {}

    /**
     * What the pass over the bytes has found, where something is expected of the content.
     *
     * @param header the names of the columns, a JSON array; null where nothing was looked at
     * @param rows the records after the header; null where they were not, or cannot be, counted
     * @param expected what it breaks, in words; null: nothing
     * @param found what it has instead
     * @param waived whether a person lets it through all the same
     */
    public record Look(String header, Long rows, String expected, String found, boolean waived) {

        /** The reason of a file that is held or rejected because it is not as expected. */
        public static final String UNEXPECTED = "unexpected";

        public static final Look NONE = new Look(null, null, null, null, false);

        /** The same of other bytes, or of the same ones, read again. */
        public Look at(String header, Long rows) {
            return new Look(header, rows, expected, found, waived);
        }

        /** It is not as expected. */
        public Look breaking(String expected, String found) {
            return new Look(header, rows, expected, found, waived);
        }
    }

    /**
     * The latest attempt to send it.
     *
     * @param number from 1; 0 where there was none
     * @param apiTime when it began by the API's clock, null where that was not known
     */
    public record Attempt(int number, Instant began, Instant apiTime) {

        static final Attempt NONE = new Attempt(0, null, null);
    }

    /** What is to be claimed: no row of the ledger yet. */
    public static Job of(Origin origin, Naming names, Content content) {
        return new Job(
                0, origin, names, content, null, Attempt.NONE, Outcome.CLAIMED, null, null, Trace.NONE, Look.NONE);
    }

    /** It has its row; what has no name is named after that. */
    public Job inserted(long id, Instant createdAt) {
        Naming named = names.fileName == null ? names.withFileName(id + ".csv") : names;
        return new Job(id, origin, named, content, owner, attempt, outcome, createdAt, releasedTo, trace, look);
    }

    /** The same job with another outcome. */
    public Job with(Outcome outcome) {
        return new Job(id, origin, names, content, owner, attempt, outcome, createdAt, releasedTo, trace, look);
    }

    /** The same job with another attempt of a process. */
    public Job with(Attempt attempt, String owner) {
        return new Job(id, origin, names, content, owner, attempt, outcome, createdAt, releasedTo, trace, look);
    }

    public Job with(Origin origin) {
        return new Job(id, origin, names, content, owner, attempt, outcome, createdAt, releasedTo, trace, look);
    }

    public Job with(Look look) {
        return new Job(id, origin, names, content, owner, attempt, outcome, createdAt, releasedTo, trace, look);
    }

    /** The same job, its bytes digested. */
    public Job with(Content content) {
        return new Job(id, origin, names, content, owner, attempt, outcome, createdAt, releasedTo, trace, look);
    }

    public Job with(Trace trace) {
        return new Job(id, origin, names, content, owner, attempt, outcome, createdAt, releasedTo, trace, look);
    }

    /** Whether nothing of it is with the API: it may be withdrawn. */
    public boolean isUnsent() {
        return state().isUnsent() || state() == State.HELD && Look.UNEXPECTED.equals(outcome.reason());
    }

    public State state() {
        return outcome.state();
    }

    /** The same with no more of each name than an index of a database takes. */
    Job shortened() {
        return of(
                new Origin(
                        origin.from,
                        shortened(origin.sourceKey) + "|" + UUID.randomUUID(),
                        null,
                        shortened(origin.path),
                        origin.envelope),
                new Naming(shortened(names.template), names.addresses, shortened(names.fileName), names.duplicates),
                content);
    }

    private static String shortened(String text) {
        return text == null || text.length() <= LONGEST ? text : text.substring(0, LONGEST) + "…";
    }

    /** Says what became of it, with the job and the import id in the logging context. */
    public void log(Logger log, Level level, String more) {
        LoggingEventBuilder line = log.atLevel(level).addKeyValue(CsvImportConstants.JOB, id);
        if (outcome.importId() != null) {
            line.addKeyValue(CsvImportConstants.IMPORT_ID, outcome.importId());
        }
        line.log("{}{}", summary(), more);
    }

    /** One readable line: the file, what became of it, and the import id or the reason. */
    public String summary() {
        StringBuilder line = new StringBuilder();
        line.append(names.fileName == null ? "A file of others" : Visible.of(names.fileName))
                .append(": ")
                .append(state());
        if (outcome.importId() != null) {
            line.append(state() == State.DUPLICATE ? " of import " : ", import ")
                    .append(outcome.importId());
        }
        if (outcome.reason() != null) {
            line.append(", ").append(outcome.reason());
        }
        if (outcome.detail() != null) {
            line.append(": ").append(Visible.of(outcome.detail()));
        }
        return line.append(" (template ")
                .append(names.template == null ? "none" : Visible.of(names.template))
                .append(", ")
                .append(content.size)
                .append(" bytes, from ")
                .append(origin.from)
                .append(", job ")
                .append(id)
                .append(")")
                .toString();
    }
}
