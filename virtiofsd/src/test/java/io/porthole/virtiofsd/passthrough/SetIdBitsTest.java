package io.porthole.virtiofsd.passthrough;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.porthole.fuse.FuseOpenIn;
import io.porthole.fuse.Opcode;
import io.porthole.linux.Errno;
import io.porthole.linux.Fcntl;
import io.porthole.linux.Syscalls;
import io.porthole.virtiofsd.passthrough.Guest.Body;
import io.porthole.virtiofsd.passthrough.Guest.Reply;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What changes of a file's content leave of its set-user-ID and set-group-ID. Needs root. */
final class SetIdBitsTest {
    private static final int ROOT = 0;
    private static final int USER = 1000;
    private static final int UNKNOWN = -1;
    private static final int BOTH = 06755;

    private static int modeAfter(boolean killprivV2, int uid, Opcode how, int openFlags)
            throws IOException {
        assumeTrue(Syscalls.host().geteuid() == 0, "needs root");
        PassthroughOptions options = PassthroughOptions.builder().killprivV2(killprivV2).build();
        try (ServedDirectory directory = ServedDirectory.onDisk();
                Guest guest = new Guest(directory.path, options)) {
            Guest.Queue q = guest.queue;
            long node = q.tryCreate(Guest.ROOT, "f", Fcntl.O_RDWR, 0755, 0).ok().u64(0);
            long fh = q.open(node, Fcntl.O_RDWR);
            long from = q.tryCreate(Guest.ROOT, "from", Fcntl.O_RDWR, 0644, 0).ok().u64(0);
            long source = q.open(from, Fcntl.O_RDWR);
            q.write(from, source, 0, new byte[100], 0, 0).ok();
            Path file = directory.path.resolve("f");
            Files.setAttribute(file, "unix:mode", BOTH);
            q.uid = uid;
            int empty = Fcntl.O_RDWR | Fcntl.O_TRUNC;
            Reply reply =
                    switch (how) {
                        case OPEN -> q.call(how, node, new Body().u32(empty).u32(openFlags));
                        case CREATE -> q.tryCreate(Guest.ROOT, "f", empty, 0644, 0);
                        case FALLOCATE ->
                                q.call(
                                        how,
                                        node,
                                        new Body().u64(fh).u64(0).u64(4096).u32(0).u32(0));
                        default ->
                                q.call(
                                        how,
                                        from,
                                        new Body()
                                                .u64(source)
                                                .u64(0)
                                                .u64(node)
                                                .u64(fh)
                                                .u64(0)
                                                .u64(100)
                                                .u64(0));
                    };
            boolean leftToTheGuest = killprivV2 && uid == UNKNOWN && how == Opcode.COPY_FILE_RANGE;
            assertEquals(leftToTheGuest ? Errno.EOPNOTSUPP : 0, reply.error());
            return (Integer) Files.getAttribute(file, "unix:mode") & 07777;
        }
    }

    /** With an OPEN, the flag tells, or the caller. */
    @ParameterizedTest
    @CsvSource({
        "false, 0, true", "false, 1000, false", "false, -1, false",
        "true, 0, true", "true, 1000, true", "true, -1, true"
    })
    void openWithTruncation(boolean killprivV2, int uid, boolean stay) throws IOException {
        assertEquals(stay ? BOTH : 0755, modeAfter(killprivV2, uid, Opcode.OPEN, 0));
        int kill = FuseOpenIn.FUSE_OPEN_KILL_SUIDGID;
        assertEquals(0755, modeAfter(killprivV2, uid, Opcode.OPEN, kill));
    }

    /** Another made the file since the guest looked; a CREATE says who the caller is. */
    @Test
    void creationOfWhatIsThere() throws IOException {
        assertEquals(BOTH, modeAfter(false, ROOT, Opcode.CREATE, 0));
        assertEquals(0755, modeAfter(false, USER, Opcode.CREATE, 0));
    }

    /** Without HANDLE_KILLPRIV_V2 a guest that leaves the caller out sends a new mode itself. */
    @ParameterizedTest
    @CsvSource({
        "false, 0, true", "false, 1000, false", "false, -1, true",
        "true, 0, true", "true, 1000, false", "true, -1, false"
    })
    void fallocate(boolean killprivV2, int uid, boolean stay) throws IOException {
        assertEquals(stay ? BOTH : 0755, modeAfter(killprivV2, uid, Opcode.FALLOCATE, 0));
    }

    /** As fallocate; where the caller would be needed, the guest is told to write instead. */
    @ParameterizedTest
    @CsvSource({
        "false, 0, true", "false, 1000, false", "false, -1, true",
        "true, 0, true", "true, 1000, false", "true, -1, true"
    })
    void copyFileRange(boolean killprivV2, int uid, boolean stay) throws IOException {
        assertEquals(stay ? BOTH : 0755, modeAfter(killprivV2, uid, Opcode.COPY_FILE_RANGE, 0));
    }
}
