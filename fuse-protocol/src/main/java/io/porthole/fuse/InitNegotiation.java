package io.porthole.fuse;

import java.lang.foreign.MemorySegment;

/**
 * One FUSE_INIT: what the kernel offers, and what is to be answered. The server makes it from the
 * request, the file system picks flags and sets limits in {@link FileSystem#init}, the server sends
 * it. After that it is frozen and stays as the record of the session, to be read from any thread.
 *
 * <p>A flag that was not offered is never answered, whoever asks for it.
 */
public final class InitNegotiation {
    /** Major version of the protocol that we speak. */
    public static final int MAJOR = 7;

    /** Newest minor version that we speak. */
    public static final int MINOR = 45;

    /** Oldest minor version that we speak (Linux 4.18). */
    public static final int MINIMUM_MINOR = 27;

    /** Smallest max_write that the kernel takes. */
    public static final int MINIMUM_WRITE_BYTES = 4096;

    private static final int PAGE_BYTES = 4096;

    /** What a kernel without FUSE_MAX_PAGES can put into one request. */
    private static final int DEFAULT_MAX_PAGES = 32;

    private static final int U16_MAX = 0xffff;

    private final int guestMajor;
    private final int guestMinor;
    private final int offeredReadaheadBytes;
    private final long offered;

    private long enabled;
    private int maxReadaheadBytes;
    private int maxWriteBytes = 1 << 20;
    private int maxBackground = 64;
    private int congestionThreshold = 48;
    private int timeGranularityNanos = 1;
    private int mapAlignmentLog2;
    private int requestTimeoutSeconds;
    private boolean refused;
    private boolean frozen;

    private InitNegotiation(
            int guestMajor, int guestMinor, int offeredReadaheadBytes, long offered) {
        this.guestMajor = guestMajor;
        this.guestMinor = guestMinor;
        this.offeredReadaheadBytes = offeredReadaheadBytes;
        this.maxReadaheadBytes = offeredReadaheadBytes;
        this.offered = offered;
    }

    /**
     * Reads a fuse_init_in.
     *
     * @param bytes how much of it there is, at least major and minor
     */
    public static InitNegotiation decode(MemorySegment in, long at, int bytes) {
        int major = FuseInitIn.major(in, at);
        int minor = FuseInitIn.minor(in, at);
        int readahead = 0;
        long flags = 0;
        if (major == MAJOR && bytes >= FuseInitIn.COMPAT_BYTES) {
            readahead = FuseInitIn.maxReadahead(in, at);
            flags = Integer.toUnsignedLong(FuseInitIn.flags(in, at));
            if ((flags & InitFlags.FUSE_INIT_EXT) != 0 && bytes >= FuseInitIn.BYTES) {
                flags |= (long) FuseInitIn.flags2(in, at) << 32;
            } else {
                flags &= ~InitFlags.FUSE_INIT_EXT;
            }
        }
        return new InitNegotiation(major, minor, readahead, flags);
    }

    /** A kernel of {@code 7.minor} that offers {@code flags}: for tests of file systems. */
    public static InitNegotiation of(int minor, long flags, int maxReadaheadBytes) {
        return new InitNegotiation(MAJOR, minor, maxReadaheadBytes, flags);
    }

    public int guestMajor() {
        return guestMajor;
    }

    public int guestMinor() {
        return guestMinor;
    }

    /**
     * Whether a session can begin. A kernel of a larger major version is told ours and sends INIT
     * again; one of a smaller major, or older than 7.27, gets EPROTO.
     */
    public boolean isSupported() {
        return guestMajor == MAJOR && Integer.compareUnsigned(guestMinor, MINIMUM_MINOR) >= 0;
    }

    /** Whether the kernel speaks a larger major version, and may come down to ours. */
    public boolean isNewerMajor() {
        return Integer.compareUnsigned(guestMajor, MAJOR) > 0;
    }

    /** Minor version of the session: the smaller of the two. */
    public int minor() {
        return Integer.compareUnsigned(guestMinor, MINOR) < 0 ? guestMinor : MINOR;
    }

    /** The {@link InitFlags} that the kernel offers. */
    public long offered() {
        return offered;
    }

    /** Whether all of {@code flags} are offered. */
    public boolean offers(long flags) {
        return (offered & flags) == flags;
    }

    /** Asks for those of {@code flags} that are offered. */
    public InitNegotiation enable(long flags) {
        checkOpen();
        enabled |= flags & offered;
        return this;
    }

    /** As {@link #enable}, but without all of {@code flags} there is to be no session. */
    public InitNegotiation require(long flags) {
        refused |= !offers(flags);
        return enable(flags);
    }

    /** Whether the file system requires what is not offered: the kernel gets EPROTO. */
    public boolean isRefused() {
        return refused;
    }

    /** Takes {@code flags} back. */
    public InitNegotiation disable(long flags) {
        checkOpen();
        enabled &= ~flags;
        return this;
    }

    /** The {@link InitFlags} of the reply. Those that go with a limit are added to them. */
    public long enabled() {
        long flags = enabled;
        if (offers(InitFlags.FUSE_MAX_PAGES)) {
            flags |= InitFlags.FUSE_MAX_PAGES;
        }
        if (mapAlignmentLog2 != 0) {
            flags |= InitFlags.FUSE_MAP_ALIGNMENT;
        }
        if (requestTimeoutSeconds != 0) {
            flags |= InitFlags.FUSE_REQUEST_TIMEOUT;
        }
        if ((flags & InitFlags.FUSE_DO_READDIRPLUS) == 0) {
            flags &= ~InitFlags.FUSE_READDIRPLUS_AUTO;
        }
        if (flags >>> 32 != 0) {
            flags |= InitFlags.FUSE_INIT_EXT;
        }
        return flags & offered;
    }

