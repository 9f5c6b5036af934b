package io.porthole.fuse;

import static io.porthole.linux.Errno.E2BIG;
import static io.porthole.linux.Errno.EINVAL;
import static io.porthole.linux.Errno.EIO;
import static io.porthole.linux.Errno.ENAMETOOLONG;
import static io.porthole.linux.Errno.ENOENT;
import static io.porthole.linux.Errno.ENOSYS;
import static io.porthole.linux.Errno.ENOTSUP;
import static io.porthole.linux.Errno.EPROTO;
import static io.porthole.linux.Errno.ERANGE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import io.porthole.fuse.testing.InMemoryExchange;
import io.porthole.fuse.testing.RequestBytes;
import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class FuseServerTest {
    private final TestSession s = TestSession.with(WireVectorsTest.FLAGS);

    @AfterEach
    void close() {
        s.exchange.checkBounds();
        s.close();
    }

    private static RequestBytes request(Opcode opcode) {
        return RequestBytes.of(opcode, 9);
    }

    private static RequestBytes lookup(String name) {
        return request(Opcode.LOOKUP).name(name);
    }

    private static WireVector vector(Opcode opcode) {
        return WireVector.all().stream()
                .filter(v -> TestSession.word(v.request(), 4) == opcode.code())
                .findFirst()
                .orElseThrow();
    }

    // The session

    @Test
    void requestBeforeInitIsRefused() {
        try (TestSession fresh = TestSession.fresh()) {
            assertEquals(-EIO, fresh.errorOf(lookup("a")));
            assertEquals(List.of(), fresh.calls());
            fresh.send(request(Opcode.FORGET).u64(1).build(), 0);
            assertFalse(fresh.exchange.replied());
            assertTrue(fresh.exchange.ended());
            assertEquals(List.of(), fresh.calls());
        }
    }

    @Test
    void initAfterDestroyBeginsAnew() {
        assertEquals(0, s.errorOf(request(Opcode.DESTROY)));
        assertNull(s.server.session());
        assertEquals(-EIO, s.errorOf(lookup("a")));
        assertEquals(List.of("destroy"), s.calls());
        s.init(0);
        assertEquals(0, s.errorOf(lookup("a")));
    }

    @Test
    void initWithoutDestroyEndsTheSessionBefore() {
        s.send(TestSession.initRequest(40, 0), TestSession.ROOM);
        assertEquals(List.of("destroy", "init 7.40 offered 0x0"), s.calls());
        assertEquals(40, s.server.session().minor());
    }

    @Test
    void endOfTheConnectionDestroysOnce() {
        s.server.endSession();
        s.server.endSession();
        assertEquals(List.of("destroy"), s.calls());
    }

    @Test
    void initOfATooOldKernelIsRefused() {
        try (TestSession fresh = TestSession.fresh()) {
            byte[] reply = fresh.send(TestSession.initRequest(26, 0), TestSession.ROOM);
            assertEquals(-EPROTO, TestSession.error(reply));
            assertEquals(16, reply.length);
            assertNull(fresh.server.session());
        }
    }

    @Test
    void initOfANewerMajorIsAnsweredWithOursAndAwaitedAgain() {
        try (TestSession fresh = TestSession.fresh()) {
            byte[] reply = fresh.send(request(Opcode.INIT).u32(8, 3));
            assertEquals(24, reply.length);
            assertEquals(0, TestSession.error(reply));
            assertEquals(7, TestSession.word(reply, 16));
            assertEquals(45, TestSession.word(reply, 20));
            assertNull(fresh.server.session());
            assertEquals(List.of(), fresh.calls());
            fresh.init(0);
            assertNotNull(fresh.server.session());
        }
    }

    @Test
    void initOfAnOlderMajorIsRefused() {
        try (TestSession fresh = TestSession.fresh()) {
            assertEquals(-EPROTO, fresh.errorOf(request(Opcode.INIT).u32(6, 99, 0, 0)));
        }
    }

    @Test
    void initAnswersWhatWasAgreed() {
        try (TestSession fresh = TestSession.fresh()) {
            fresh.fs.enable(InitFlags.FUSE_ASYNC_READ | InitFlags.FUSE_POSIX_LOCKS);
            byte[] reply =
                    fresh.send(
                            TestSession.initRequest(46, InitFlags.FUSE_ASYNC_READ),
                            TestSession.ROOM);
            assertEquals(16 + 64, reply.length);
            assertEquals(45, TestSession.word(reply, 16 + 4));
            assertEquals(InitFlags.FUSE_ASYNC_READ, TestSession.word(reply, 16 + 12));
        }
    }

    @Test
    void initWithoutRoomForItsReplyIsRefused() {
        try (TestSession fresh = TestSession.fresh()) {
            byte[] reply = fresh.send(TestSession.initRequest(45, 0), 79);
            assertEquals(-EINVAL, TestSession.error(reply));
            assertNull(fresh.server.session());
        }
    }

    // Lengths

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 16, 39})
    void requestWithoutAWholeHeaderIsDropped(int bytes) {
        s.send(new byte[bytes], TestSession.ROOM);
        assertTrue(s.exchange.ended());
        assertFalse(s.exchange.replied());
        assertEquals(1, s.server.counters().malformed());
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 39, 40, 41, 43, 1 << 20, Integer.MAX_VALUE, -1, Integer.MIN_VALUE})
    void lengthThatIsNotTheDeliveredOneIsRefused(int claimed) {
        byte[] bytes = lookup("a").unique(TestSession.UNIQUE).build();
        assertEquals(42, bytes.length);
        FuseInHeader.len(MemorySegment.ofArray(bytes), 0, claimed);
        byte[] reply = s.send(bytes, TestSession.ROOM);
        assertEquals(-EINVAL, TestSession.error(reply));
        assertEquals(TestSession.UNIQUE, TestSession.unique(reply));
        assertEquals(List.of(), s.calls());
        assertEquals(1, s.server.counters().malformed());
    }

    @ParameterizedTest
    @EnumSource(Opcode.class)
    void requestCutAnywhereIsNeverServedAsAWhole(Opcode opcode) {
        if (opcode == Opcode.INIT) {
            return;
        }
        WireVector v = vector(opcode);
        byte[] whole = v.request();
        int least = 40 + opcode.argumentBytes();
        for (int bytes = 40; bytes < whole.length; bytes++) {
            byte[] cut = Arrays.copyOf(whole, bytes);
            FuseInHeader.len(MemorySegment.ofArray(cut), 0, bytes);
            s.fs.clear();
            byte[] reply = s.send(cut, v.room());
            assertTrue(s.exchange.ended());
            if (bytes < least) {
                assertEquals(List.of(), s.calls());
            }
            if (s.exchange.replied()) {
                assertTrue(
                        TestSession.error(reply) < 0 || !s.calls().equals(v.calls()),
                        () -> "served in full from a part: " + s.calls());
            }
        }
    }

    @Test
    void requestThatDoesNotFitTheScratchIsTooBig() {
        RequestBytes big =
                request(Opcode.SETXATTR)
                        .u32(200_000, 0, 0, 0)
                        .name("user.big")
                        .bytes(new byte[200_000]);
        assertEquals(-E2BIG, s.errorOf(big));
    }

    @Test
    void largestAttributeIsSet() {
        byte[] value = new byte[65_536];
        Arrays.fill(value, (byte) 'v');
        RequestBytes set =
                request(Opcode.SETXATTR).u32(value.length, 0, 0, 0).name("user.v").bytes(value);
        assertEquals(0, s.errorOf(set));
        assertTrue(s.calls().getFirst().contains("v".repeat(65_536)));
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 3, 100, 0xffff})
    void extensionsBeyondTheRequestAreRefused(int units) {
        byte[] bytes = request(Opcode.GETATTR).u32(0, 0).u64(0).build();
        FuseInHeader.totalExtlen(MemorySegment.ofArray(bytes), 0, units);
        assertEquals(-EINVAL, TestSession.error(s.send(bytes, TestSession.ROOM)));
        assertEquals(List.of(), s.calls());
    }

    @Test
    void argumentsDoNotReachIntoExtensions() {
        // The name has no NUL of its own; the next zero is in the extension.
        RequestBytes r =
                request(Opcode.LOOKUP).bytes(new byte[] {'a', 'b'}).extensions(new byte[8]);
        assertEquals(-EINVAL, s.errorOf(r));
    }

    @Test
    void replyWithoutRoomForAHeaderIsCountedAndNotExecuted() {
        s.send(lookup("a").build(), 15);
        assertFalse(s.exchange.replied());
        assertTrue(s.exchange.ended());
        assertEquals(1, s.server.counters().unanswerable());
        assertEquals(List.of(), s.calls());
    }

    @Test
    void operationWithoutRoomForItsReplyIsNotExecuted() {
        byte[] bytes = lookup("a").build();
        byte[] reply = s.send(bytes, 16 + 127);
        assertEquals(-EINVAL, TestSession.error(reply));
        assertEquals(List.of(), s.calls());
        assertEquals(16 + 128, s.send(bytes, 16 + 128).length);
    }

    @Test
    void unknownOperationIsEnosys() {
        for (int code : new int[] {0, 7, 19, 54, 4096, 1 << 20, Integer.MIN_VALUE, -1}) {
            assertEquals(-ENOSYS, s.errorOf(RequestBytes.of(code, 1)), () -> "opcode " + code);
        }
        assertEquals(8, s.server.counters().unknown());
    }

    /** No reply is to wait for a disk. */
    @ParameterizedTest
    @EnumSource(Opcode.class)
    void whatTakesLongIsAnnounced(Opcode opcode) {
        if (opcode == Opcode.INIT) {
            return;
        }
        WireVector v = vector(opcode);
        s.send(v.request(), v.room());
        boolean announced = s.exchange.longRequests() == 1;
        assertEquals(
                opcode.name().startsWith("FSYNC")
                        || opcode == Opcode.SYNCFS
                        || opcode == Opcode.FALLOCATE
                        || opcode.name().startsWith("COPY_FILE_RANGE"),
                announced);
    }

    // Names

    @Test
    void nameThatIsNoSingleComponentIsRefused() {
        for (String name :
                List.of("", "/", "a/b", "/a", "a/", "..", ".", "12345678/", "1234567/")) {
            assertEquals(-EINVAL, s.errorOf(lookup(name)), () -> "'" + name + "'");
            assertEquals(-EINVAL, s.errorOf(request(Opcode.UNLINK).name(name)));
            assertEquals(-EINVAL, s.errorOf(request(Opcode.MKDIR).u32(0, 0).name(name)));
            assertEquals(-EINVAL, s.errorOf(request(Opcode.LINK).u64(5).name(name)));
            assertEquals(-EINVAL, s.errorOf(request(Opcode.RENAME).u64(5).name("a").name(name)));
            assertEquals(-EINVAL, s.errorOf(request(Opcode.RENAME).u64(5).name(name).name("a")));
        }
        assertEquals(List.of(), s.calls());
    }

    @Test
    void nameMayHoldAnythingElse() {
        for (String name : List.of("...", ".a", "a.", "..a", " ", "\n", "\u007f", "é", "a\\b")) {
            assertEquals(0, s.errorOf(lookup(name)), name);
        }
    }

    @Test
    void dotsAreNamesForALookupOfAGuestThatExports() {
        try (TestSession exporting = TestSession.with(InitFlags.FUSE_EXPORT_SUPPORT)) {
            assertEquals(0, exporting.errorOf(lookup(".")));
            assertEquals(0, exporting.errorOf(lookup("..")));
            assertEquals(-EINVAL, exporting.errorOf(request(Opcode.RMDIR).name("..")));
        }
    }

    @Test
    void longestNameHas255Bytes() {
        assertEquals(0, s.errorOf(lookup("x".repeat(255))));
        assertEquals(-ENAMETOOLONG, s.errorOf(lookup("x".repeat(256))));
        assertEquals(-ENAMETOOLONG, s.errorOf(lookup("x".repeat(5000))));
    }

    @Test
    void nameWithoutNulIsRefused() {
        for (int bytes = 0; bytes < 40; bytes++) {
            byte[] name = new byte[bytes];
            Arrays.fill(name, (byte) 'n');
            assertEquals(-EINVAL, s.errorOf(request(Opcode.LOOKUP).bytes(name)));
        }
    }

    @Test
    void attributeNamesMayHoldSlashes() {
        assertEquals(0, s.errorOf(request(Opcode.REMOVEXATTR).name("user.a/../b")));
        assertEquals(-ERANGE, s.errorOf(request(Opcode.REMOVEXATTR).name("")));
        assertEquals(-ERANGE, s.errorOf(request(Opcode.REMOVEXATTR).name("x".repeat(256))));
    }

    @Test
    void targetOfALinkMayBeAnyPathOfUpTo4095Bytes() {
        assertEquals(0, s.errorOf(request(Opcode.SYMLINK).name("l").name("/".repeat(4095))));
        assertEquals(
                -ENAMETOOLONG, s.errorOf(request(Opcode.SYMLINK).name("l").name("/".repeat(4096))));
        assertEquals(-ENOENT, s.errorOf(request(Opcode.SYMLINK).name("l").name("")));
        assertEquals(-EINVAL, s.errorOf(request(Opcode.SYMLINK).name("l")));
    }

    // Payloads and variable arguments

    private static RequestBytes write(int size, int payload) {
        return request(Opcode.WRITE)
                .u64(1, 0)
                .u32(size, 0)
                .u64(0)
                .u32(0, 0)
                .bytes(new byte[payload]);
    }

    @Test
    void writeWhoseSizeIsNotThatOfItsPayloadIsRefused() {
        assertEquals(-EINVAL, s.errorOf(write(11, 10)));
        assertEquals(-EINVAL, s.errorOf(write(9, 10)));
        assertEquals(-EINVAL, s.errorOf(write(-1, 10)));
        assertEquals(-EINVAL, s.errorOf(write(Integer.MIN_VALUE, 0)));
        assertEquals(List.of(), s.calls());
        s.fs.answer(10);
        assertEquals(0, s.errorOf(write(10, 10)));
    }

    @Test
    void writeOfAMebibyteIsNotCopiedIntoTheScratch() {
        s.fs.answer(1 << 20);
        assertEquals(0, s.errorOf(write(1 << 20, 1 << 20)));
        assertEquals(FuseInHeader.BYTES + FuseWriteIn.BYTES, s.exchange.fetchedBytes());
    }

    @Test
    void negativeOffsetsAreRefused() {
        RequestBytes read = request(Opcode.READ).u64(1, -1).u32(10, 0).u64(0).u32(0, 0);
        assertEquals(-EINVAL, s.errorOf(read));
    }

    @Test
    void readIsBoundedByItsRoom() {
        RequestBytes read = request(Opcode.READ).u64(1, 0).u32(-1, 0).u64(0).u32(0, 0);
        s.fs.answer(1000);
        byte[] reply = s.send(read.unique(TestSession.UNIQUE).build(), 1016);
        assertEquals(1016, reply.length);
        assertTrue(s.calls().getFirst().contains("bytes 1000 "), s.calls().getFirst());
    }

    @Test
    void directoryReplyIsBoundedByTheScratch() {
        RequestBytes readdir = request(Opcode.READDIR).u64(1, 0).u32(-1, 0).u64(0).u32(0, 0);
        s.send(readdir.build(), 1 << 20);
        assertTrue(s.calls().getFirst().contains("max " + (256 * 1024 - 16) + " "));
    }

    @Test
    void batchForgetThatClaimsMoreThanItHoldsForgetsNothing() {
        for (int count : new int[] {2, 1 << 28, -1}) {
            s.send(request(Opcode.BATCH_FORGET).u32(count, 0).u64(1, 1).build(), 0);
            assertTrue(s.exchange.ended());
            assertEquals(List.of(), s.calls());
        }
    }

    @Test
    void removeMappingStopsAtTheFirstFailure() {
        s.fs.answer(-ENOENT);
        RequestBytes r = request(Opcode.REMOVEMAPPING).u32(2).u64(0, 4096, 8192, 4096);
        assertEquals(-ENOENT, s.errorOf(r));
        assertEquals(1, s.calls().size());
        assertEquals(-EINVAL, s.errorOf(request(Opcode.REMOVEMAPPING).u32(3).u64(0, 1, 2, 3)));
    }

    @Test
    void ioctlDataIsBounded() {
        RequestBytes more =
                request(Opcode.IOCTL).u64(1).u32(0, 0).u64(0).u32(5, 0).bytes(new byte[4]);
        assertEquals(-EINVAL, s.errorOf(more));
        byte[] all = request(Opcode.IOCTL).u64(1).u32(0, 0).u64(0).u32(0, -1).build();
        s.send(all, 1 << 20);
        assertTrue(s.calls().getLast().contains("max " + (256 * 1024 - 32) + " "));
    }

    @Test
    void attributeReplyWithoutRoomIsRefused() {
        byte[] get = request(Opcode.GETXATTR).u32(10, 0).name("user.a").build();
        assertEquals(-EINVAL, TestSession.error(s.send(get, 16)));
        byte[] size = request(Opcode.LISTXATTR).u32(0, 0).build();
        assertEquals(-EINVAL, TestSession.error(s.send(size, 23)));
        assertEquals(List.of(), s.calls());
    }

    @Test
    void setxattrIsShortWithoutItsExtension() {
        try (TestSession old = TestSession.with(0)) {
            RequestBytes set =
                    request(Opcode.SETXATTR).u32(1, 2).name("user.a").bytes(new byte[] {'1'});
            assertEquals(0, old.errorOf(set));
            assertTrue(old.calls().getFirst().startsWith("setxattr user.a=1 flags 0x2 "));
        }
        assertEquals(-EINVAL, s.errorOf(request(Opcode.SETXATTR).u32(1, 2)));
    }

    // Extensions

    private int createWith(int... extension) {
        ByteBuffer bytes =
                ByteBuffer.allocate(extension.length * 4).order(java.nio.ByteOrder.LITTLE_ENDIAN);
        for (int word : extension) {
            bytes.putInt(word);
        }
        return s.errorOf(request(Opcode.MKDIR).u32(0, 0).name("a").extensions(bytes.array()));
    }

    @Test
    void extensionThatLiesAboutItsLengthIsRefused() {
        assertEquals(-EINVAL, createWith(0, 32));
        assertEquals(-EINVAL, createWith(7, 32));
        assertEquals(-EINVAL, createWith(24, 32, 1, 500));
        assertEquals(-EINVAL, createWith(-1, 32, 1, 500));
        assertEquals(-EINVAL, createWith(8, 32));
        assertEquals(-EINVAL, createWith(12, 32, 1, 500));
        assertEquals(0, createWith(16, 32, 1, 500));
    }

    @Test
    void severalGroupsAreRefusedAndNoneIsFine() {
        assertEquals(-EINVAL, createWith(16, 32, 2, 500));
        assertEquals(-EINVAL, createWith(16, 32, -1, 500));
        assertEquals(0, createWith(16, 32, 0, 0));
    }

    @Test
    void unknownExtensionIsPassedOver() {
        assertEquals(0, createWith(16, 1000, 1, 2, 16, 32, 1, 500));
        assertTrue(s.calls().getFirst().endsWith(" group 500"));
    }

    @Test
    void securityContextThatLiesIsRefused() {
        // size, type; value size, padding; "a" NUL and value
        assertEquals(0, createWith(24, 1, 4, 0, 0x31_31_00_61, 0x3131));
        assertEquals(-EINVAL, createWith(24, 1, 7, 0, 0x31_31_00_61, 0x3131));
        assertEquals(-EINVAL, createWith(24, 1, -1, 0, 0x31_31_00_61, 0x3131));
        assertEquals(-EINVAL, createWith(24, 2, 4, 0, 0x31_31_00_61, 0x3131));
        assertEquals(-EINVAL, createWith(24, 1, 4, 0, 0x31_31_61_00, 0x3131));
        assertEquals(-EINVAL, createWith(24, 1, 0, 0, 0x61616161, 0x61616161));
        assertEquals(-EINVAL, createWith(8, 1));
    }

    // The file system's answers

    @Test
    void exceptionBecomesEioAndIsCounted() {
        s.fs.fail(new IllegalStateException("on purpose"));
        byte[] reply = s.send(lookup("a"));
        assertEquals(-EIO, TestSession.error(reply));
        assertEquals(16, reply.length);
        assertEquals(1, s.server.counters().failures());
        s.fs.clear();
        assertEquals(0, s.errorOf(lookup("a")));
    }

    @Test
    void errorReplyIsAHeaderOnly() {
        s.fs.answer(-ENOTSUP);
        byte[] reply = s.send(request(Opcode.STATFS));
        assertEquals(16, reply.length);
        assertEquals(-ENOTSUP, TestSession.error(reply));
    }

    @ParameterizedTest
    @ValueSource(longs = {-512, -4096, Integer.MIN_VALUE, Long.MIN_VALUE + 1, Long.MIN_VALUE})
    void resultThatIsNoErrnoBecomesEio(long result) {
        s.fs.answer(result);
        assertEquals(-EIO, s.errorOf(request(Opcode.STATFS)));
        assertEquals(1, s.server.counters().failures());
    }

    @Test
    void moreBytesThanWereAskedForBecomeEio() {
        s.fs.answer(11);
        assertEquals(-EIO, s.errorOf(write(10, 10)));
        RequestBytes get = request(Opcode.GETXATTR).u32(10, 0).name("user.a");
        assertEquals(-EIO, s.errorOf(get));
        assertEquals(2, s.server.counters().failures());
    }

    @Test
    void replyStructsAreZeroedBeforehand() {
        try (InMemoryExchange x = new InMemoryExchange(8192);
                TestSession other = TestSession.fresh()) {
            FileSystem silent = new SilentFileSystem();
            FuseServer server = new FuseServer(silent);
            Request r = new Request(x);
            x.send(TestSession.initRequest(45, 0), 4096);
            server.dispatch(x, r);
            x.send(request(Opcode.STATFS).build(), 4096);
            server.dispatch(x, r);
            assertEquals(96, x.replyBytes().length);
            assertEquals(0, Arrays.compare(new byte[80], TestSession.body(x.replyBytes())));
            assertNull(other.server.session());
        }
    }

    @Test
    void deferredRequestIsAnsweredLater() {
        s.fs.defer();
        s.fs.answer(FileSystem.DEFERRED);
        s.send(vector(Opcode.SETLKW).request(), TestSession.ROOM);
        assertFalse(s.exchange.replied());
        InMemoryExchange.Late late = s.exchange.late().getFirst();
        assertEquals(-1, late.error());
        s.fs.deferred().complete(0, MemorySegment.NULL);
        assertEquals(0, late.error());
        assertEquals(TestSession.UNIQUE, late.unique());
        s.fs.clear();
        assertEquals(0, s.errorOf(lookup("a")));
    }

    @Test
    void requestThatWasDeferredAndThenFailedIsAnsweredThroughItsHandle() {
        s.fs.defer();
        s.fs.fail(new IllegalStateException("on purpose"));
        s.send(vector(Opcode.SETLKW).request(), TestSession.ROOM);
        assertEquals(EIO, s.exchange.late().getFirst().error());
    }

    @Test
    void requestThatWasDeferredAndAnsweredIsAnsweredThroughItsHandle() {
        s.fs.defer();
        s.fs.answer(-ENOENT);
        s.send(vector(Opcode.SETLKW).request(), TestSession.ROOM);
        assertEquals(ENOENT, s.exchange.late().getFirst().error());
    }

    @Test
    void answerOfDeferredWithoutDeferIsEio() {
        s.fs.answer(FileSystem.DEFERRED);
        assertEquals(-EIO, s.errorOf(request(Opcode.SYNCFS).u64(0)));
        assertEquals(1, s.server.counters().failures());
    }

    // The observer

    @Test
    void observerIsToldOfEveryRequest() {
        List<String> seen = new ArrayList<>();
        ServerObserver observer =
                new ServerObserver() {
                    @Override
                    public void served(
                            Opcode opcode, Request r, Exchange x, long result, long nanos) {
                        assertTrue(nanos >= 0);
                        seen.add(opcode + " " + r.unique() + " " + result);
                    }

                    @Override
                    public void completed(Opcode opcode, long unique, long result, long nanos) {
                        assertTrue(nanos > 0);
                        seen.add("late " + opcode + " " + unique + " " + result);
                    }
                };
        try (TestSession watched = TestSession.with(0, observer)) {
            seen.clear();
            watched.send(lookup("a").unique(1).build(), TestSession.ROOM);
            watched.fs.answer(3);
            watched.send(write(3, 3).unique(2).build(), TestSession.ROOM);
            watched.fs.answer(-ENOENT);
            watched.send(lookup("b").unique(3).build(), TestSession.ROOM);
            watched.send(RequestBytes.of(99, 1).unique(4).build(), TestSession.ROOM);
            watched.send(new byte[3], TestSession.ROOM);
            watched.send(request(Opcode.FORGET).unique(5).u64(1).build(), 0);
            watched.fs.defer();
            watched.fs.answer(FileSystem.DEFERRED);
            watched.send(request(Opcode.SYNCFS).unique(6).u64(0).build(), TestSession.ROOM);
            watched.fs.deferred().complete(EIO, MemorySegment.NULL);
            watched.fs.deferred().complete(0, MemorySegment.NULL);
        }
        assertEquals(
                List.of(
                        "LOOKUP 1 128",
                        "WRITE 2 3",
                        "LOOKUP 3 -2",
                        "null 4 -38",
                        "null 0 -22",
                        "FORGET 5 0",
                        "SYNCFS 6 " + FileSystem.DEFERRED,
                        "late SYNCFS 6 -5"),
                seen);
    }

    // Allocation

    @Test
    void hotRequestsDoNotAllocate() {
        try (InMemoryExchange x = new InMemoryExchange(8192)) {
            FuseServer server = new FuseServer(new SilentFileSystem());
            Request r = new Request(x);
            x.send(TestSession.initRequest(45, 0), 4096);
            server.dispatch(x, r);
            for (Opcode opcode :
                    new Opcode[] {
                        Opcode.LOOKUP, Opcode.FORGET, Opcode.GETATTR, Opcode.SETATTR, Opcode.OPEN,
                        Opcode.READ, Opcode.WRITE, Opcode.FLUSH, Opcode.RELEASE, Opcode.CREATE,
                        Opcode.UNLINK, Opcode.GETXATTR, Opcode.READDIR, Opcode.READDIRPLUS
                    }) {
                WireVector v = vector(opcode);
                x.send(v.request(), v.room());
                repeat(server, x, r, 60_000);
                ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
                long before = threads.getCurrentThreadAllocatedBytes();
                repeat(server, x, r, 10_000);
                long bytes = threads.getCurrentThreadAllocatedBytes() - before;
                assertTrue(bytes < 10_000, () -> opcode + " allocates " + bytes / 10_000.0);
            }
        }
    }

    private static void repeat(FuseServer server, InMemoryExchange x, Request r, int times) {
        for (int i = 0; i < times; i++) {
            x.sendAgain();
            server.dispatch(x, r);
        }
    }
}
