package io.porthole.sandbox.orchestrator;

import static org.junit.jupiter.api.Assertions.fail;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Where tests with a real guest find its parts: the cache that dev/setup fills and the dist/ that
 * dev/build leaves. What is missing fails the test with the command that makes it.
 */
public final class GuestParts {
    private GuestParts() {}

    /** The folder that dev/setup fills. */
    public static Path cache() {
        String set = env("PORTHOLE_CACHE");
        String xdg = env("XDG_CACHE_HOME");
        return set != null
                ? Path.of(set)
                : (xdg != null ? Path.of(xdg) : Path.of(System.getProperty("user.home"), ".cache"))
                        .resolve("porthole");
    }

    public static Path qemu() {
        return needed(cache().resolve("bin/qemu-7"), "dev/setup --for guest");
    }

    /** The first with windows for DAX. */
    public static Path newQemu() {
        return needed(cache().resolve("bin/qemu-11"), "dev/setup --for guest");
    }

    public static Path kernel() {
        return needed(cache().resolve("kernels/6.1/vmlinuz"), "dev/setup --for guest");
    }

    public static Path busybox() {
        return needed(cache().resolve("bin/busybox"), "dev/setup --for guest");
    }

    /** A root file system with SQLite and PostgreSQL. */
    public static Path databases() {
        return needed(cache().resolve("databases"), "dev/setup --for sandbox");
    }

    public static Path passt() {
        return needed(cache().resolve("passt/run/passt"), "dev/setup --for sandbox");
    }

    /** The repository's dist/ folder. */
    public static Path dist() {
        String set = env("PORTHOLE_DIST");
        if (set != null) {
            return Path.of(set);
        }
        for (Path at = Path.of("").toAbsolutePath(); at != null; at = at.getParent()) {
            if (Files.exists(at.resolve("dev/setup"))) {
                return at.resolve("dist");
            }
        }
        return fail("these tests run inside the repository");
    }

    public static Path guest(String name) {
        return needed(dist().resolve("guest").resolve(name), "dev/build && dev/guest-image");
    }

    /** The guest with a kernel of series 7. */
    public static Path newGuest() {
        return needed(
                dist().resolve("guest-7"), "dev/guest-image --kernel 7 --output dist/guest-7");
    }

    private static Path needed(Path path, String command) {
        return Files.exists(path) ? path : fail(path + " is missing: run " + command);
    }

    private static @Nullable String env(String name) {
        String value = System.getenv(name);
        return value == null || value.isEmpty() ? null : value;
    }

    /** The words that start QEMU. */
    public static List<String> qemuProgram() {
        return List.of(qemu().toString());
    }
}
