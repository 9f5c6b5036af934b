package io.porthole.sandbox.orchestrator;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.porthole.sandbox.orchestrator.process.Commands;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * The porthole command of dist/, with state and data of its own, and a busybox root directory to
 * run. Closing ends everything and fails when anything is left on the host.
 */
final class Porthole implements AutoCloseable {
    private static final long PATIENCE_SECONDS = 180;

    private final Path dir;
    private final Path root;
    private final Path config;
    private List<String> networkingBefore = List.of();

    Porthole(Path dir) throws IOException {
        this(dir, GuestParts.qemu(), "");
    }

    /**
     * With another QEMU.
     *
     * @param keys more lines for hypervisor.qemu
     */
    Porthole(Path dir, Path qemu, String keys) throws IOException {
        this.dir = dir;
        networkingBefore = namesOfNetworking();
        GuestParts.guest("rootfs.erofs");
        root = dir.resolve("root");
        for (String name : List.of("bin", "etc", "tmp", "proc", "sys", "dev")) {
            Files.createDirectories(root.resolve(name));
        }
        Path busybox = root.resolve("bin/busybox");
        Files.copy(GuestParts.busybox().toRealPath(), busybox);
        for (String applet : Commands.run(List.of(busybox.toString(), "--list")).split("\n", -1)) {
            if (!applet.isBlank() && !applet.equals("busybox")) {
                Files.createSymbolicLink(root.resolve("bin").resolve(applet), Path.of("busybox"));
            }
        }
        Files.writeString(
                root.resolve("etc/passwd"),
                "root:x:0:0::/root:/bin/sh\napp:x:1000:1000::/:/bin/sh\n");
        Files.writeString(root.resolve("etc/group"), "root:x:0:\napp:x:1000:\nextra:x:77:app\n");
        config =
                Files.writeString(
                        dir.resolve("config.toml"),
                        "[hypervisor.qemu]\npath = \""
                                + qemu
                                + "\"\nfirmware = \"qboot.rom\"\n"
                                + keys
                                + "[runtime]\nstate_root = \""
                                + dir.resolve("s")
                                + "\"\n"
                                + "data_root = \""
                                + dir.resolve("d")
                                + "\"\n");
    }

    Path root() {
        return root;
    }

    Path dir() {
        return dir;
    }

    /** What a command did. */
    record Result(int status, String out, String err) {
        Result ok() {
            assertEquals(0, status, this::toString);
            return this;
        }

        String line() {
            ok();
            return out.strip();
        }
    }

    ProcessBuilder builder(String... args) {
        List<String> words = new ArrayList<>();
        words.add(GuestParts.dist().resolve("bin/porthole").toString());
        words.addAll(List.of("--config", config.toString()));
        words.addAll(List.of(args));
        return new ProcessBuilder(words);
    }

    Result run(String... args) throws IOException, InterruptedException {
        return finish(builder(args), new File("/dev/null"));
    }

    Result runWithInput(File input, String... args) throws Exception {
        return finish(builder(args), input);
    }

    Result finish(ProcessBuilder builder, File input) throws IOException, InterruptedException {
        Path out = Files.createTempFile(dir, "out", "");
        Path err = Files.createTempFile(dir, "err", "");
        Process process =
                builder.redirectInput(input)
                        .redirectOutput(out.toFile())
                        .redirectError(err.toFile())
                        .start();
        if (!process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
            process.destroyForcibly();
            fail(builder.command() + " does not end: " + Files.readString(err));
        }
        return new Result(
                process.exitValue(),
                Files.readString(out, StandardCharsets.ISO_8859_1),
                Files.readString(err, StandardCharsets.UTF_8));
    }

    Result shell(String container, String script) throws Exception {
        return run("exec", container, "sh", "-c", script);
    }

    JsonNode inspect(String name) throws Exception {
        return new ObjectMapper().readTree(run("inspect", name).ok().out()).get(0);
    }

    long pid(String sandbox, String role) throws Exception {
        return inspect(sandbox).path("sandbox").path("processes").path(role).path("pid").asLong();
    }

    /** Everything on this host that mentions this instance's directory. */
    Map<String, List<String>> leftOvers() throws IOException {
        String name = dir.toString();
        List<String> processes = new ArrayList<>();
        try (var all = Files.list(Path.of("/proc"))) {
            for (Path p : (Iterable<Path>) all::iterator) {
                if (p.getFileName().toString().matches("\\d+")
                        && Long.parseLong(p.getFileName().toString())
                                != ProcessHandle.current().pid()) {
                    try {
                        String words = Files.readString(p.resolve("cmdline")).replace('\0', ' ');
                        if (words.contains(name)) {
                            processes.add(p.getFileName() + " " + words);
                        }
                    } catch (IOException e) {
                        // Just gone.
                    }
                }
            }
        }
        List<String> mounts =
                Files.readAllLines(Path.of("/proc/self/mountinfo")).stream()
                        .filter(l -> l.contains(name))
                        .toList();
        List<String> files = new ArrayList<>();
        for (String below : List.of("s/sandboxes", "s/names", "d/containers")) {
            if (Files.isDirectory(dir.resolve(below))) {
                try (var found = Files.list(dir.resolve(below))) {
                    found.forEach(f -> files.add(f.toString()));
                }
            }
        }
        // A socket's path outlives its file in this table for as long as somebody holds it open.
        List<String> sockets =
                Files.readAllLines(Path.of("/proc/net/unix")).stream()
                        .filter(l -> l.contains(name))
                        .toList();
        return Map.of(
                "processes",
                processes,
                "mounts",
                mounts,
                "files",
                files,
                "sockets",
                sockets,
                "namespaces and devices",
                namesOfNetworking().stream().filter(n -> !networkingBefore.contains(n)).toList());
    }

    /** What there is of network namespaces and devices now is the test's own. */
    void takeNetworkingAsGiven() throws IOException {
        networkingBefore = namesOfNetworking();
    }

    /** Named network namespaces, and taps of porthole's in the host's own namespace. */
    private List<String> namesOfNetworking() throws IOException {
        List<String> names = new ArrayList<>();
        if (Files.isDirectory(Path.of("/run/netns"))) {
            try (var all = Files.list(Path.of("/run/netns"))) {
                all.map(Path::toString).forEach(names::add);
            }
        }
        for (String line : Files.readAllLines(Path.of("/proc/net/dev"))) {
            if (line.strip().matches("(tap|pth).*")) {
                names.add(line.strip().replaceAll(":.*", ""));
            }
        }
        return names;
    }

    void assertNothingLeft() throws IOException, InterruptedException {
        Map<String, List<String>> left = leftOvers();
        for (int i = 0; i < 50 && !left.values().stream().allMatch(List::isEmpty); i++) {
            Thread.sleep(100);
            left = leftOvers();
        }
        Map<String, List<String>> found = left;
        assertTrue(left.values().stream().allMatch(List::isEmpty), () -> "left: " + found);
    }

    @Override
    public void close() throws IOException {
        try {
            run("cleanup", "--all").ok();
            assertNothingLeft();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted while cleaning up", e);
        }
    }
}
