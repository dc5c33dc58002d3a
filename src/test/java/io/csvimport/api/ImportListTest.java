package io.csvimport.api;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import io.csvimport.file.Sources;
import io.csvimport.tracking.FailedRowsFile;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.SequenceInputStream;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The API's collection of imports, however it spells, and however much it lists. */
class ImportListTest {

    @TempDir
    Path directory;

    @Test
    void statementsAreToldApartByTheirNumberHoweverTheyAreSpelt() throws IOException {
        for (String name : List.of("statemenIds", "statementIds", "alllStatementIds", "allStatementIds")) {
            for (boolean last : List.of(true, false)) {
                assertEquals(statements(name, "\"a,b\"", last), statements(name, "\"c,d\"", last), name);
                assertNotEquals(statements(name, "\"a,b\"", last), statements(name, "\"a,b,c\"", last), name);
                assertNotEquals(statements(name, "\"\"", last), statements(name, "\"a\"", last), name);
                assertEquals(0, statements(name, "[]", last));
                assertEquals(2, statements(name, "[\"a\", \"b\"]", last));
            }
        }
        // both forms: the array is counted
        assertEquals(
                3,
                only("{\"statemenIds\": \"a,b,c\", \"allStatementIds\": [\"a\", \"b\", \"c\"]}")
                        .statements());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{'results': []}",
                "{'count': 0, 'results': []}",
                "\uFEFF{'count': '1', 'results': [{}]}\n",
                "{'count': 0, 'results': [{}], 'next': null, 'more': '', 'links': [], 'error': null, 'errors': []}",
                "{'links': {'self': '/x', 'next': null}, 'page': {'number': 1, 'totalPages': 1}, 'results': []}",
                "{'results': [], 'hasMore': false, 'last': true, 'success': true, 'total': 0}"
            })
    void aWholeListIsAProof(String json) throws IOException {
        assertNull(read(json).flaw());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{'count': '500', 'results': []}",
                "{'count': 500, 'results': []}",
                "{'results': [], 'count': 1e3}",
                "{'count': 'many', 'results': []}",
                "{'results': [{}], 'total': 2}",
                "{'results': [], 'meta': {'totalCount': '7'}}",
                "{'more': '/next', 'results': []}",
                "{'results': [], 'next': 2}",
                "{'results': [], 'nextPage': {'page': 2}}",
                "{'results': [], 'hasMore': true}",
                "{'results': [], '@odata.nextLink': 'x'}",
                "{'results': [], 'last': false}",
                "{'results': [], '_links': {'next': {'href': 'x'}}}",
                "{'results': [], 'links': [{'rel': 'next', 'href': 'x'}]}",
                "{'results': [], 'links': '/x?page=2'}",
                "{'results': [], 'paging': {'cursors': {'after': 'x'}}}",
                "{'results': [], 'next_page_token': 'x'}",
                "{'results': [], 'pages': 3}",
                "{'results': [], 'truncated': true}",
                "{'error': 'timeout', 'results': []}",
                "{'results': [], 'errors': ['x']}",
                "{'results': [], 'success': false}",
                "{'results': [], 'error': {'code': 5}}",
                "{'results': []} x",
                "{'results': []}{'results': []}",
                "{'results': []}]"
            })
    void aListThatMayGoOnOrTellsAnErrorIsNone(String json) throws IOException {
        assertNotNull(read(json).flaw());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "[]",
                "null",
                "{}",
                "{'results': null}",
                "{'results': [null]}",
                "{'results': [{}",
                "{'count': 0, 'results': [",
                "{'results': []",
                "<html></html>",
                "{'error': 'timeout'}"
            })
    void whatIsNoListIsRefused(String json) {
        assertThrows(IOException.class, () -> read(json));
    }

    @Test
    void aHundredResultsAreThePageOfALongerList() throws IOException {
        String hundred = "{'results': [{}" + ", {}".repeat(99) + "]}";
        assertNotNull(read(hundred).flaw());
        assertNull(read(hundred.replaceFirst("\\{}", "{}, {}")).flaw());
    }

    @Test
    void onlyTheStatus200WithoutALinkToMoreIsAProof() throws IOException {
        for (int status : List.of(200, 201, 202, 203, 206)) {
            assertEquals(status == 200, isWhole(status, "null"));
        }
        for (String next : List.of(
                "</x?page=2>; rel=next",
                "<a>; rel=\"prev\", <b>; REL=\"last next\"",
                "[<a>; rel=prev, <b>; rel = \"next\"]")) {
            assertFalse(isWhole(200, next));
        }
        assertTrue(isWhole(200, "<next>; rel=\"prev\", <x>; rel=\"up\""));
    }

    private static boolean isWhole(int status, String link) throws IOException {
        return ImportList.read(status, link, stream("{\"results\": []}"), id -> true, null)
                .isWhole();
    }

    private static ImportList read(String json) throws IOException {
        return ImportList.read(200, null, stream(json.replace('\'', '"')), id -> true, null);
    }

    @Test
    void failedRowsAreAlikeInWhateverOrder() throws IOException {
        FailedRows rows =
                only("{\"failedRows\": {\"2\": \"x\", \"3\": [\"y\", \"z\"]}}").failedRows();
        assertEquals(2, rows.count());
        assertEquals(
                rows,
                only("{\"failedRows\": {\"3\": [\"y\",\"z\"], \"2\": \"x\"}}").failedRows());
        assertNotEquals(
                rows,
                only("{\"failedRows\": {\"2\": \"z\", \"3\": [\"y\", \"x\"]}}").failedRows());
        for (String none : List.of("{}", "[]")) {
            assertEquals(FailedRows.NONE, only("{\"failedRows\": " + none + "}").failedRows());
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "'failedRows': [{'row': 3, 'error': 'x'}]",
                "'failedRows': ['3']",
                "'failedRows': 0",
                "'failedRows': 1",
                "'failedRows': 'none'",
                "'failedRows': ''",
                "'failedRows': null",
                "'failedRows': false",
                "'failedRows': {'count': 0, 'rows': []}",
                "'failedRows': {'3': null}",
                "'failedRows': {}, 'failedRows': {}",
                "'failedRowCount': 0"
            })
    void failedRowsInAnotherFormThanDocumentedAreUnreadableAndNotNone(String member) throws IOException {
        assertFalse(only("{" + member.replace('\'', '"') + "}").failedRows().isReadable());
    }

    @Test
    void anImportHasStatementsWhereAnyOfItsMembersHasOne() throws IOException {
        String id = "\"00000000-0000-0000-0000-000000000000\"";
        for (String none : List.of(
                "\"version\": 1", "\"statemenIds\":  \"\" ,  \"alllStatementIds\": []", "\"statementIds\": null")) {
            assertFalse(only("{" + none + "}").hasStatements(), none);
        }
        for (String name : List.of("statemenIds", "statementIds", "alllStatementIds", "allStatementIds")) {
            assertTrue(only("{\"" + name + "\": " + id + "}").hasStatements(), name);
            assertTrue(
                    only("{\"" + name + "\": [" + id + "], \"allStatementIds\": []}")
                            .hasStatements(),
                    name);
        }
    }

    @Test
    void failedRowsAreWrittenThoughTheIdComesAfterThem() throws IOException {
        String json = "{\"results\": [{\"failedRows\": {\"2\": \"a \\\"b\\\",\\nc\"}, \"id\": 7},"
                + " {\"id\": 8, \"failedRows\": {\"2\": \"x\"}}]}";
        ImportList list = ImportList.read(
                200, null, stream(json), "7"::equals, new FailedRowsFile(directory, new Sources())::begin);
        assertEquals(
                List.of("7"), list.entries().stream().map(ImportList.Entry::id).toList());
        assertEquals(
                "row,error\n2,\"a \"\"b\"\",\nc\"\n",
                Files.readString(list.entries().get(0).rowsFile()));
        assertEquals(2, list.results());
    }

    @Test
    void aHundredThousandStatementIdsDoNotShowInMemory() throws IOException {
        long few = allocated(10);
        long many = allocated(100_000);
        // twice 3.7 million bytes in each of the two forms
        assertTrue(many - few < 500_000, () -> "a list of many statements takes " + (many - few) + " bytes more");
    }

    private long allocated(int statements) throws IOException {
        String id = UUID.randomUUID().toString();
        InputStream ids = repeated("," + id, statements);
        InputStream quoted = repeated(",\"" + id + "\"", statements);
        InputStream list = joined(
                stream("{\"count\": 1, \"results\": [{\"id\": \"7\", \"statemenIds\": \"" + id),
                ids,
                stream("\", \"alllStatementIds\": [\"" + id + "\""),
                quoted,
                stream("], \"failedRows\": {}, \"template\": \"People\"}]}"));
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long before = threads.getCurrentThreadAllocatedBytes();
        ImportList read =
                ImportList.read(200, null, list, "7"::equals, new FailedRowsFile(directory, new Sources())::begin);
        long after = threads.getCurrentThreadAllocatedBytes();
        assertEquals(statements + 1, read.entries().get(0).statements());
        return after - before;
    }

    private static InputStream repeated(String text, int times) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        return new InputStream() {
            private long left = (long) times * bytes.length;

            @Override
            public int read() {
                return left == 0 ? -1 : bytes[(int) ((bytes.length - left-- % bytes.length) % bytes.length)];
            }
        };
    }

    private static InputStream joined(InputStream... streams) {
        return new SequenceInputStream(Collections.enumeration(List.of(streams)));
    }

    private static long statements(String name, String value, boolean last) throws IOException {
        return only("{\"" + name + "\": " + value + (last ? "" : ", \"id\": \"7\"") + "}")
                .statements();
    }

    private static ImportList.Entry only(String entry) throws IOException {
        return ImportList.read(200, null, stream("{\"results\": [" + entry + "], \"count\": 1}"), id -> true, null)
                .entries()
                .get(0);
    }

    private static InputStream stream(String text) {
        return new ByteArrayInputStream(text.getBytes(StandardCharsets.UTF_8));
    }
}
