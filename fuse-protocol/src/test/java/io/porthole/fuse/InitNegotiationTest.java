package io.porthole.fuse;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemorySegment;
import java.lang.reflect.Field;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;

class InitNegotiationTest {
    private static final long ALL = ~0L & ~(1L << 31);

    private static byte[] hex(String text) {
        return HexFormat.of().parseHex(text.replaceAll("#.*|\\s", ""));
    }

    private static InitNegotiation decode(byte[] in) {
        return InitNegotiation.decode(MemorySegment.ofArray(in), 0, in.length);
    }

    @Test
    void offerOfANewKernelIsRead() {
        byte[] in = new byte[64];
        byte[] head =
                hex(
                        """
                        07 00 00 00 # major 7
                        2e 00 00 00 # minor 46
                        00 00 02 00 # max_readahead 128 KiB
                        01 00 40 40 # flags ASYNC_READ, MAX_PAGES, INIT_EXT
                        03 00 00 00 # flags2 SECURITY_CTX, HAS_INODE_DAX
                        """);
        System.arraycopy(head, 0, in, 0, head.length);
        InitNegotiation init = decode(in);
        assertTrue(init.isSupported());
        assertEquals(46, init.guestMinor());
        assertEquals(45, init.minor());
        assertEquals(128 * 1024, init.maxReadaheadBytes());
        assertEquals(
                InitFlags.FUSE_ASYNC_READ
                        | InitFlags.FUSE_MAX_PAGES
                        | InitFlags.FUSE_INIT_EXT
                        | InitFlags.FUSE_SECURITY_CTX
                        | InitFlags.FUSE_HAS_INODE_DAX,
                init.offered());
    }

    @Test
    void flags2CountsOnlyWithInitExt() {
        byte[] in = new byte[64];
        in[0] = 7;
        in[4] = 38;
        in[16] = 1;
        assertEquals(0, decode(in).offered());
    }

    @Test
    void shortOfferOfAnOldKernelIsRead() {
        InitNegotiation init =
                decode(
                        hex(
                                """
                                07 00 00 00 # major 7
                                1b 00 00 00 # minor 27
                                00 10 00 00 # max_readahead 4 KiB
                                21 00 00 40 # flags ASYNC_READ, BIG_WRITES, INIT_EXT that cannot be
                                """));
        assertTrue(init.isSupported());
        assertEquals(27, init.minor());
        assertEquals(InitFlags.FUSE_ASYNC_READ | InitFlags.FUSE_BIG_WRITES, init.offered());
    }

    @Test
    void replyHasEveryFieldInItsPlace() {
        InitNegotiation init =
                InitNegotiation.of(45, ALL, 0x20000)
                        .enable(InitFlags.FUSE_ASYNC_READ | InitFlags.FUSE_SECURITY_CTX)
                        .maxReadaheadBytes(0x10000)
                        .maxBackground(0x1234)
                        .congestionThreshold(0x0567)
                        .maxWriteBytes(0x100000)
                        .timeGranularityNanos(1)
                        .mapAlignmentLog2(21)
                        .requestTimeoutSeconds(0x0304);
        byte[] out = new byte[64];
        assertEquals(64, init.encode(MemorySegment.ofArray(out), 0));
        assertArrayEquals(
                hex(
                        """
                        07 00 00 00 # major
                        2d 00 00 00 # minor 45
                        00 00 01 00 # max_readahead
                        01 00 40 44 # flags ASYNC_READ, MAX_PAGES, MAP_ALIGNMENT, INIT_EXT
                        34 12       # max_background
                        67 05       # congestion_threshold
                        00 00 10 00 # max_write
                        01 00 00 00 # time_gran
                        00 01       # max_pages 256
                        15 00       # map_alignment 21
                        01 04 00 00 # flags2 SECURITY_CTX, REQUEST_TIMEOUT
                        00 00 00 00 # max_stack_depth
                        04 03       # request_timeout
                        00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
                        """),
                out);
    }

