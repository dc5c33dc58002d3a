package io.csvimport.expectation;

import java.util.List;
import java.util.function.Consumer;

/** The expectations that the user's files say now. */
public final class Expectations {

    private volatile boolean isWhole = true;
    private volatile List<Expectation> all = List.of();
    private volatile Consumer<List<Expectation>> listener = now -> {};

    /** In the order of the names of their files, then of their lines. */
    public List<Expectation> all() {
        return all;
    }

    /** Whether nothing of what the files say is missing in {@link #all}. */
    public boolean isWhole() {
        return isWhole;
    }

    public void isWhole(boolean whole) {
        isWhole = whole;
    }

    public void replace(List<Expectation> expectations) {
        all = List.copyOf(expectations);
        listener.accept(all);
    }

    public void whenReplaced(Consumer<List<Expectation>> listener) {
        this.listener = listener;
    }

    /** What is expected of the content of a file. */
    public List<Expectation> ofContent(String template, String feed, String fileName) {
        return all.stream()
                .filter(Expectation::isOfContent)
                .filter(expectation -> expectation.applies(template, feed, fileName))
                .toList();
    }

    /** The template of the first expectation whose pattern a file name matches; null where none does. */
    public String template(String fileName) {
        return all.stream()
                .filter(expectation -> expectation.files() != null && expectation.matches(fileName))
                .map(Expectation::template)
                .findFirst()
                .orElse(null);
    }
}
