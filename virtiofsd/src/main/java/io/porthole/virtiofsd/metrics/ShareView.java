package io.porthole.virtiofsd.metrics;

import io.porthole.fuse.ServerCounters;

/** A share at the time it is asked about. */
public record ShareView(
        String tag,
        boolean connected,
        ShareMetrics metrics,
        ServerCounters rejected,
        long inodes,
        long pinnedInodes,
        long openHandles,
        long lockOwners,
        long waitingLocks) {}