    /** Whether all of {@code flags} are part of the session. */
    public boolean isEnabled(long flags) {
        return (enabled() & flags) == flags;
    }

    /** Bounds the kernel's read-ahead; it never grows beyond what was offered. */
    public InitNegotiation maxReadaheadBytes(int bytes) {
        checkOpen();
        maxReadaheadBytes =
                Integer.compareUnsigned(bytes, offeredReadaheadBytes) < 0
                        ? bytes
                        : offeredReadaheadBytes;
        return this;
    }

    public int maxReadaheadBytes() {
        return maxReadaheadBytes;
    }

    /** Largest payload of WRITE that is wanted, at least {@link #MINIMUM_WRITE_BYTES}. */
    public InitNegotiation maxWriteBytes(int bytes) {
        checkOpen();
        if (bytes < MINIMUM_WRITE_BYTES) {
            throw new IllegalArgumentException("max_write of " + bytes + " bytes is below 4096");
        }
        maxWriteBytes = bytes;
        return this;
    }

    /** Largest payload of WRITE, within what the kernel's requests can hold. */
    public int maxWriteBytes() {
        return offers(InitFlags.FUSE_MAX_PAGES)
                ? maxWriteBytes
                : Math.min(maxWriteBytes, DEFAULT_MAX_PAGES * PAGE_BYTES);
    }

    /** Pages of 4 KiB that one request may carry; the kernel bounds it further. */
    public int maxPages() {
        return Math.min(U16_MAX, (maxWriteBytes() - 1) / PAGE_BYTES + 1);
    }

    /** How many requests that nobody waits for (read-ahead, write-back) may be under way. */
    public InitNegotiation maxBackground(int requests) {
        checkOpen();
        maxBackground = Math.clamp(requests, 1, U16_MAX);
        return this;
    }

    public int maxBackground() {
        return maxBackground;
    }

    /** From how many of those on the kernel takes the device for congested. */
    public InitNegotiation congestionThreshold(int requests) {
        checkOpen();
        congestionThreshold = Math.clamp(requests, 1, U16_MAX);
        return this;
    }

    public int congestionThreshold() {
        return congestionThreshold;
    }

    /** Resolution of time stamps. */
    public InitNegotiation timeGranularityNanos(int nanos) {
        checkOpen();
        timeGranularityNanos = Math.clamp(nanos, 1, 1_000_000_000);
        return this;
    }

    public int timeGranularityNanos() {
        return timeGranularityNanos;
    }

    /** DAX: log2 of the alignment that SETUPMAPPING needs; 0 for none, which leaves it out. */
    public InitNegotiation mapAlignmentLog2(int log2) {
        checkOpen();
        mapAlignmentLog2 = Math.clamp(log2, 0, 63);
        return this;
    }

    public int mapAlignmentLog2() {
        return offers(InitFlags.FUSE_MAP_ALIGNMENT) ? mapAlignmentLog2 : 0;
    }

    /** After how long the kernel gives up on a request and on the mount; 0 is never. */
    public InitNegotiation requestTimeoutSeconds(int seconds) {
        checkOpen();
        requestTimeoutSeconds = Math.clamp(seconds, 0, U16_MAX);
        return this;
    }

    public int requestTimeoutSeconds() {
        return offers(InitFlags.FUSE_REQUEST_TIMEOUT) ? requestTimeoutSeconds : 0;
    }

    /** Length of fuse_init_out for the kernel's version. */
    public int replyBytes() {
        if (guestMajor != MAJOR || Integer.compareUnsigned(guestMinor, 5) < 0) {
            return FuseInitOut.FUSE_COMPAT_INIT_OUT_SIZE;
        }
        return Integer.compareUnsigned(guestMinor, 23) < 0
                ? FuseInitOut.FUSE_COMPAT_22_INIT_OUT_SIZE
                : FuseInitOut.BYTES;
    }

    /**
     * Writes the fuse_init_out, {@link #replyBytes()} of it, into zeroed memory, and freezes.
     *
     * @return the number of bytes
     */
    public int encode(MemorySegment out, long at) {
        frozen = true;
        int bytes = replyBytes();
        FuseInitOut.major(out, at, MAJOR);
        if (bytes == FuseInitOut.FUSE_COMPAT_INIT_OUT_SIZE) {
            FuseInitOut.minor(out, at, MINOR);
            return bytes;
        }
        FuseInitOut.minor(out, at, minor());
        FuseInitOut.maxReadahead(out, at, maxReadaheadBytes);
        FuseInitOut.flags(out, at, (int) enabled());
        FuseInitOut.maxBackground(out, at, maxBackground);
        FuseInitOut.congestionThreshold(out, at, congestionThreshold);
        FuseInitOut.maxWrite(out, at, maxWriteBytes());
        if (bytes == FuseInitOut.BYTES) {
            FuseInitOut.timeGran(out, at, timeGranularityNanos);
            FuseInitOut.maxPages(out, at, isEnabled(InitFlags.FUSE_MAX_PAGES) ? maxPages() : 0);
            FuseInitOut.mapAlignment(out, at, mapAlignmentLog2());
            FuseInitOut.flags2(out, at, (int) (enabled() >>> 32));
            FuseInitOut.requestTimeout(out, at, requestTimeoutSeconds());
        }
        return bytes;
    }

    private void checkOpen() {
        if (frozen) {
            throw new IllegalStateException("FUSE_INIT is answered already");
        }
    }
}
