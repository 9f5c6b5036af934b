package io.porthole.virtiofsd.guest;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * What DAX gains and costs, side by side in one guest; {@code dev/bench-dax} runs it. It asserts
 * nothing about time: it prints a table and writes a JSON file to {@code dist/bench}.
 */
@Timeout(3600)
class DaxBench extends DaxTestBase {
    private static final long MIB = 1 << 20;
    private static final int ROUNDS = 7;
    private static final Duration LIMIT = Duration.ofMinutes(5);

    private final Map<String, List<Double>> seconds = new TreeMap<>();

    private void add(String row, String seconds) {
        this.seconds
                .computeIfAbsent(row, any -> new ArrayList<>())
                .add(Double.parseDouble(seconds.strip().replaceAll(" .*", "")));
    }

    private double median(String row) {
        List<Double> sorted = seconds.getOrDefault(row, List.of()).stream().sorted().toList();
        return sorted.isEmpty() ? Double.NaN : sorted.get(sorted.size() / 2);
    }

    @SuppressWarnings("AnnotateFormatMethod") // the annotation's library is not on the class path
    static void say(String format, Object... values) {
        System.out.println("| " + String.format(Locale.ROOT, format, values));
    }

    private void write(String name, String more) throws IOException {
        StringBuilder json = new StringBuilder("{\n  \"seconds\": {");
        String separator = "\n";
        for (var row : seconds.entrySet()) {
            json.append(separator)
                    .append("    \"")
                    .append(row.getKey())
                    .append("\": ")
                    .append(row.getValue());
            separator = ",\n";
        }
        json.append("\n  }").append(more).append("\n}\n");
        Path folder = Rig.repository().resolve("dist/bench");
        Files.createDirectories(folder);
        Files.writeString(folder.resolve(name), json);
    }

    /**
     * 64 MiB: first read, second read, a third when the guest has dropped the pages (not the inode)
     * of its cache; first scan through a mapping, second scan. The ceiling is the same program on a
     * file in the guest's tmpfs: what reading costs where the bytes are already in the guest.
     *
     * <p>Three guests of one kind that take turns, with one device each: QEMU tells every
     * vhost-user device of each mapping and waits for its answer, so that a Rust daemon beside it
     * would be paid for by DAX.
     */
    @Test
    void speed() throws Exception {
        file("big", 64 * MIB);
        compileTool();
        try (VirtiofsdProcess dax = daemon("inode");
                VirtiofsdProcess none =
                        VirtiofsdProcess.share(share, "--tag=none", "--request-queues=1");
                VirtiofsdProcess rust =
                        VirtiofsdProcess.share(Rig.tool("virtiofsd-rust"), share, "--cache=auto");
                GuestVm daxGuest = guest(GuestKernel.LINUX_7, dax, "inode").start();
                GuestVm noneGuest = plain("none", none);
                GuestVm rustGuest = plain("rust", rust)) {
            Map<String, GuestVm> guests = new LinkedHashMap<>();
            guests.put("dax", daxGuest);
            guests.put("none", noneGuest);
            guests.put("rust", rustGuest);
            for (GuestVm guest : guests.values()) {
                guest.must(
                        "cp /mnt/daxtool /mnt/big /tmp/; umount /mnt; cat /tmp/daxtool > /dev/null");
            }
            long reads = 0;
            for (int round = 0; round <= ROUNDS; round++) {
                boolean count = round > 0; // the first warms up
                for (String way : List.of("read", "scan")) {
                    for (var entry : guests.entrySet()) {
                        String target = entry.getKey();
                        GuestVm guest = entry.getValue();
                        mount(guest, target);
                        guest.must("echo 3 > /proc/sys/vm/drop_caches");
                        String run = "/tmp/daxtool time " + way + " /mnt/big";
                        timed(guest, run, count, "first " + way + ", " + target);
                        timed(guest, run, count, "second " + way + ", " + target);
                        guest.must("echo 1 > /proc/sys/vm/drop_caches");
                        timed(guest, run, count, way + " after a drop, " + target);
                        if (target.equals("dax")) {
                            reads += unmount(guest, dax).reads();
                        } else {
                            guest.must("umount /mnt");
                        }
                        String inTmpfs = "/tmp/daxtool time " + way + " /tmp/big";
                        timed(guest, inTmpfs, count, way + ", ceiling");
                    }
                }
            }
            report(reads);
        }
    }

    static GuestVm plain(String tag, VirtiofsdProcess daemon) throws Exception {
        return GuestVm.builder()
                .kernel(GuestKernel.LINUX_7)
                .qemu(Qemu.V11_1)
                .share(tag, daemon, 1)
                .mount(tag, "/mnt")
                .start();
    }

    private static void mount(GuestVm guest, String target) {
        String source = target.equals("dax") ? "-o dax=inode share" : target;
        guest.must("mount -t virtiofs " + source + " /mnt");
    }

    private void timed(GuestVm guest, String run, boolean count, String row) {
        String took = guest.must(run, LIMIT);
        if (count) {
            add(row, took);
        }
    }

