package io.porthole.virtiofsd.guest;

/** The QEMU releases the daemon is tested with. */
public enum Qemu {
    /**
     * Debian 12's. {@code -cx16}: under emulation its cmpxchg16b lets newer kernels crash at
     * random.
     */
    V7_2("qemu-7", "7.2", "max,-cx16"),
    /** Debian 13 backports'. */
    V11_1("qemu-11", "11.1", "max");

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
