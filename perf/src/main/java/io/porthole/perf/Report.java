package io.porthole.perf;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;

/** The page for people: raw data and the script that draws it, in one file. */
final class Report {
    private static final String PLACE = "/*DATA*/null";

    private Report() {}

    static String html(String json) throws IOException {
        try (InputStream in = Report.class.getResourceAsStream("report.html")) {
            if (in == null) {
                throw new IOException("report.html is missing from the jar");
            }
            String page = new String(in.readAllBytes(), StandardCharsets.UTF_8);
            if (!page.contains(PLACE)) {
                throw new IOException("report.html has no place for the data");
            }
            return page.replace(PLACE, json);
        }
    }
}
