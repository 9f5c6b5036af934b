package io.porthole.sandbox.orchestrator.hypervisor;

import java.nio.file.Path;

/**
 * A vhost-user file system.
 *
 * @param tag what the guest mounts it by; at most 36 bytes
 * @param socket where its daemon listens
 * @param queueSize entries of each queue, a power of two; requests are limited by it
 * @param window whether the guest gets a window for DAX; its size and the tag are the daemon's, and
 *     there is one request queue
 */
public record ShareDevice(String tag, Path socket, int queueSize, boolean window) {
    public ShareDevice {
        if (tag.isEmpty() || tag.length() > 36) {
            throw new IllegalArgumentException("share tag must have 1 to 36 bytes: " + tag);
        }
        if (Integer.bitCount(queueSize) != 1) {
            throw new IllegalArgumentException("queue size must be a power of two: " + queueSize);
        }
    }
}
