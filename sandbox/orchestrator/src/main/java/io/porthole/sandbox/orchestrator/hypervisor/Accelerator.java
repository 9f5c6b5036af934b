package io.porthole.sandbox.orchestrator.hypervisor;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Pattern;

/** How guest code is executed. */
public enum Accelerator {
    /** Whatever {@link #probe} finds. */
    AUTO,
    /** The processor's own virtualization through /dev/kvm. */
    KVM,
    /** Translation in software. */
    TCG;

    private static final Pattern HARDWARE =
            Pattern.compile("^flags\\s*:.*\\b(vmx|svm)\\b", Pattern.MULTILINE);

    /**
     * What this host can do. /dev/kvm alone proves nothing: under a hypervisor that offers a KVM
     * without the processor's own extensions, stock guests hang. So on x86 it also takes vmx or svm
     * among the processor's flags.
     */
    public static Probe probe() {
        return probe(
                Path.of("/dev/kvm"), Path.of("/proc/cpuinfo"), System.getProperty("os.arch", ""));
    }

    static Probe probe(Path kvm, Path cpuinfo, String architecture) {
        if (!Files.exists(kvm)) {
            return new Probe(TCG, "there is no " + kvm);
        }
        if (!Files.isReadable(kvm) || !Files.isWritable(kvm)) {
            return new Probe(TCG, kvm + " cannot be opened by this user");
        }
        if (!architecture.equals("amd64") && !architecture.equals("x86_64")) {
            return new Probe(KVM, kvm + " can be opened");
        }
        try {
            String flags = Files.readString(cpuinfo, StandardCharsets.ISO_8859_1);
            return HARDWARE.matcher(flags).find()
                    ? new Probe(KVM, kvm + " can be opened and the processor has vmx or svm")
                    : new Probe(TCG, kvm + " exists, but the processor shows neither vmx nor svm");
        } catch (IOException e) {
            return new Probe(TCG, cpuinfo + " cannot be read");
        }
    }

    /** An answer and its reason. */
    public record Probe(Accelerator accelerator, String reason) {}
}
