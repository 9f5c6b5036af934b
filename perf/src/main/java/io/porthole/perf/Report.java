package io.porthole.perf;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** The page for people: raw data and the script that draws it, in one file. */
final class Report {
    private static final String PLACE = "/*DATA*/null";
    private static final String GUEST_PLACE = "/*GUEST*/null";

    private Report() {}

    /**
     * The page of what is in a folder: {@code bench.json}, {@code bench-guest.json}, or both.
     *
     * @return the page's file
     */
    static Path write(Path folder) throws IOException {
        Path page = folder.resolve("bench.html");
        Files.writeString(page, html(read(folder, "bench.json"), read(folder, "bench-guest.json")));
        return page;
    }

    private static String read(Path folder, String name) throws IOException {
        Path file = folder.resolve(name);
        return Files.exists(file) ? Files.readString(file) : "null";
    }

    private static String html(String json, String guestJson) throws IOException {
        try (InputStream in = Report.class.getResourceAsStream("report.html")) {
            if (in == null) {
                throw new IOException("report.html is missing from the jar");
            }
            String page = new String(in.readAllBytes(), StandardCharsets.UTF_8);
            if (!page.contains(PLACE) || !page.contains(GUEST_PLACE)) {
                throw new IOException("report.html has no place for the data");
            }
            return page.replace(PLACE, json).replace(GUEST_PLACE, guestJson);
        }
    }
}
