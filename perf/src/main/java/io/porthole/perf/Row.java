package io.porthole.perf;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

/**
 * A line of the comparison: a workload at a depth.
 *
 * @param id for the command line and the raw data
 * @param group of rows that belong together in the report
 * @param title for people
 * @param depth operations under way at once
 * @param queues request queues they are spread over
 * @param bytes of contents that an operation moves, or 0
 * @param quick part of the short run
 */
record Row(
        String id,
        String group,
        String title,
        int depth,
        int queues,
        int bytes,
        boolean quick,
        Function<Fixture, Workload> workload) {

    private static final int KIB = 1 << 10;
    private static final int MIB = 1 << 20;

    /** All rows, in the order of the report. */
    static List<Row> all() {
        List<Row> rows = new ArrayList<>();
        rows.add(
                new Row(
                        "unknown",
                        "transport",
                        "unknown opcode (transport alone)",
                        32,
                        1,
                        0,
                        true,
                        f -> new MetadataWorkloads.Unknown()));
        for (int depth : new int[] {1, 32}) {
            rows.add(meta("getattr", "getattr", depth, true, f -> new MetadataWorkloads.Getattr()));
        }
        rows.add(
                meta(
                        "lookup-known",
                        "lookup of known names",
                        32,
                        true,
                        f -> new MetadataWorkloads.Lookup(false)));
        for (int depth : new int[] {1, 32}) {
            rows.add(
                    meta(
                            "lookup-forget",
                            "lookup + forget",
                            depth,
                            depth > 1,
                            f -> new MetadataWorkloads.Lookup(true)));
        }
        rows.add(
                meta(
                        "lookup-missing",
                        "lookup of missing names",
                        32,
                        true,
                        f -> new MetadataWorkloads.LookupMissing()));
        rows.add(
                meta(
                        "open-release",
                        "open + release",
                        32,
                        true,
                        f -> new MetadataWorkloads.OpenRelease()));
        rows.add(
                meta(
                        "readdirplus",
                        "readdirplus, 1000 entries",
                        4,
                        true,
                        f -> new MetadataWorkloads.Readdirplus()));
        rows.add(
                name(
                        "create-unlink",
                        "create + release + unlink",
                        f -> new NamespaceWorkloads.CreateUnlink(f.share())));
        rows.add(
                name(
                        "mkdir-rmdir",
                        "mkdir + rmdir",
                        f -> new NamespaceWorkloads.MkdirRmdir(f.share())));
        rows.add(name("rename", "rename", f -> new NamespaceWorkloads.Rename(f.share())));
        rows.add(
                new Row(
                        "container-start",
                        "mix",
                        "container start, per file",
                        16,
                        1,
                        0,
                        true,
                        ContainerStart::new));
        rows.add(data("read-4k", true, true, 4 * KIB, 1, true));
        rows.add(data("read-4k", true, true, 4 * KIB, 8, false));
        rows.add(data("read-4k", true, true, 4 * KIB, 32, true));
        rows.add(data("read-4k", true, true, 4 * KIB, 64, false));
        rows.add(data("read-128k", true, true, 128 * KIB, 8, false));
        rows.add(data("read-4k-seq", true, false, 4 * KIB, 32, false));
        rows.add(data("read-128k-seq", true, false, 128 * KIB, 8, false));
        rows.add(data("read-1m", true, false, MIB, 4, true));
        rows.add(data("write-4k", false, true, 4 * KIB, 1, false));
        rows.add(data("write-4k", false, true, 4 * KIB, 32, true));
        rows.add(data("write-4k", false, true, 4 * KIB, 64, false));
        rows.add(data("write-128k-seq", false, false, 128 * KIB, 8, false));
        rows.add(data("write-1m", false, false, MIB, 4, true));
        for (int depth : new int[] {4, 32, 64}) {
            rows.add(
                    new Row(
                            "read-4k-4q-d" + depth,
                            "queues",
                            "read 4 KiB, random, four queues",
                            depth,
                            4,
                            4 * KIB,
                            false,
                            f -> new DataWorkloads.Read(4 * KIB, true, false)));
        }
        rows.add(
                new Row(
                        "direct-read-4k-d32",
                        "direct",
                        "read 4 KiB, random, O_DIRECT",
                        32,
                        1,
                        4 * KIB,
                        false,
                        f -> new DataWorkloads.Read(4 * KIB, true, true)));
        rows.add(
                new Row(
                        "direct-read-4k-4q-d32",
                        "direct",
                        "read 4 KiB, random, O_DIRECT, four queues",
                        32,
                        4,
                        4 * KIB,
                        false,
                        f -> new DataWorkloads.Read(4 * KIB, true, true)));
        rows.add(
                new Row(
                        "direct-write-4k-d32",
                        "direct",
                        "write 4 KiB, random, O_DIRECT",
                        32,
                        1,
                        4 * KIB,
                        false,
                        f -> new DataWorkloads.Write(f.share(), 4 * KIB, true, true)));
        return rows;
    }

    private static Row meta(
            String id,
            String title,
            int depth,
            boolean quick,
            Function<Fixture, Workload> workload) {
        return new Row(id + "-d" + depth, "metadata", title, depth, 1, 0, quick, workload);
    }

    private static Row name(String id, String title, Function<Fixture, Workload> workload) {
        return new Row(id + "-d8", "namespace", title, 8, 1, 0, true, workload);
    }

    private static Row data(
            String id, boolean read, boolean random, int bytes, int depth, boolean quick) {
        String size = bytes >= MIB ? bytes / MIB + " MiB" : bytes / KIB + " KiB";
        return new Row(
                id + "-d" + depth,
                read ? "read" : "write",
                (read ? "read " : "write ") + size + (random ? ", random" : ", sequential"),
                depth,
                1,
                bytes,
                quick,
                f ->
                        read
                                ? new DataWorkloads.Read(bytes, random, false)
                                : new DataWorkloads.Write(f.share(), bytes, random, false));
    }
}
