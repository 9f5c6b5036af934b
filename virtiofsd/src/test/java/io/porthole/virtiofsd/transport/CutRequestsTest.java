package io.porthole.virtiofsd.transport;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;

import io.porthole.fuse.Exchange;
import io.porthole.fuse.FuseAttrOut;
import io.porthole.fuse.FuseGetattrIn;
import io.porthole.fuse.FuseInHeader;
import io.porthole.fuse.FuseInitIn;
import io.porthole.fuse.FuseInitOut;
import io.porthole.fuse.FuseOutHeader;
import io.porthole.fuse.FuseServer;
import io.porthole.fuse.FuseStatxIn;
import io.porthole.fuse.Opcode;
import io.porthole.fuse.testing.RecordingFileSystem;
import io.porthole.vhostuser.DriverQueue;
import io.porthole.vhostuser.GuestRam;
import io.porthole.vhostuser.VhostUserDevice;
import io.porthole.vhostuser.VhostUserFrontend;
import io.porthole.vhostuser.VhostUserServer;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Requests that a driver cuts otherwise than Linux, which gives headers buffers of their own
 * (VIRTIO 1.3, 2.7.4.3: a device must not depend on how a message is cut).
 */
final class CutRequestsTest {
    private static final int REQUEST = FuseInHeader.BYTES + FuseGetattrIn.BYTES;
    private static final int REPLY = FuseOutHeader.BYTES + FuseAttrOut.BYTES;

    /**
     * GETATTR's argument is not read, and its reply is written in place; STATX' both are copied.
     */
    enum Kind {
        GETATTR(Opcode.GETATTR, "getattr"),
        STATX(Opcode.STATX, "statx getattr_flags 0x1 fh 0xabcd flags 0x4000 mask 0xfff");

        private final Opcode opcode;
        private final String call;

        Kind(Opcode opcode, String call) {
            this.opcode = opcode;
            this.call = call;
        }

        int requestBytes() {
            return FuseInHeader.BYTES + opcode.argumentBytes();
        }

        int replyBytes() {
            return FuseOutHeader.BYTES + opcode.replyBodyBytes();
        }
    }

    private static final long UNIQUE = 0x1234_5678_9abc_def0L;
    private static final byte UNTOUCHED = 0x5a;
    private static final int WAIT_MILLIS = 10_000;

    private final RecordingFileSystem files = new RecordingFileSystem();
    private VhostUserServer server;
    private CompletableFuture<Void> served;
    private VhostUserFrontend frontend;
    private GuestRam ram;
    private DriverQueue queue;
    private MemorySegment in;
    private MemorySegment out;
    private long inAt;
    private long outAt;

    @BeforeEach
    void connect(@TempDir Path directory) throws Exception {
        String socket = directory.resolve("fs.sock").toString();
        RequestThreads anyThread =
                new RequestThreads() {
                    @Override
                    public void started() {}

                    @Override
                    public void stopped() {}
                };
        server =
                VhostUserServer.listen(
                        new VirtioFsDevice(new FuseServer(files), anyThread, "", 1), socket);
        served =
                CompletableFuture.runAsync(() -> {
                    try {
                        server.serve(VhostUserServer.AfterDisconnect.END);
                    } catch (Exception e) {
                        throw new AssertionError(e);
                    }
                });
        frontend = VhostUserFrontend.connect(socket);
        frontend.negotiate(VhostUserDevice.DEFAULT_FEATURES);
        ram = frontend.addRam(0x10_0000, 1 << 20);
        queue = frontend.startQueue(1, 64, 0, ram);
        inAt = ram.allocate(4096, 8);
        outAt = ram.allocate(4096, 8);
        in = ram.at(inAt, 4096);
        out = ram.at(outAt, 4096);
        header(Opcode.INIT, FuseInitIn.BYTES);
        FuseInitIn.major(in, FuseInHeader.BYTES, 7);
        FuseInitIn.minor(in, FuseInHeader.BYTES, 45);
        send(FuseInHeader.BYTES + FuseInitIn.BYTES, 0, FuseOutHeader.BYTES + FuseInitOut.BYTES, 0);
        assertEquals(0, FuseOutHeader.error(out, 0));
    }

    @AfterEach
    void disconnect() throws Exception {
        frontend.close();
        served.get(10, TimeUnit.SECONDS);
        server.close();
    }

    private void header(Opcode opcode, int argumentBytes) {
        in.fill((byte) 0);
        FuseInHeader.len(in, 0, FuseInHeader.BYTES + argumentBytes);
        FuseInHeader.opcode(in, 0, opcode.code());
        FuseInHeader.unique(in, 0, UNIQUE);
        FuseInHeader.nodeId(in, 0, 0x77);
        FuseInHeader.uid(in, 0, 1001);
        FuseInHeader.gid(in, 0, 1002);
        FuseInHeader.pid(in, 0, 1003);
    }

