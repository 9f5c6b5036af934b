package io.porthole.virtiofsd.passthrough;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.porthole.fuse.Opcode;
import io.porthole.linux.Errno;
import io.porthole.linux.Fcntl;
import io.porthole.virtiofsd.passthrough.Guest.Body;
import io.porthole.virtiofsd.passthrough.Guest.Reply;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** IOCTL, on a file system of the disk, beside what lsattr(1) says on the host. */
final class FileFlagsTest {
    private static final int GETFLAGS = 0x80086601;
    private static final int SETFLAGS = 0x40086602;
    private static final int FSGETXATTR = 0x801c581f;
    private static final int FSSETXATTR = 0x401c5820;
    private static final int NODUMP = 0x40;
    private static final int NOATIME = 0x80;
    private static final int PROJINHERIT = 0x20000000;

    private ServedDirectory directory;
    private Path dir;
    private Guest guest;
    private Guest.Queue q;
    private long file;
    private long fh;

    @BeforeEach
    void share() throws IOException {
        directory = ServedDirectory.onDisk();
        dir = directory.path;
        Files.writeString(dir.resolve("f"), "text");
        guest = new Guest(dir);
        q = guest.queue;
        file = q.lookup(Guest.ROOT, "f").nodeId();
        fh = q.open(file, Fcntl.O_RDONLY);
    }

    @AfterEach
    void end() throws IOException {
        guest.close();
        directory.close();
    }

    private Reply ioctl(long nodeId, long handle, int command, byte[] data, int outBytes) {
        Body body = new Body().u64(handle).u32(0).u32(command).u64(0);
        return q.call(Opcode.IOCTL, nodeId, body.u32(data.length).u32(outBytes).raw(data));
    }

    private int flags(long nodeId, long handle) {
        return ioctl(nodeId, handle, GETFLAGS, new byte[0], 4).ok().u32(16);
    }

    private int setFlags(long nodeId, long handle, int flags) {
        return ioctl(nodeId, handle, SETFLAGS, bytes(flags), 0).error();
    }

    private static byte[] bytes(int value) {
        return new byte[] {
            (byte) value, (byte) (value >> 8), (byte) (value >> 16), (byte) (value >> 24)
        };
    }

    private String lsattr(String name) throws IOException {
        Process process =
                new ProcessBuilder("lsattr", "-d", dir.resolve(name).toString())
                        .redirectErrorStream(true)
                        .start();
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        return said.substring(0, said.indexOf(' '));
    }

    @Test
    void flagsAreThoseOfTheHost() throws IOException {
        int before = flags(file, fh);
        assertEquals(0, setFlags(file, fh, before | NODUMP | NOATIME));
        assertTrue(lsattr("f").matches(".*d.*A.*"), lsattr("f"));
        assertEquals(before | NODUMP | NOATIME, flags(file, fh));
        assertEquals(0, setFlags(file, fh, before));
        assertEquals(before, flags(file, fh));
    }

    @Test
    void directoriesHaveFlagsToo() throws IOException {
        Files.createDirectory(dir.resolve("d"));
        long d = q.lookup(Guest.ROOT, "d").nodeId();
        long dh = q.opendir(d);
        assertEquals(0, setFlags(d, dh, flags(d, dh) | NODUMP));
        assertTrue(lsattr("d").contains("d"), lsattr("d"));
    }

    @Test
    void extendedFlagsRoundTrip() throws IOException {
        byte[] fsxattr = ioctl(file, fh, FSGETXATTR, new byte[0], 28).ok().bytes();
        assertEquals(16 + 28, fsxattr.length);
        byte[] changed = Arrays.copyOfRange(fsxattr, 16, 44);
        changed[0] |= (byte) 0x80; // FS_XFLAG_NODUMP
        assertEquals(0, ioctl(file, fh, FSSETXATTR, changed, 0).error());
        assertTrue(lsattr("f").contains("d"), lsattr("f"));
    }

    @Test
    void projectsStayAsTheyAreUnlessAllowed() {
        assertEquals(Errno.EPERM, setFlags(file, fh, flags(file, fh) | PROJINHERIT));
        byte[] fsxattr =
                Arrays.copyOfRange(
                        ioctl(file, fh, FSGETXATTR, new byte[0], 28).ok().bytes(), 16, 44);
        fsxattr[12] = 5;
        assertEquals(Errno.EPERM, ioctl(file, fh, FSSETXATTR, fsxattr, 0).error());
    }

    @Test
    void allElseIsRefused() {
        // FIGETBSZ, FS_IOC_GETVERSION, EXT4_IOC_SWAP_BOOT, FICLONE, TCGETS.
        for (int command : new int[] {2, 0x80087601, 0x6611, 0x40049409, 0x5401, 0, -1}) {
            assertEquals(Errno.ENOTTY, ioctl(file, fh, command, new byte[8], 8).error());
        }
        assertEquals(Errno.EINVAL, ioctl(file, fh, GETFLAGS, new byte[0], 3).error());
        assertEquals(Errno.EINVAL, ioctl(file, fh, FSGETXATTR, new byte[0], 27).error());
        assertEquals(Errno.EINVAL, ioctl(file, fh, SETFLAGS, new byte[3], 0).error());
        assertEquals(Errno.EINVAL, ioctl(file, fh, FSSETXATTR, new byte[27], 0).error());
        assertEquals(Errno.EBADF, ioctl(file, fh + 1, GETFLAGS, new byte[0], 4).error());
        assertEquals(Errno.EBADF, ioctl(Guest.ROOT, fh, GETFLAGS, new byte[0], 4).error());
    }

    @Test
    void aReadOnlyShareShowsFlagsAndKeepsThem() throws IOException {
        guest.close();
        guest = new Guest(dir, PassthroughOptions.builder().readonly(true).build());
        q = guest.queue;
        file = q.lookup(Guest.ROOT, "f").nodeId();
        fh = q.open(file, Fcntl.O_RDONLY);
        assertEquals(Errno.EROFS, setFlags(file, fh, flags(file, fh) | NODUMP));
    }
}
