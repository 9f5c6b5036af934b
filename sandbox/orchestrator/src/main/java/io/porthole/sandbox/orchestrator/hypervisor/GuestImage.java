package io.porthole.sandbox.orchestrator.hypervisor;

import java.nio.file.Path;

/**
 * A read-only disk image that several guests share.
 *
 * @param attachment how the guest sees it
 */
public record GuestImage(Path file, Attachment attachment) {
    /** Ways to show an image to a guest. */
    public enum Attachment {
        /** Persistent memory: pages come straight from the host's page cache. /dev/pmem0. */
        PMEM,
        /** A block device. /dev/vda. */
        BLOCK
    }
}