    private void request(Kind kind) {
        header(kind.opcode, kind.opcode.argumentBytes());
        // The first fields of a fuse_getattr_in are these, too.
        FuseStatxIn.getattrFlags(in, FuseInHeader.BYTES, 1);
        FuseStatxIn.fh(in, FuseInHeader.BYTES, 0xabcd);
        FuseStatxIn.sxFlags(in, FuseInHeader.BYTES, 0x4000);
        FuseStatxIn.sxMask(in, FuseInHeader.BYTES, 0xfff);
        files.clear();
    }

    /** Sends what lies in {@code in}; a cut of 0 is none. Returns used.len. */
    private long send(int bytes, int cut, int room, int replyCut) {
        out.fill(UNTOUCHED);
        int head = submit(bytes, cut, room, replyCut);
        assertEquals(head, queue.await(WAIT_MILLIS));
        queue.release(head);
        return queue.usedBytes();
    }

    private int submit(int bytes, int cut, int room, int replyCut) {
        queue.begin();
        if (cut != 0) {
            queue.readable(inAt, cut);
        }
        queue.readable(inAt + cut, bytes - cut);
        if (replyCut != 0) {
            queue.writable(outAt, replyCut);
        }
        queue.writable(outAt + replyCut, room - replyCut);
        int head = queue.finish();
        queue.submit(head);
        queue.publish();
        return head;
    }

    private void assertAnswered(Kind kind, long usedBytes, String cut) {
        String how = kind + " " + cut;
        int reply = kind.replyBytes();
        assertEquals(List.of(kind.call + " by 1001:1002:1003 on 0x77"), files.calls(), how);
        assertEquals(reply, usedBytes, how);
        assertEquals(reply, FuseOutHeader.len(out, 0), how);
        assertEquals(0, FuseOutHeader.error(out, 0), how);
        assertEquals(UNIQUE, FuseOutHeader.unique(out, 0), how);
        byte[] expected = new byte[kind.opcode.replyBodyBytes()];
        for (int i = 0; i < expected.length; i++) {
            expected[i] = RecordingFileSystem.pattern(i);
        }
        assertArrayEquals(
                expected,
                out.asSlice(FuseOutHeader.BYTES, expected.length).toArray(ValueLayout.JAVA_BYTE),
                how);
        assertEquals(UNTOUCHED, out.get(ValueLayout.JAVA_BYTE, reply), how);
    }

    @ParameterizedTest
    @EnumSource
    void aRequestMayBeCutAnywhere(Kind kind) {
        int bytes = kind.requestBytes();
        for (int cut = 0; cut < bytes; cut++) {
            request(kind);
            long used = send(bytes, cut, kind.replyBytes(), FuseOutHeader.BYTES);
            assertAnswered(kind, used, "request cut at " + cut);
        }
    }

    @ParameterizedTest
    @EnumSource
    void aReplyMayBeCutAnywhere(Kind kind) {
        for (int cut = 0; cut < kind.replyBytes(); cut++) {
            request(kind);
            long used = send(kind.requestBytes(), FuseInHeader.BYTES, kind.replyBytes(), cut);
            assertAnswered(kind, used, "reply cut at " + cut);
        }
    }

    @Test
    void anErrorFitsAHeaderThatIsCut() {
        for (int cut = 0; cut < FuseOutHeader.BYTES; cut++) {
            header(Opcode.GETATTR, FuseGetattrIn.BYTES);
            files.answer(-2);
            assertEquals(FuseOutHeader.BYTES, send(REQUEST, 0, REPLY, cut));
            assertEquals(FuseOutHeader.BYTES, FuseOutHeader.len(out, 0));
            assertEquals(-2, FuseOutHeader.error(out, 0));
            assertEquals(UNIQUE, FuseOutHeader.unique(out, 0));
            assertEquals(UNTOUCHED, out.get(ValueLayout.JAVA_BYTE, FuseOutHeader.BYTES));
        }
    }

    /** The driver overwrites a request that is under way: its answer keeps its name. */
    @Test
    void aDeferredAnswerNamesTheRequestAsItWas() throws Exception {
        request(Kind.GETATTR);
        files.defer();
        files.answer(RecordingFileSystem.DEFERRED);
        out.fill(UNTOUCHED);
        int head = submit(REQUEST, FuseInHeader.BYTES, REPLY, FuseOutHeader.BYTES);
        for (int i = 0; i < 1000 && files.deferred() == null; i++) {
            Thread.sleep(5);
        }
        FuseInHeader.unique(in, 0, 1);
        Exchange.Deferred deferred = assertNotNullAnd(files.deferred());
        assertEquals(UNIQUE, deferred.unique());
        deferred.complete(4, MemorySegment.NULL);
        assertEquals(head, queue.await(WAIT_MILLIS));
        assertEquals(-4, FuseOutHeader.error(out, 0));
        assertEquals(UNIQUE, FuseOutHeader.unique(out, 0));
    }

    private static Exchange.Deferred assertNotNullAnd(Exchange.Deferred deferred) {
        assertNotNull(deferred);
        return deferred;
    }
}