    private void report(long reads) throws IOException {
        say("64 MiB, seconds, median of " + ROUNDS + "; READ requests with DAX: " + reads);
        say("%-18s %8s %8s %8s %12s %12s", "", "DAX", "without", "Rust", "of without", "of Rust");
        for (String way : List.of("read", "scan")) {
            for (String row : List.of("first " + way, "second " + way, way + " after a drop")) {
                double d = median(row + ", dax");
                double n = median(row + ", none");
                double r = median(row + ", rust");
                say("%-18s %8.4f %8.4f %8.4f %11.1fx %11.1fx", row, d, n, r, n / d, r / d);
            }
            say("%-18s %8.4f", way + ", ceiling", median(way + ", ceiling"));
        }
        write("dax-speed.json", ",\n  \"reads\": " + reads);
    }

    /** What grows, in bytes: of the guests' memory, of QEMU's own, and of the daemons'. */
    private record Grown(long guests, long qemu, long daemons) {
        long total() {
            return guests + qemu + daemons;
        }

        Grown minus(Grown o) {
            return new Grown(guests - o.guests, qemu - o.qemu, daemons - o.daemons);
        }

        String row(String name) {
            return String.format(
                    Locale.ROOT,
                    "%-24s %8d %8d %8d %8d",
                    name,
                    total() / MIB,
                    guests / MIB,
                    qemu / MIB,
                    daemons / MIB);
        }

        String json(String name) {
            return String.format(
                    Locale.ROOT,
                    ",\n  \"%s\": {\"guests\": %d, \"qemu\": %d, \"daemons\": %d}",
                    name,
                    guests,
                    qemu,
                    daemons);
        }
    }

    /**
     * Four guests read the same 256 MiB; what they cost beyond the page cache. The control copies
     * as many bytes from /dev/zero: what a guest that works needs without any file.
     */
    @Test
    void memory() throws Exception {
        for (int i = 0; i < 4; i++) {
            file("f" + i, 64 * MIB);
        }
        String read = "cat /mnt/f* > /dev/null";
        Grown control = grown(true, "dd if=/dev/zero of=/dev/null bs=64k count=4096 2>/dev/null");
        Grown with = grown(true, read);
        Grown without = grown(false, read);
        say("4 guests, the same 256 MiB: growth of memory beyond the host's page cache, MiB");
        say("%-24s %8s %8s %8s %8s", "", "total", "guests", "QEMU", "daemons");
        say(control.row("nothing read (control)"));
        say(with.row("with DAX"));
        say(with.minus(control).row("with DAX, less control"));
        say(without.row("without"));
        write(
                "dax-memory.json",
                control.json("control") + with.json("withDax") + without.json("without"));
    }

    private Grown grown(boolean dax, String work) throws Exception {
        List<VirtiofsdProcess> daemons = new ArrayList<>();
        List<GuestVm> guests = new ArrayList<>();
        try {
            for (int i = 0; i < 4; i++) {
                VirtiofsdProcess daemon =
                        dax ? daemon("inode") : VirtiofsdProcess.share(share, "--tag=share");
                daemons.add(daemon);
                guests.add(
                        dax
                                ? guest(GuestKernel.LINUX_7, daemon, "inode").start()
                                : GuestVm.builder()
                                        .kernel(GuestKernel.LINUX_7)
                                        .qemu(Qemu.V11_1)
                                        .share("share", daemon, 1)
                                        .mount("share", "/mnt")
                                        .start());
            }
            for (GuestVm guest : guests) {
                guest.must("ls -l /mnt > /dev/null; cat /bin/busybox > /dev/null");
            }
            Grown before = own(guests, daemons);
            for (GuestVm guest : guests) {
                guest.must(work, LIMIT);
            }
            return own(guests, daemons).minus(before);
        } finally {
            for (GuestVm guest : guests) {
                guest.close();
            }
            for (VirtiofsdProcess daemon : daemons) {
                daemon.close();
            }
        }
    }

    /** Anonymous memory and guest memory of all processes: what is not a file of the share. */
    private static Grown own(List<GuestVm> guests, List<VirtiofsdProcess> daemons)
            throws IOException {
        long guestBytes = 0;
        long qemuBytes = 0;
        long daemonBytes = 0;
        for (GuestVm guest : guests) {
            guestBytes += memory(guest.servingPid(), "RssShmem:");
            qemuBytes += memory(guest.servingPid(), "RssAnon:");
        }
        // Their shared memory is the guests', counted already.
        for (VirtiofsdProcess daemon : daemons) {
            daemonBytes += memory(daemon.servingPid(), "RssAnon:");
        }
        return new Grown(guestBytes, qemuBytes, daemonBytes);
    }

    private static long memory(long pid, String what) throws IOException {
        for (String line : Files.readAllLines(Path.of("/proc/" + pid + "/status"))) {
            if (line.startsWith(what)) {
                return 1024 * Long.parseLong(line.replaceAll("[^0-9]", ""));
            }
        }
        return 0;
    }
}
