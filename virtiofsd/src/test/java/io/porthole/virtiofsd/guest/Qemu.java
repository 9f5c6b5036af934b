package io.porthole.virtiofsd.guest;

/**
 * The QEMU releases the daemon is tested with.
 *
 * <p>Emulated processors do without "fast" string instructions (erms and its like): guests would
 * then copy with {@code rep movsb}, which the translator carries out byte by byte, and reading a
 * file would take four times as long. Without la57 page tables have a level less.
 */
public enum Qemu {
    /**
     * Debian 12's. {@code -cx16}: under emulation its cmpxchg16b lets newer kernels crash at
     * random.
     */
    V7_2("qemu-7", "7.2", "max,-cx16,-erms,-fsrm,-la57"),
    /** Debian 13 backports'. */
    V11_1("qemu-11", "11.1", "max,-erms,-fsrm,-fsrs,-fzrm,-la57");

    private final String program;
    private final String version;
    private final String emulatedCpu;

    Qemu(String program, String version, String emulatedCpu) {
        this.program = program;
        this.version = version;
        this.emulatedCpu = emulatedCpu;
    }

    /** The program's name in the cache's {@code bin}. */
    String program() {
        return program;
    }

    /** The {@code -cpu} argument without hardware virtualisation. */
    String emulatedCpu() {
        return emulatedCpu;
    }

    @Override
    public String toString() {
        return "QEMU " + version;
    }
}
