package io.porthole.perf;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * A job that is run inside a guest, on a file system mounted on /mnt.
 *
 * @param id without the kernel
 * @param group jobs of one group run one after the other on one mount, each on what the one before
 *     left
 * @param depth operations under way at once
 * @param script prints what {@link #result} reads
 */
record GuestRow(String id, String group, String title, int depth, String script, boolean fio) {
    /** The jobs of this group need those before them: all are run, or none. */
    static final String SEQUENCE = "small files";

    /** Small files in the metadata jobs. */
    private static final int FILES = 1000;

    /** What a job tells of itself. */
    record Result(
            long operations, long nanos, long p50Nanos, long p99Nanos, long p999Nanos, long max) {}

    /** A job takes seconds; an emulated CPU on a busy machine takes more. */
    static final Duration LIMIT = Duration.ofMinutes(3);

    static List<GuestRow> all(int fioSeconds) {
        List<GuestRow> rows = new ArrayList<>();
        rows.add(job(SEQUENCE, "create", "create, write 4 KiB, close", "/mnt/scratch"));
        rows.add(job(SEQUENCE, "stat", "stat of files not seen before", "/mnt/scratch"));
        rows.add(job(SEQUENCE, "read", "open, read 4 KiB, close", "/mnt/scratch"));
        rows.add(job(SEQUENCE, "readdir", "readdir, an entry", "/mnt/scratch"));
        rows.add(job(SEQUENCE, "rename", "rename", "/mnt/scratch"));
        rows.add(job(SEQUENCE, "unlink", "unlink", "/mnt/scratch"));
        rows.add(job("metadata", "mkdir", "mkdir, rmdir", "/mnt/scratch"));
        rows.add(job("metadata", "walk", "walk over a real tree, an entry", "/mnt/tree"));
        rows.add(
                fio("read-4k-d1", "read 4 KiB, random, O_DIRECT", "randread", "4k", 1, fioSeconds));
        rows.add(
                fio(
                        "read-4k-d16",
                        "read 4 KiB, random, O_DIRECT",
                        "randread",
                        "4k",
                        16,
                        fioSeconds));
        rows.add(
                fio(
                        "write-4k-d1",
                        "write 4 KiB, random, O_DIRECT",
                        "randwrite",
                        "4k",
                        1,
                        fioSeconds));
        rows.add(
                fio(
                        "write-4k-d16",
                        "write 4 KiB, random, O_DIRECT",
                        "randwrite",
                        "4k",
                        16,
                        fioSeconds));
        rows.add(fio("read-1m", "read 1 MiB, sequential, O_DIRECT", "read", "1m", 1, fioSeconds));
        rows.add(
                fio("write-1m", "write 1 MiB, sequential, O_DIRECT", "write", "1m", 1, fioSeconds));
        rows.add(
                new GuestRow(
                        "fio-read-cached",
                        "fio",
                        "read 64 KiB, page cache, read-ahead",
                        1,
                        // A whole file once: read again it would come from the guest's own cache.
                        fioLine("read-cached", "read", "64k", 1) + " --size=64m --direct=0",
                        true));
        return rows;
    }

    private static GuestRow job(String group, String name, String title, String directory) {
        // What the guest's kernel remembers of the job before would not be asked of the daemon.
        return new GuestRow(
                name,
                group,
                title,
                1,
                "echo 3 > /proc/sys/vm/drop_caches; /tmp/guestjobs "
                        + name
                        + " "
                        + directory
                        + " "
                        + FILES,
                false);
    }

    private static GuestRow fio(
            String name, String title, String how, String block, int depth, int seconds) {
        return new GuestRow(
                "fio-" + name,
                "fio",
                title,
                depth,
                fioLine(name, how, block, depth)
                        + " --size=64m --direct=1 --time_based --runtime="
                        + seconds,
                true);
    }

    private static String fioLine(String name, String how, String block, int depth) {
        return "fio --minimal --terse-version=3 --name="
                + name
                + " --filename=/mnt/"
                + (how.endsWith("write") ? Fixture.WRITTEN : Fixture.DATA)
                + " --rw="
                + how
                + " --bs="
                + block
                + " --allow_file_create=0 --thread --ioengine="
                + (depth == 1 ? "psync" : "libaio --iodepth=" + depth);
    }

    /** Reads what the job printed; output that says anything else fails the run. */
    Result result(String output) {
        try {
            return fio ? fioResult(output) : jobResult(output);
        } catch (IndexOutOfBoundsException | NumberFormatException e) {
            throw new WrongReplyException(id + " in the guest printed: " + output);
        }
    }

    private static Result jobResult(String output) {
        String[] words = output.strip().split(" ", -1);
        long[] n = new long[6];
        for (int i = 0; i < n.length; i++) {
            n[i] = Long.parseLong(words[i]);
        }
        return new Result(n[0], n[1], n[2], n[3], n[4], n[5]);
    }

    // Fields of fio's terse format, version 3 (fio(1), "TERSE OUTPUT"): of reads and, 41 later, of
    // writes.
    private static final int TOTAL_KIB = 5;
    private static final int RUNTIME_MILLIS = 8;
    private static final int FIRST_PERCENTILE = 17;
    private static final int PERCENTILES = 20;
    private static final int LATENCY_MAX = 38;
    private static final int WRITES = 41;

    private Result fioResult(String output) {
        String line = output.lines().filter(l -> l.startsWith("3;fio")).findFirst().orElse("");
        String[] fields = line.split(";", -1);
        if (!fields[4].equals("0")) {
            throw new WrongReplyException(id + " in the guest: fio's error " + fields[4]);
        }
        int base = fields[TOTAL_KIB].equals("0") ? WRITES : 0;
        long millis = Long.parseLong(fields[base + RUNTIME_MILLIS]);
        // The rate is rounded to whole operations a second: of large ones the bytes tell more.
        long kib = Long.parseLong(fields[base + TOTAL_KIB]);
        long operations = Math.max(1, kib / blockKib());
        return new Result(
                operations,
                millis * 1_000_000,
                percentile(fields, base, 50),
                percentile(fields, base, 99),
                percentile(fields, base, 99.9),
                (long) (Double.parseDouble(fields[base + LATENCY_MAX]) * 1000));
    }

    private int blockKib() {
        if (script.contains("--bs=1m")) {
            return 1024;
        }
        return script.contains("--bs=64k") ? 64 : 4;
    }

    /** In ns; fio gives us. */
    private static long percentile(String[] fields, int base, double wanted) {
        for (int i = 0; i < PERCENTILES; i++) {
            String[] pair = fields[base + FIRST_PERCENTILE + i].split("%=", -1);
            if (pair.length == 2 && Double.parseDouble(pair[0]) == wanted) {
                return Long.parseLong(pair[1]) * 1000;
            }
        }
        return 0;
    }
}
