package io.porthole.virtiofsd.guest;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.AfterParameterizedClassInvocation;
import org.junit.jupiter.params.BeforeParameterizedClassInvocation;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * What a guest sees of the host's changes, a test per cache policy; docs/conformance.md tells the
 * definitions. One guest has the directory mounted four times, under a daemon for each policy.
 */
@Timeout(600)
@ParameterizedClass
@MethodSource("machines")
class HostChangesIT {
    private static final List<String> POLICIES = List.of("never", "auto", "metadata", "always");

    /** Size and mode, content, and names; each as the guest's programs print it. */
    private record View(String attributes, String content, String gone, String fresh, String list) {
        static final View OLD =
                new View("4 644", "1234", "there", "absent", "listed/gone listed/one");
        static final View NEW =
                new View(
                        "8 600",
                        "abcdefgh",
                        "absent",
                        "there",
                        "listed/fresh listed/one listed/two");
    }

    @TempDir static Path share = Path.of("unset");

    private static final List<VirtiofsdProcess> DAEMONS = new ArrayList<>();
    private static @Nullable GuestVm booted;
    private static int round;

    @Parameter Machine machine;

    static List<Machine> machines() {
        return Machine.pair();
    }

    @BeforeParameterizedClassInvocation
    static void boot(Machine machine) throws IOException, InterruptedException {
        GuestTestBase.skipOnlyWhenAsked();
        GuestVm.Builder builder = GuestVm.builder().kernel(machine.kernel()).qemu(machine.qemu());
        for (String policy : POLICIES) {
            VirtiofsdProcess daemon = VirtiofsdProcess.share(share, "--cache=" + policy);
            DAEMONS.add(daemon);
            builder.share(policy, daemon, 1).mount(policy, "/" + policy);
        }
        booted = builder.start();
    }

    @AfterParameterizedClassInvocation
    static void end() throws IOException {
        try (GuestVm ending = booted) {
            assertTrue(ending == null || ending.isAlive());
        } finally {
            DAEMONS.forEach(VirtiofsdProcess::close);
            DAEMONS.clear();
        }
    }

    /** A directory of its own for each try. */
    private static String prepare() throws IOException {
        String name = "d" + round++;
        Path dir = Files.createDirectory(share.resolve(name));
        // Two files: after a read of one Linux asks for its attributes anew, on account of atime.
        for (String file : List.of("stated", "read")) {
            Files.writeString(dir.resolve(file), "1234");
            Files.setPosixFilePermissions(
                    dir.resolve(file), PosixFilePermissions.fromString("rw-r--r--"));
        }
        Path listed = Files.createDirectory(dir.resolve("listed"));
        Files.createFile(listed.resolve("gone"));
        Files.createFile(listed.resolve("one"));
        return name;
    }

    private static void change(String name) throws IOException {
        Path dir = share.resolve(name);
        for (String file : List.of("stated", "read")) {
            Files.writeString(dir.resolve(file), "abcdefgh");
            Files.setPosixFilePermissions(
                    dir.resolve(file), PosixFilePermissions.fromString("rw-------"));
        }
        Files.delete(dir.resolve("listed/gone"));
        Files.createFile(dir.resolve("listed/fresh"));
        Files.createFile(dir.resolve("listed/two"));
    }

    private static GuestVm guest() {
        return Objects.requireNonNull(booted);
    }

    /**
     * Reads with read(2): sendfile(2) of newer kernels goes by the size that the guest knows. Lists
     * without a look at the directory itself, which would fetch its attributes.
     */
    private static View look(String policy, String name) {
        String[] lines =
                guest().must(
                                "cd /"
                                        + policy
                                        + "/"
                                        + name
                                        + "; stat -c '%s %a' stated; c=; read -r c < read; echo $c;"
                                        + " for n in gone fresh; do"
                                        + " [ -e listed/$n ] && echo there || echo absent; done;"
                                        + " echo listed/*")
                        .split("\n", -1);
        return new View(lines[0], lines[1], lines[2], lines[3], lines[4]);
    }

    /**
     * Looks before the change, one 1.5 s after it, and one after the guest dropped its caches.
     * Before it two: having read a directory Linux asks for its attributes once more, on account of
     * atime, and trusts the listing from then on.
     */
    private static List<View> later(String policy) throws IOException, InterruptedException {
        String name = prepare();
        assertEquals(View.OLD, look(policy, name));
        assertEquals(View.OLD, look(policy, name));
        change(name);
        Thread.sleep(1500);
        View later = look(policy, name);
        guest().must("echo 3 > /proc/sys/vm/drop_caches");
        return List.of(later, look(policy, name));
    }

    @Test
    void neverShowsEveryChangeAtOnce() throws Exception {
        String name = prepare();
        assertEquals(View.OLD, look("never", name));
        change(name);
        assertEquals(View.NEW, look("never", name));
    }

    @Test
    void autoShowsEveryChangeAfterASecond() throws Exception {
        assertEquals(List.of(View.NEW, View.NEW), later("auto"));
    }

    @Test
    void metadataShowsContentAtOnceAndTheRestWhenTheGuestForgets() throws Exception {
        List<View> seen = later("metadata");
        assertEquals(
                new View("4 644", "abcdefgh", "there", "there", "listed/gone listed/one"),
                seen.getFirst());
        assertEquals(View.NEW, seen.getLast());
    }

    @Test
    void alwaysShowsOnlyNewNamesUntilTheGuestForgets() throws Exception {
        // Names that were missing are the exception: they appear within a second.
        assertEquals(
                List.of(
                        new View("4 644", "1234", "there", "there", "listed/gone listed/one"),
                        View.NEW),
                later("always"));
    }
}
