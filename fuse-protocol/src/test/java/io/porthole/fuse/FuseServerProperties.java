package io.porthole.fuse;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import net.jqwik.api.lifecycle.AfterContainer;
import net.jqwik.api.lifecycle.BeforeContainer;

/**
 * Whatever a guest sends and whatever the file system answers: dispatch never throws, ends the
 * exchange exactly once, stays within the reply's room, and a reply is well-formed. The exchange of
 * the test watches over lengths and ends; see {@code InMemoryExchange}.
 */
class FuseServerProperties {
    private static final List<WireVector> VECTORS = WireVector.all();

    private static TestSession session;

    /** Describes each request, so that the describer meets the same bytes. */
    @BeforeContainer
    static void open() {
        session =
                TestSession.with(
                        -1L & ~(1L << 31),
                        (opcode, r, x, result, nanos) ->
                                assertFalse(
                                        RequestDescriber.describe(opcode, r, x, result)
                                                .contains("\n")));
    }

    @AfterContainer
    static void close() {
        session.close();
    }

    @Property(tries = 5_000)
    void arbitraryBytesAreSurvived(
            @ForAll @Size(max = 300) byte[] bytes,
            @ForAll("rooms") int room,
            @ForAll("answers") long answer) {
        check(bytes, room, answer);
    }

    @Property(tries = 5_000)
    void arbitraryArgumentsOfAnyOperationAreSurvived(
            @ForAll Opcode opcode,
            @ForAll @Size(max = 200) byte[] arguments,
            @ForAll("rooms") int room,
            @ForAll("answers") long answer) {
        byte[] bytes = new byte[40 + arguments.length];
        System.arraycopy(arguments, 0, bytes, 40, arguments.length);
        MemorySegment header = MemorySegment.ofArray(bytes);
        FuseInHeader.len(header, 0, bytes.length);
        FuseInHeader.opcode(header, 0, opcode.code());
        FuseInHeader.unique(header, 0, 77);
        check(bytes, room, answer);
    }

    @Property(tries = 20_000)
    void damagedRequestsAreSurvived(
            @ForAll("vectors") WireVector vector,
            @ForAll @Size(max = 4) List<@IntRange(max = 1 << 20) Integer> places,
            @ForAll @Size(4) byte[] values,
            @ForAll @IntRange(min = -20, max = 20) int change,
            @ForAll boolean lengthIsRight,
            @ForAll @IntRange(max = 12) int extensionUnits,
            @ForAll("rooms") int room,
            @ForAll("answers") long answer) {
        byte[] bytes =
                Arrays.copyOf(vector.request(), Math.max(0, vector.request().length + change));
        for (int i = 0; i < places.size() && bytes.length > 0; i++) {
            bytes[places.get(i) % bytes.length] = values[i];
        }
        if (bytes.length >= 40 && lengthIsRight) {
            MemorySegment header = MemorySegment.ofArray(bytes);
            FuseInHeader.len(header, 0, bytes.length);
            FuseInHeader.totalExtlen(header, 0, Math.max(0, extensionUnits - 6));
        }
        check(bytes, room, answer);
    }

    private static void check(byte[] bytes, int room, long answer) {
        if (session.server.session() == null) {
            session.init(-1L & ~(1L << 31));
        }
        session.fs.clear();
        session.fs.answer(answer);
        byte[] reply = session.send(bytes, room);
        assertTrue(session.exchange.ended());
        session.exchange.checkBounds();
        boolean whole = bytes.length >= 40;
        int code = whole ? TestSession.word(bytes, 4) : 0;
        Opcode opcode = Opcode.of(code);
        boolean wantsReply = whole && (opcode == null || opcode.hasReply()) && room >= 16;
        assertEquals(wantsReply, session.exchange.replied());
        if (wantsReply) {
            assertEquals(reply.length, TestSession.word(reply, 0));
            assertEquals(TestSession.unique(bytes), TestSession.unique(reply));
            int error = TestSession.error(reply);
            assertTrue(error <= 0 && error > -512, () -> "error " + error);
            assertTrue(error == 0 || reply.length == 16, "a body behind an error");
            assertTrue(
                    error != 0 || opcode == null || reply.length >= 16 + opcode.replyBodyBytes());
        }
    }

    @Provide
    Arbitrary<WireVector> vectors() {
        return Arbitraries.of(VECTORS);
    }

    @Provide
    Arbitrary<Integer> rooms() {
        return Arbitraries.frequencyOf(
                net.jqwik.api.Tuple.of(1, Arbitraries.integers().between(0, 200)),
                net.jqwik.api.Tuple.of(3, Arbitraries.of(4096, 4112, 8192, 20_000)));
    }

    @Provide
    Arbitrary<Long> answers() {
        return Arbitraries.of(
                0L,
                0L,
                1L,
                8L,
                100L,
                5000L,
                (long) Integer.MAX_VALUE,
                Long.MAX_VALUE,
                -2L,
                -34L,
                -511L,
                -512L,
                (long) Integer.MIN_VALUE,
                Long.MIN_VALUE);
    }
}
