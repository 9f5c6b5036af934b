package io.porthole.virtiofsd.guest;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Where the parts of a guest test lie. A missing part fails the test, with the command that
 * provides it.
 */
public final class Rig {
    /**
     * QEMU, a guest or the daemon is not where it should be; the message tells which command
     * provides it.
     */
    public static final class MissingPartException extends RuntimeException {
        private static final long serialVersionUID = 1L;

        MissingPartException(String message) {
            super(message);
        }
    }

    private Rig() {}

    /** Whether guest tests are to be skipped: on request, and never where {@code CI} is set. */
    public static boolean skipAsked() {
        return "1".equals(setting("PORTHOLE_SKIP_GUEST")) && setting("CI") == null;
    }

    /** The cache that {@code dev/setup} fills. */
    public static Path cache() {
        String explicit = setting("PORTHOLE_CACHE");
        if (explicit != null) {
            return Path.of(explicit);
        }
        String xdg = setting("XDG_CACHE_HOME");
        Path base = xdg != null ? Path.of(xdg) : Path.of(System.getProperty("user.home"), ".cache");
        return base.resolve("porthole");
    }

    /**
     * The repository: the nearest folder above the working directory that holds {@code dev/setup}.
     */
    public static Path repository() {
        Path start = Path.of("").toAbsolutePath();
        for (Path at = start; at != null; at = at.getParent()) {
            if (Files.isRegularFile(at.resolve("dev/setup"))) {
                return at;
            }
        }
        throw new IllegalStateException("no folder above " + start + " holds dev/setup");
    }

    /**
     * The daemon under test: {@code PORTHOLE_VIRTIOFSD}, or the one that {@code dev/build} made.
     */
    public static Path virtiofsd() {
        String explicit = setting("PORTHOLE_VIRTIOFSD");
        Path program =
                explicit != null ? Path.of(explicit) : repository().resolve("dist/bin/virtiofsd");
        return required(program, "dev/build makes it");
    }

    /**
     * A QEMU: {@code PORTHOLE_QEMU_DIR} may name another folder that holds {@code qemu-7}, {@code
     * qemu-11}.
     */
    public static Path qemu(Qemu qemu) {
        String folder = setting("PORTHOLE_QEMU_DIR");
        Path bin = folder != null ? Path.of(folder) : cache().resolve("bin");
        return required(bin.resolve(qemu.program()), "dev/setup --for guest fetches it");
    }

    /** The kernel image of a test guest. */
    public static Path kernelImage(GuestKernel kernel) {
        return guestFile(kernel, "vmlinuz");
    }

    /** The root file system of a test guest, a cpio archive. */
    public static Path initramfs(GuestKernel kernel) {
        return guestFile(kernel, "initramfs.cpio");
    }

    /** A tar archive of a real source tree with more than 20,000 files. */
    public static Path sourceTreeArchive() {
        return required(
                cache().resolve("source-tree/tree.tar"), "dev/setup --for guest fetches it");
    }

    /** A program of the cache's {@code bin}. */
    public static Path tool(String name) {
        return required(cache().resolve("bin").resolve(name), "dev/setup --for guest fetches it");
    }

    /**
     * A guest with fio and 9p in it, for comparisons: a folder for {@link GuestVm.Builder#image}.
     */
    public static Path benchGuest(GuestKernel kernel) {
        return required(
                cache().resolve("guests").resolve("bench-" + kernel.folder()),
                "dev/setup --for bench makes it");
    }

    private static Path guestFile(GuestKernel kernel, String name) {
        return required(
                cache().resolve("guests").resolve(kernel.folder()).resolve(name),
                "dev/setup --for guest makes it");
    }

    static Path required(Path file, String remedy) {
        if (Files.exists(file)) {
            return file;
        }
        throw new MissingPartException(file + " is missing: " + remedy);
    }

    static @Nullable String setting(String name) {
        String value = System.getenv(name);
        return Objects.requireNonNullElse(value, "").isBlank() ? null : value;
    }
}
