package io.porthole.vhostuser;

import io.porthole.linux.Fd;
import io.porthole.linux.Syscalls;
import io.porthole.vhostuser.ProtocolException.Kind;

/**
 * Guest memory as it changes: takes the memory messages and holds the present snapshot. The control
 * thread changes it; any thread may look.
 *
 * <p>A change is made at once and waits for nobody: a queue may itself be waiting for the front-end
 * (for a DAX mapping, say), which waits for our answer. Queues take a new snapshot up before their
 * next request, and the last to leave the old one unmaps what it alone had.
 */
final class MemoryTable implements AutoCloseable {
    private final Syscalls syscalls;
    private final MessageChannel channel;
    private volatile GuestMemory memory = GuestMemory.of();

    MemoryTable(Syscalls syscalls, MessageChannel channel) {
        this.syscalls = syscalls;
        this.channel = channel;
    }

    /** The present snapshot, not held for the caller. */
    GuestMemory memory() {
        return memory;
    }

    /** The present snapshot, held for the caller, who releases it. */
    GuestMemory hold() {
        GuestMemory now = memory;
        while (!now.hold()) {
            // Replaced and released between the two looks.
            now = memory;
        }
        return now;
    }

    /** SET_MEM_TABLE: u32 count, u32 padding, regions; a descriptor each. */
    void set() throws ProtocolException {
        int bytes = channel.payloadBytes();
        int count = bytes < 8 ? -1 : channel.payloadInt(0);
        if (count < 0 || count > VhostUser.MAX_TABLE_REGIONS) {
            throw new ProtocolException(Kind.BAD_MEMORY, "a memory table of " + count + " regions");
        }
        // Some front-ends send the message at its full size whatever the count.
        if (bytes < 8 + count * VhostUser.REGION_BYTES) {
            throw new ProtocolException(
                    Kind.BAD_SIZE,
                    "a memory table of " + count + " regions in " + bytes + " bytes");
        }
        if (channel.fdCount() != count) {
            throw new ProtocolException(
                    Kind.BAD_FDS,
                    "a memory table of "
                            + count
                            + " regions with "
                            + channel.fdCount()
                            + " descriptors");
        }
        GuestMemory.Region[] regions = new GuestMemory.Region[count];
        int mapped = 0;
        try {
            for (; mapped < count; mapped++) {
                regions[mapped] = map(8 + mapped * VhostUser.REGION_BYTES);
            }
            replace(GuestMemory.of(regions));
            mapped = 0;
        } catch (IllegalArgumentException e) {
            throw new ProtocolException(Kind.BAD_MEMORY, String.valueOf(e.getMessage()), e);
        } finally {
            for (int i = 0; i < mapped; i++) {
                regions[i].unmap();
            }
        }
    }

    /** ADD_MEM_REG: u64 padding, region; a descriptor. Sizes were checked. */
    void add() throws ProtocolException {
        GuestMemory now = memory;
        if (now.regionCount() >= VhostUser.MAX_MEM_SLOTS) {
            throw new ProtocolException(
                    Kind.BAD_MEMORY, "more than " + VhostUser.MAX_MEM_SLOTS + " memory regions");
        }
        GuestMemory.Region region = map(8);
        GuestMemory next;
        try {
            next = now.with(region);
        } catch (IllegalArgumentException e) {
            region.unmap();
            throw new ProtocolException(Kind.BAD_MEMORY, String.valueOf(e.getMessage()), e);
        }
        replace(next);
    }

    /** REM_MEM_REG: u64 padding, region. The size was checked. */
    void remove() throws ProtocolException {
        GuestMemory now = memory;
        GuestMemory.Region region =
                now.find(channel.payloadLong(8), channel.payloadLong(16), channel.payloadLong(24));
        if (region == null) {
            throw new ProtocolException(
                    Kind.BAD_MEMORY,
                    "no memory region at guest address 0x"
                            + Long.toHexString(channel.payloadLong(8)));
        }
        replace(now.without(region));
    }

    private GuestMemory.Region map(int at) throws ProtocolException {
        try (Fd fd = channel.takeFd()) {
            return RegionMapping.map(
                    syscalls,
                    fd,
                    channel.payloadLong(at),
                    channel.payloadLong(at + 8),
                    channel.payloadLong(at + 16),
                    channel.payloadLong(at + 24));
        }
    }

    private void replace(GuestMemory next) {
        GuestMemory old = memory;
        memory = next;
        old.release();
    }

    /** Gives up the last snapshot; the queues have ended. */
    @Override
    public void close() {
        memory.release();
    }
}
