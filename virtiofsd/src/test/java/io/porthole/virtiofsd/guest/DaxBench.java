package io.porthole.virtiofsd.guest;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
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
@Timeout(1800)
class DaxBench extends DaxTestBase {
    private static final long MIB = 1 << 20;
    private static final int ROUNDS = 3;
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

    private static void say(String line) {
        System.out.println("| " + line);
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

    /** 64 MiB: first read, second read, first scan through a mapping, second scan. */
    @Test
    void speed() throws Exception {
        file("big", 64 * MIB);
        compileTool();
        try (VirtiofsdProcess dax = daemon("inode");
                VirtiofsdProcess none = VirtiofsdProcess.share(share, "--tag=none");
                VirtiofsdProcess rust =
                        VirtiofsdProcess.share(Rig.tool("virtiofsd-rust"), share, "--cache=auto")) {
            try (GuestVm guest =
                    guest(GuestKernel.LINUX_7, dax, "inode")
                            .share("none", none, 1)
                            .share("rust", rust, 1)
                            .start()) {
                guest.must("cp /mnt/daxtool /tmp/; umount /mnt; cat /tmp/daxtool > /dev/null");
                long reads = 0;
                for (int round = 0; round <= ROUNDS; round++) {
                    for (String target : List.of("dax", "none", "rust")) {
                        boolean window = target.equals("dax");
                        String mount =
                                "mount -t virtiofs "
                                        + (window ? "-o dax=inode share" : target)
                                        + " /mnt; echo 3 > /proc/sys/vm/drop_caches; ";
                        for (String way : List.of("read", "scan")) {
                            guest.must(mount);
                            String run = "/tmp/daxtool time " + way + " /mnt/big";
                            String first = guest.must(run, LIMIT);
                            String second = guest.must(run, LIMIT);
                            if (round > 0) { // the first warms up
                                add("first " + way + ", " + target, first);
                                add("second " + way + ", " + target, second);
                            }
                            if (window) {
                                reads = unmount(guest, dax).reads();
                            } else {
                                guest.must("umount /mnt");
                            }
                        }
                    }
                }
                say(
                        String.format(
                                Locale.ROOT,
                                "64 MiB, seconds, median of %d; READ requests with DAX: %d",
                                ROUNDS,
                                reads));
                say(
                        String.format(
                                Locale.ROOT,
                                "%-12s %8s %8s %8s %12s %12s",
                                "",
                                "DAX",
                                "without",
                                "Rust",
                                "of without",
                                "of Rust"));
                for (String row :
                        List.of("first read", "second read", "first scan", "second scan")) {
                    double d = median(row + ", dax");
                    double n = median(row + ", none");
                    double r = median(row + ", rust");
                    say(
                            String.format(
                                    Locale.ROOT,
                                    "%-12s %8.4f %8.4f %8.4f %11.1fx %11.1fx",
                                    row,
                                    d,
                                    n,
                                    r,
                                    n / d,
                                    r / d));
                }
                write("dax-speed.json", ",\n  \"reads\": " + reads);
            }
        }
    }

    /** 50,000 files of 4 KiB: what the mode costs where it maps nothing. */
    @Test
    void smallFiles() throws Exception {
        for (int i = 0; i < 50_000; i++) {
            file("d" + i / 500 + "/f" + i, 4096);
        }
        try (VirtiofsdProcess dax = daemon("inode");
                VirtiofsdProcess none =
                        VirtiofsdProcess.share(share, "--tag=none", "--request-queues=1")) {
            try (GuestVm guest =
                    guest(GuestKernel.LINUX_7, dax, "inode").share("none", none, 1).start()) {
                guest.must("umount /mnt");
                String run =
                        "echo 3 > /proc/sys/vm/drop_caches; cd /mnt; a=$(cut -d' ' -f1 /proc/uptime);"
                                + " find . -type f | xargs cat > /dev/null;"
                                + " b=$(cut -d' ' -f1 /proc/uptime); cd /;"
                                + " umount /mnt; echo $a $b | awk '{ print $2 - $1 }'";
                for (int round = 0; round <= ROUNDS; round++) {
                    for (String target : List.of("dax", "none")) {
                        guest.must(
                                "mount -t virtiofs "
                                        + (target.equals("dax") ? "-o dax=inode share" : "none")
                                        + " /mnt");
                        String took = guest.must(run, LIMIT);
                        if (round > 0) {
                            add(target, took);
                        }
                    }
                }
                say(
                        String.format(
                                Locale.ROOT,
                                "50,000 files of 4 KiB, seconds, median of %d",
                                ROUNDS));
                say(
                        String.format(
                                Locale.ROOT,
                                "--dax=inode %.2f, without %.2f: %+.1f %%",
                                median("dax"),
                                median("none"),
                                100 * (median("dax") / median("none") - 1)));
                write("dax-small.json", "");
            }
        }
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
        say(
                String.format(
                        Locale.ROOT,
                        "%-24s %8s %8s %8s %8s",
                        "",
                        "total",
                        "guests",
                        "QEMU",
                        "daemons"));
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
