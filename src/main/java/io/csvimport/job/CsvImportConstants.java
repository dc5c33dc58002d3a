package io.csvimport.job;

import io.csvimport.CsvRejectedException;
import io.csvimport.file.SourceFile;

/** The names of the exchange properties and headers that more than one step, or a route, reads. */
public final class CsvImportConstants {

    /** The {@link Delivery}. */
    public static final String DELIVERY = "csvImportDelivery";

    public static final String OUTCOME = "csvImportOutcome";
    public static final String JOB = "csvImportJob";
    public static final String IMPORT_ID = "csvImportId";
    public static final String REASON = "csvImportReason";
    public static final String DETAIL = "csvImportDetail";
    public static final String HTTP_STATUS = "csvImportHttpStatus";
    public static final String RETRY_AFTER = "csvImportRetryAfter";
    /** Set where the ledger had the outcome before: only the release is left to do. */
    public static final String RECALLED = "csvImportRecalled";

    /** What the claim has come to: new, duplicate or busy. */
    public static final String CLAIM = "csvImportClaim";
    /** What was found out about the content of which something is expected. */
    public static final String LOOKED = "csvImportLooked";
    /** What becomes of a file that is not as expected: reject, hold or warn. */
    public static final String OTHERWISE = "csvImportOtherwise";
    /** How many rows fail, by the preview. */
    public static final String FAILED_ROWS = "csvImportFailedRows";
    /** How long it waits, a {@link java.time.Duration} or its text. */
    public static final String PAUSE = "csvImportPause";

    public static final String SUMMARY = "csvImportSummary";

    /** The template that the source's folder names, or its Kamelet's parameter. */
    public static final String FOLDER_TEMPLATE = "csvImportFolderTemplate";

    /** What the ledger has claimed already, and then what csv-import-enrich has chosen. */
    public static final String TEMPLATE = "csvImportTemplate";

    public static final String NOTIFY = "csvImportNotify";
    public static final String FILE_NAME = "csvImportFileName";
    public static final String DUPLICATES = "csvImportDuplicates";

    /** {@link #ORDERED} or {@link #UNORDERED}, as its feed says; the setting where it says nothing. */
    public static final String ORDER = "csvImportOrder";

    /** The order in which files of one feed and template are sent one after another. */
    public static final String ORDERED = "template";
    /** No order: each file is sent for itself. */
    public static final String UNORDERED = "none";

    /** The {@link SourceFile} that a feed has found. */
    public static final String SOURCE_FILE = "csvImportSourceFile";
    /** When an empty file may be judged, {@link System#nanoTime}. */
    public static final String JUDGED_FROM = "csvImportJudgedFrom";
    /** Why what the source has can be no CSV, found out by the source: a {@link CsvRejectedException}. */
    public static final String REFUSAL = "csvImportRefusal";
    /** The file is gone from its server, and its copy is all there is. */
    public static final String ORPHAN = "csvImportOrphan";
    /** For a source that takes back what is rejected: what it needs to do so, JSON. */
    public static final String ENVELOPE = "csvImportEnvelope";
    /** Whether the source has offered the item before. */
    public static final String OFFERED_AGAIN = "csvImportOfferedAgain";
    /** The multipart body of the request. */
    public static final String UPLOAD = "csvImportUpload";
    /** Whether the API has answered its list. */
    public static final String LISTED = "csvImportListed";

    /** The route id of the feed, where one of the packaged sources owns the release. */
    public static final String FEED = "csvImportFeed";

    /** Header: the key by which a source of the user's offers an item again. */
    public static final String SOURCE_KEY = "csvImportSourceKey";

    private CsvImportConstants() {}
}
