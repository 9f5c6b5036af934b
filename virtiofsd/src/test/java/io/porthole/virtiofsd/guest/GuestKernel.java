package io.porthole.virtiofsd.guest;

/** The guest kernels the daemon is tested with, each with a small root file system of its own. */
public enum GuestKernel {
    /**
     * Debian 12's cloud kernel: virtiofs is a module, one request queue is used whatever the device
     * offers.
     */
    LINUX_6_1("6.1"),
    /**
     * Debian 13 backports' cloud kernel, 7.1 or newer: checks every reply's length, maps queues to
     * CPUs.
     */
    LINUX_7("7");

    private final String folder;

    GuestKernel(String folder) {
        this.folder = folder;
    }

    /** The folder's name below the cache's {@code guests}. */
    String folder() {
        return folder;
    }

    @Override
    public String toString() {
        return this == LINUX_6_1 ? "Linux 6.1" : "Linux >= 7.1";
    }
}
