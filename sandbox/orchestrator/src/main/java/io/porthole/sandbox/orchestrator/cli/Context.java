package io.porthole.sandbox.orchestrator.cli;

import io.porthole.sandbox.orchestrator.config.PortholeConfig;
import io.porthole.sandbox.orchestrator.hypervisor.Hypervisor;
import io.porthole.sandbox.orchestrator.hypervisor.qemu.QemuHypervisor;
import io.porthole.sandbox.orchestrator.hypervisor.qemu.QemuSettings;
import io.porthole.sandbox.orchestrator.state.StateStore;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What every command works with. */
final class Context {
    private final @Nullable Path configFile;
    private final PrintStream out;
    private final PrintStream err;
    private @Nullable PortholeConfig config;

    Context(@Nullable Path configFile, PrintStream out, PrintStream err) {
        this.configFile = configFile;
        this.out = out;
        this.err = err;
    }

    PrintStream out() {
        return out;
    }

    PrintStream err() {
        return err;
    }

    @Nullable Path configFile() {
        return configFile;
    }

    PortholeConfig config() throws IOException {
        PortholeConfig known = config;
        if (known == null) {
            known = PortholeConfig.load(configFile, home(), System.getenv());
            config = known;
        }
        return known;
    }

    StateStore store() throws IOException {
        return new StateStore(config().stateRoot(), config().dataRoot());
    }

    Hypervisor hypervisor() throws IOException {
        PortholeConfig.Qemu q = config().qemu();
        return new QemuHypervisor(
                new QemuSettings(
                        List.of(q.path()),
                        q.seccomp(),
                        Duration.ofSeconds(q.answerTimeoutSeconds())));
    }

    /** The installation: where the launcher says, else two levels above this class's jar. */
    static Path home() {
        String set = System.getProperty("porthole.home");
        if (set != null && !set.isEmpty()) {
            return Path.of(set).toAbsolutePath().normalize();
        }
        String first =
                System.getProperty("java.class.path", "").split(java.io.File.pathSeparator, -1)[0];
        Path parent = Path.of(first).toAbsolutePath().getParent();
        return parent == null || parent.getParent() == null ? Path.of("/") : parent.getParent();
    }

    /** The words that start this program again. */
    static List<String> launcher() {
        String script = System.getProperty("porthole.launcher");
        if (script != null && !script.isEmpty()) {
            return List.of(script);
        }
        return List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "--sun-misc-unsafe-memory-access=allow",
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "-Dporthole.home=" + home(),
                "-cp",
                System.getProperty("java.class.path", ""),
                Main.class.getName());
    }
}
