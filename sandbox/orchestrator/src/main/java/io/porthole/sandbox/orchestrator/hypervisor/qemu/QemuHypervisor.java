package io.porthole.sandbox.orchestrator.hypervisor.qemu;

import io.porthole.sandbox.orchestrator.hypervisor.Accelerator;
import io.porthole.sandbox.orchestrator.hypervisor.Hypervisor;
import io.porthole.sandbox.orchestrator.hypervisor.HypervisorException;
import io.porthole.sandbox.orchestrator.hypervisor.HypervisorInfo;
import io.porthole.sandbox.orchestrator.hypervisor.VirtualMachine;
import io.porthole.sandbox.orchestrator.hypervisor.VmConfig;
import io.porthole.sandbox.orchestrator.hypervisor.VmEvent;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Machines run by QEMU, 7.2 or newer. */
public final class QemuHypervisor implements Hypervisor {
    private static final Pattern VERSION = Pattern.compile("version (\\d+)\\.(\\d+)(?:\\.(\\d+))?");

    private final QemuSettings settings;
    private @Nullable HypervisorInfo info;

    public QemuHypervisor(QemuSettings settings) {
        this.settings = settings;
    }

    @Override
    public synchronized HypervisorInfo info() throws HypervisorException {
        if (info == null) {
            Accelerator.Probe probe = Accelerator.probe();
            String version = version();
            info =
                    new HypervisorInfo(
                            "QEMU",
                            version,
                            probe.accelerator(),
                            probe.reason(),
                            true,
                            true,
                            hasWindows(version));
        }
        return info;
    }

    @Override
    public VirtualMachine start(VmConfig config, Consumer<VmEvent> listener)
            throws HypervisorException {
        Accelerator accelerator =
                config.accelerator() == Accelerator.AUTO
                        ? Accelerator.probe().accelerator()
                        : config.accelerator();
        List<String> program = new ArrayList<>();
        if (config.networkNamespace() != null) {
            program.addAll(List.of("nsenter", "--net=" + config.networkNamespace(), "--"));
        }
        program.addAll(settings.program());
        List<String> command = QemuCommandLine.of(config, program, accelerator, settings.seccomp());
        return QemuMachine.launch(config, command, settings.answerTimeout(), listener);
    }

    /** 11.1 is the first with a generic vhost-user device that serves SHMEM_MAP. */
    static boolean hasWindows(String version) {
        String[] parts = version.split("\\.", -1);
        int major = Integer.parseInt(parts[0]);
        return major > 11 || (major == 11 && Integer.parseInt(parts[1]) >= 1);
    }

    private String version() throws HypervisorException {
        List<String> command = new ArrayList<>(settings.program());
        command.add("--version");
        try {
            Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
            process.getOutputStream().close();
            String text =
                    new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            Matcher m = VERSION.matcher(text);
            if (!process.waitFor(10, TimeUnit.SECONDS) || !m.find()) {
                throw new HypervisorException(
                        String.join(" ", command)
                                + " does not answer as QEMU does: "
                                + text.strip());
            }
            String micro = m.group(3) == null ? "0" : m.group(3);
            if (Integer.parseInt(m.group(1)) * 100 + Integer.parseInt(m.group(2)) < 702) {
                throw new HypervisorException("QEMU 7.2 or newer is needed; found " + m.group());
            }
            return m.group(1) + "." + m.group(2) + "." + micro;
        } catch (IOException e) {
            throw new HypervisorException(
                    "cannot run QEMU (Debian's package is qemu-system-x86): " + e.getMessage(), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new HypervisorException("interrupted while asking QEMU for its version", e);
        }
    }
}
