package io.porthole.sandbox.orchestrator.hypervisor.qemu;

import java.time.Duration;
import java.util.List;

/**
 * How QEMU itself is run.
 *
 * @param program the words that start it: the binary, or a loader with its arguments
 * @param seccomp whether QEMU filters its own system calls
 * @param answerTimeout how long QEMU may take for a monitor command before it counts as hung
 */
public record QemuSettings(List<String> program, boolean seccomp, Duration answerTimeout) {
    public QemuSettings {
        program = List.copyOf(program);
    }
}
