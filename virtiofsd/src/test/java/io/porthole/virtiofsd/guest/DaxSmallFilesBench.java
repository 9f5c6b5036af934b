package io.porthole.virtiofsd.guest;

import static io.porthole.virtiofsd.guest.DaxBench.say;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * What {@code --dax=inode} costs where it maps nothing: 50,000 files of 4 KiB, each read once.
 * {@code dev/bench-dax small} runs it. Three guests of one kind, each with a daemon and one device
 * of its own: with DAX; the same device and {@code --dax=never}; QEMU's own device.
 *
 * <p>The files come in slices, and the guests take turns at each, so that what is compared lies
 * seconds apart; of the slices' ratios the median and the quartiles are told. {@code
 * PORTHOLE_DAX_SLICES} makes it shorter.
 */
@Timeout(3600)
class DaxSmallFilesBench extends DaxTestBase {
    private static final int SLICE_FILES = 2500;
    private static final Duration LIMIT = Duration.ofMinutes(5);
    private static final List<String> TARGETS = List.of("inode", "never", "own");

    /** Seconds of one turn at a slice. */
    private record Turn(double time, double guestCpu, double daemonCpu) {
        static final List<String> NAMES = List.of("time", "QEMU's CPU", "daemon's CPU");

        double get(int what) {
            return what == 0 ? time : what == 1 ? guestCpu : daemonCpu;
        }
    }

    private record Reader(GuestVm guest, VirtiofsdProcess daemon) {
        Turn read(int slice) {
            String run =
                    "cd /mnt/s"
                            + slice
                            + "; a=$(cut -d' ' -f1 /proc/uptime);"
                            + " find . -type f | xargs cat | wc -c > /tmp/bytes;"
                            + " b=$(cut -d' ' -f1 /proc/uptime); cd /;"
                            + " grep -q '^"
                            + SLICE_FILES * 4096L
                            + "$' /tmp/bytes && echo $a $b"
                            + " | awk '{ print $2 - $1 }'";
            double guestBefore = cpuSeconds(guest.servingPid());
            double daemonBefore = cpuSeconds(daemon.servingPid());
            double time = Double.parseDouble(guest.must(run, LIMIT).strip());
            return new Turn(
                    time,
                    cpuSeconds(guest.servingPid()) - guestBefore,
                    cpuSeconds(daemon.servingPid()) - daemonBefore);
        }
    }

    /** Processor time of all threads so far. */
    private static double cpuSeconds(long pid) {
        return ProcessHandle.of(pid)
                        .flatMap(process -> process.info().totalCpuDuration())
                        .orElseThrow()
                        .toMillis()
                / 1e3;
    }

    /** Of sorted values. */
    private static double quantile(double[] sorted, double part) {
        return sorted[(int) Math.round(part * (sorted.length - 1))];
    }

    @Test
    void smallFiles() throws Exception {
        String wanted = Rig.setting("PORTHOLE_DAX_SLICES");
        int slices = wanted == null ? 20 : Integer.parseInt(wanted);
        say("%,d files of 4 KiB in %d slices and one to warm up", slices * SLICE_FILES, slices);
        for (int slice = 0; slice <= slices; slice++) {
            for (int i = 0; i < SLICE_FILES; i++) {
                file("s" + slice + "/d" + i / 500 + "/f" + i, 4096);
            }
        }
        Map<String, Turn[]> turns = new LinkedHashMap<>();
        TARGETS.forEach(target -> turns.put(target, new Turn[slices]));
        try (VirtiofsdProcess inode = daemon("inode");
                VirtiofsdProcess never = daemon("never");
                VirtiofsdProcess own =
                        VirtiofsdProcess.share(share, "--tag=own", "--request-queues=1");
                GuestVm inodeGuest = guest(GuestKernel.LINUX_7, inode, "inode").start();
                GuestVm neverGuest = guest(GuestKernel.LINUX_7, never, "never").start();
                GuestVm ownGuest = DaxBench.plain("own", own)) {
            List<Reader> readers =
                    List.of(
                            new Reader(inodeGuest, inode),
                            new Reader(neverGuest, never),
                            new Reader(ownGuest, own));
            long begin = System.nanoTime();
            for (int slice = 0; slice <= slices; slice++) {
                for (int i = 0; i < readers.size(); i++) {
                    // Each is first, second and last in turn.
                    int target = (i + slice) % readers.size();
                    Turn turn = readers.get(target).read(slice);
                    if (slice > 0) {
                        of(turns, TARGETS.get(target))[slice - 1] = turn;
                    }
                }
                double minutes = (System.nanoTime() - begin) / 60e9;
                if (slice == 0) {
                    say("about %.0f minutes", minutes * (slices + 1));
                } else {
                    say("slice %d of %d, %.1f minutes so far", slice, slices, minutes);
                }
            }
        }
        report(turns, slices);
    }

    private static Turn[] of(Map<String, Turn[]> turns, String target) {
        return Objects.requireNonNull(turns.get(target));
    }

    private static void report(Map<String, Turn[]> turns, int slices) throws IOException {
        say("seconds for all slices; ratios of dax=inode to the other by slice: quartiles, median");
        StringBuilder json = new StringBuilder("{\n  \"files\": " + slices * SLICE_FILES);
        for (int what = 0; what < Turn.NAMES.size(); what++) {
            int key = what;
            for (String target : TARGETS) {
                double[] values =
                        Arrays.stream(of(turns, target)).mapToDouble(t -> t.get(key)).toArray();
                double[] ratios = new double[slices];
                for (int i = 0; i < slices; i++) {
                    ratios[i] = of(turns, "inode")[i].get(key) / values[i];
                }
                Arrays.sort(ratios);
                say(
                        "%-14s %-24s %9.2f %9.3f %7.3f %7.3f",
                        Turn.NAMES.get(what),
                        switch (target) {
                            case "inode" -> "dax=inode";
                            case "never" -> "--dax=never, same device";
                            default -> "no --dax, QEMU's device";
                        },
                        Arrays.stream(values).sum(),
                        quantile(ratios, 0.25),
                        quantile(ratios, 0.5),
                        quantile(ratios, 0.75));
                json.append(
                        String.format(
                                Locale.ROOT,
                                ",\n  \"%s, %s\": %s",
                                target,
                                Turn.NAMES.get(what),
                                Arrays.toString(values)));
            }
        }
        Path folder = Files.createDirectories(Rig.repository().resolve("dist/bench"));
        Files.writeString(folder.resolve("dax-small.json"), json.append("\n}\n"));
    }
}