    @Test
    void whatWasNotOfferedIsNeverAnswered() {
        InitNegotiation init =
                InitNegotiation.of(31, InitFlags.FUSE_ASYNC_READ, 0)
                        .enable(ALL)
                        .mapAlignmentLog2(21)
                        .requestTimeoutSeconds(5);
        assertEquals(InitFlags.FUSE_ASYNC_READ, init.enabled());
        byte[] out = new byte[64];
        init.encode(MemorySegment.ofArray(out), 0);
        MemorySegment reply = MemorySegment.ofArray(out);
        assertEquals(1, FuseInitOut.flags(reply, 0));
        assertEquals(0, FuseInitOut.flags2(reply, 0));
        assertEquals(0, FuseInitOut.maxPages(reply, 0));
        assertEquals(0, FuseInitOut.mapAlignment(reply, 0));
        assertEquals(0, FuseInitOut.requestTimeout(reply, 0));
    }

    @Test
    void withoutMaxPagesAWriteHasAtMost32Pages() {
        assertEquals(
                128 * 1024, InitNegotiation.of(27, 0, 0).maxWriteBytes(1 << 20).maxWriteBytes());
    }

    @Test
    void readdirplusAutoNeedsReaddirplus() {
        InitNegotiation init = InitNegotiation.of(45, ALL, 0);
        init.enable(InitFlags.FUSE_READDIRPLUS_AUTO);
        assertFalse(init.isEnabled(InitFlags.FUSE_READDIRPLUS_AUTO));
        init.enable(InitFlags.FUSE_DO_READDIRPLUS);
        assertTrue(init.isEnabled(InitFlags.FUSE_READDIRPLUS_AUTO));
    }

    @Test
    void readaheadNeverGrows() {
        assertEquals(
                4096, InitNegotiation.of(45, 0, 4096).maxReadaheadBytes(-1).maxReadaheadBytes());
    }

    @Test
    void olderThan27IsRefused() {
        assertFalse(InitNegotiation.of(26, 0, 0).isSupported());
        assertTrue(InitNegotiation.of(27, 0, 0).isSupported());
    }

    @Test
    void replyHasTheLengthThatTheKernelsVersionTakes() {
        assertEquals(8, InitNegotiation.of(4, 0, 0).replyBytes());
        assertEquals(24, InitNegotiation.of(22, 0, 0).replyBytes());
        assertEquals(64, InitNegotiation.of(23, 0, 0).replyBytes());
    }

    @Test
    void newerMajorIsToldOurs() {
        byte[] in = new byte[64];
        in[0] = 8;
        InitNegotiation init = decode(in);
        assertTrue(init.isNewerMajor());
        assertFalse(init.isSupported());
        byte[] out = new byte[8];
        assertEquals(8, init.encode(MemorySegment.ofArray(out), 0));
        assertArrayEquals(hex("07 00 00 00 2d 00 00 00"), out);
    }

    @Test
    void nothingChangesAfterTheReply() {
        InitNegotiation init = InitNegotiation.of(45, ALL, 0);
        init.encode(MemorySegment.ofArray(new byte[64]), 0);
        assertThrows(IllegalStateException.class, () -> init.enable(1));
        assertThrows(IllegalStateException.class, () -> init.maxWriteBytes(8192));
    }

    @Test
    void limitsStayInTheirFields() {
        InitNegotiation init =
                InitNegotiation.of(45, ALL, 0).maxBackground(1 << 20).congestionThreshold(0);
        assertEquals(0xffff, init.maxBackground());
        assertEquals(1, init.congestionThreshold());
        assertThrows(IllegalArgumentException.class, () -> init.maxWriteBytes(100));
        assertEquals(0xffff, init.maxWriteBytes(Integer.MAX_VALUE).maxPages());
    }

    @Test
    void everyFlagHasItsName() throws IllegalAccessException {
        long all = 0;
        for (Field field : InitFlags.class.getFields()) {
            long bit = field.getLong(null);
            assertEquals(field.getName(), "FUSE_" + InitFlags.names(bit));
            all |= bit;
        }
        assertEquals(Long.bitCount(all), InitFlags.names(all).split("[|]", -1).length);
        assertEquals("", InitFlags.names(0));
        assertEquals("ASYNC_READ|31|63", InitFlags.names(1L | 1L << 31 | 1L << 63));
    }

    @Test
    void whatIsRequiredAndNotOfferedEndsTheSession() {
        InitNegotiation init =
                InitNegotiation.of(38, InitFlags.FUSE_POSIX_ACL | InitFlags.FUSE_DONT_MASK, 0);
        assertFalse(init.require(InitFlags.FUSE_POSIX_ACL).isRefused());
        assertTrue(init.require(InitFlags.FUSE_POSIX_ACL | InitFlags.FUSE_SUBMOUNTS).isRefused());
    }
}
