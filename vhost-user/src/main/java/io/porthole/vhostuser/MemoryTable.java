package io.porthole.vhostuser;

import io.porthole.linux.Fd;
import io.porthole.linux.Syscalls;
import io.porthole.vhostuser.ProtocolException.Kind;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

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
    private final BackendRequests backendRequests;
    private volatile GuestMemory memory = GuestMemory.of();

    /** A piece of a shared memory region, as the front-end lists it among the guest's memory. */
    private record Piece(long guestAddr, long bytes, long userAddr) {}

    // The control thread's.
    private final List<Piece> pieces = new ArrayList<>();
    private final GuestMemory.@Nullable Region[] windows;

    MemoryTable(Syscalls syscalls, MessageChannel channel, BackendRequests backendRequests) {
        this.syscalls = syscalls;
        this.channel = channel;
        this.backendRequests = backendRequests;
        this.windows = new GuestMemory.@Nullable Region[backendRequests.regionCount()];
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
            pieces.clear();
            Arrays.fill(windows, null);
            mapped = 0;
        } catch (IllegalArgumentException e) {
            throw new ProtocolException(Kind.BAD_MEMORY, String.valueOf(e.getMessage()), e);
        } finally {
            for (int i = 0; i < mapped; i++) {
                regions[i].unmap();
            }
        }
    }

    /**
     * ADD_MEM_REG: u64 padding, region; a descriptor. Sizes were checked.
     *
     * <p>What we asked the front-end to map into a shared memory region comes back in this way, too
     * (QEMU). It is not mapped here: its file may be cut short at any time, and then an access
     * would end this process. The guest addresses of the whole region are kept in mind instead.
     *
     * @return whether the queues are to be told
     */
    boolean add() throws ProtocolException {
        GuestMemory now = memory;
        if (windows.length != 0) {
            GuestMemory.Region known = windows[0];
            BackendRequests.Place place =
                    backendRequests.announced(
                            channel.peekFd(),
                            channel.payloadLong(16),
                            channel.payloadLong(32),
                            known == null ? -1 : channel.payloadLong(8) - known.guestAddr);
            if (place != null) {
                return addPiece(now, place);
            }
        }
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
        return true;
    }

    private boolean addPiece(GuestMemory now, BackendRequests.Place place)
            throws ProtocolException {
        long guestAddr = channel.payloadLong(8);
        pieces.add(new Piece(guestAddr, channel.payloadLong(16), channel.payloadLong(24)));
        long begin = guestAddr - place.regionOffset();
        GuestMemory.Region known = windows[place.region()];
        if (known != null && known.guestAddr == begin) {
            return false;
        }
        try {
            // Where the guest has moved the region, the old place is forgotten.
            GuestMemory without = known == null ? now : now.without(known);
            GuestMemory.Region window =
                    GuestMemory.Region.absent(begin, backendRequests.regionBytes(place.region()));
            GuestMemory next = without.with(window);
            if (without != now) {
                without.release();
            }
            windows[place.region()] = window;
            replace(next);
            return true;
        } catch (IllegalArgumentException e) {
            throw new ProtocolException(Kind.BAD_MEMORY, String.valueOf(e.getMessage()), e);
        }
    }

    /**
     * REM_MEM_REG: u64 padding, region. The size was checked.
     *
     * @return whether the queues are to be told
     */
    boolean remove() throws ProtocolException {
        Piece piece =
                new Piece(channel.payloadLong(8), channel.payloadLong(16), channel.payloadLong(24));
        if (pieces.remove(piece)) {
            return false;
        }
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
        return true;
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
