package io.porthole.linux;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.sun.management.ThreadMXBean;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.management.ManagementFactory;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.LongSupplier;
import jnr.ffi.LibraryLoader;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class HostSyscallsTest {
    private static final int CWD = Fcntl.AT_FDCWD;

    @TempDir Path dir;
    private final Syscalls linux = Syscalls.host();
    private Arena arena;
    private MemorySegment buffer;

    @BeforeEach
    void open() {
        arena = Arena.ofShared();
        buffer = arena.allocate(4096, 8);
    }

    @AfterEach
    void close() {
        arena.close();
    }

    private long text(String value) {
        return NativeStrings.of(arena, value).address();
    }

    private long path(String name) {
        return text(dir.resolve(name).toString());
    }

    private Fd file(String name, String content) throws Exception {
        Files.writeString(dir.resolve(name), content);
        return LinuxFiles.host().open(dir.resolve(name), Fcntl.O_RDWR, 0);
    }

    // The sixth argument, which jnr-ffi's x86-64 stubs get wrong.

    @Test
    void mmapPassesItsOffset() throws Exception {
        try (Fd file = file("f", "a".repeat(4096) + "b".repeat(4096))) {
            int shared = Mman.MAP_SHARED;
            long at = linux.mmap(0, 4096, Mman.PROT_READ, shared, file.value(), 4096);
            assertTrue(at > 0, () -> Errno.describe(at));
            assertEquals('b', byteAt(at));
            assertEquals(-Errno.EINVAL, linux.mmap(0, 4096, 1, shared, file.value(), 4095));
            long large = 1L << 40;
            long far = linux.mmap(0, 4096, Mman.PROT_READ, shared, file.value(), large);
            assertTrue(Files.readString(Path.of("/proc/self/maps")).contains(" 10000000000 "));
            assertEquals(0, linux.munmap(far, 4096));
            assertEquals(0, linux.munmap(at, 4096));
        }
    }

    @Test
    void mmapAtAFixedAddressPassesAllSix() throws Exception {
        try (Fd file = file("f", "a".repeat(4096) + "b".repeat(4096))) {
            int anonymous = Mman.MAP_PRIVATE | Mman.MAP_ANONYMOUS;
            long at = linux.mmap(0, 8192, Mman.PROT_READ, anonymous, -1, 0);
            int fixed = Mman.MAP_SHARED | Mman.MAP_FIXED;
            long second = linux.mmap(at + 4096, 4096, Mman.PROT_READ, fixed, file.value(), 4096);
            assertEquals(at + 4096, second);
            assertEquals(0, byteAt(at));
            assertEquals('b', byteAt(at + 4096));
            assertEquals(0, linux.munmap(at, 8192));
        }
    }

    @SuppressWarnings("restricted")
    private static int byteAt(long address) {
        // SAFETY: the tests pass addresses they have just mapped.
        return MemorySegment.ofAddress(address).reinterpret(1).get(ValueLayout.JAVA_BYTE, 0);
    }

    @Test
    void copyFileRangePassesItsFlagsAndOffsets() throws Exception {
        try (Fd from = file("from", "0123456789");
                Fd to = file("to", "..........")) {
            buffer.set(ValueLayout.JAVA_LONG, 0, 2);
            buffer.set(ValueLayout.JAVA_LONG, 8, 5);
            long in = buffer.address();
            int source = from.value();
            int target = to.value();

            assertEquals(3, linux.copyFileRange(source, in, target, in + 8, 3, 0));

            assertEquals(5, buffer.get(ValueLayout.JAVA_LONG, 0));
            assertEquals(8, buffer.get(ValueLayout.JAVA_LONG, 8));
            assertEquals(".....234..", Files.readString(dir.resolve("to")));
            assertEquals(-Errno.EINVAL, linux.copyFileRange(source, 0, target, 0, 1, 1));
            assertEquals(4, linux.copyFileRange(source, 0, target, 0, 4, 0));
            assertEquals("0123.234..", Files.readString(dir.resolve("to")));
            assertEquals(-Errno.EBADF, linux.copyFileRange(-1, 0, target, 0, 4, 0));
        }
    }

    // Five arguments: each must arrive in its place.

    @Test
    void callsWithFiveArgumentsPassEachInItsPlace() throws Exception {
        try (Fd file = file("f", "0123456789")) {
            int fd = file.value();
            assertEquals(0, linux.linkat(CWD, path("f"), CWD, path("g"), 0));
            assertTrue(Files.exists(dir.resolve("g")));
            assertEquals(
                    -Errno.EEXIST,
                    linux.renameat2(CWD, path("f"), CWD, path("g"), Fcntl.RENAME_NOREPLACE));
            assertEquals(0, linux.renameat2(CWD, path("f"), CWD, path("h"), 0));
            assertEquals(0, linux.fchownat(CWD, path("h"), -1, 4711, 0));
            assertEquals(4711, Files.getAttribute(dir.resolve("h"), "unix:gid"));

            Iovec.set(buffer, 0, buffer.address() + 100, 4);
            Iovec.set(buffer, Iovec.BYTES, buffer.address() + 200, 2);
            assertEquals(6, linux.preadv2(fd, buffer.address(), 2, 3, 0));
            assertEquals("3456", NativeStrings.read(buffer.asSlice(0, 104), 100));
            assertEquals("78", NativeStrings.read(buffer.asSlice(0, 202), 200));
            assertEquals(6, linux.pwritev2(fd, buffer.address(), 2, 0, Fcntl.RWF_APPEND));
            assertEquals("0123456789345678", Files.readString(dir.resolve("h")));
            assertEquals(-Errno.EOPNOTSUPP, linux.preadv2(fd, buffer.address(), 2, 3, 1 << 30));

            assertEquals(6, linux.preadv(fd, buffer.address(), 2, 1));
            assertEquals("1234", NativeStrings.read(buffer.asSlice(0, 104), 100));
            assertEquals(6, linux.pwritev(fd, buffer.address(), 2, 16));
            assertEquals("0123456789345678123456", Files.readString(dir.resolve("h")));
        }
    }

    @Test
    void fstatFillsWhatTheAccessorsRead() throws Exception {
        Path path = dir.resolve("f");
        try (Fd file = file("f", "12345")) {
            long pinned = linux.openat(CWD, path("f"), Fcntl.O_PATH | Fcntl.O_CLOEXEC, 0);
            assertTrue(pinned >= 0);
            for (int fd : new int[] {file.value(), (int) pinned}) {
                buffer.fill((byte) 0xff);
                assertEquals(0, linux.fstat(fd, buffer.address()));
                assertEquals(5, FileStat.size(buffer, 0));
                assertEquals(Files.getAttribute(path, "unix:mode"), FileStat.mode(buffer, 0));
                assertEquals(Files.getAttribute(path, "unix:uid"), FileStat.uid(buffer, 0));
                assertEquals(Files.getAttribute(path, "unix:gid"), FileStat.gid(buffer, 0));
                assertEquals(
                        Files.getAttribute(path, "unix:ino"),
                        buffer.get(ValueLayout.JAVA_LONG, FileStat.INODE));
                // The kernel wrote no further than the struct.
                assertEquals(-1, buffer.get(ValueLayout.JAVA_LONG, FileStat.BYTES));
            }
            assertEquals(0, linux.close((int) pinned));
        }
        assertEquals(-Errno.EBADF, linux.fstat(-1, buffer.address()));
    }

    @Test
    void statxFillsWhatTheAccessorsRead() throws Exception {
        try (Fd file = file("f", "12345")) {
            long none = text("");
            int mask = Statx.STATX_BASIC_STATS | Statx.STATX_BTIME | Statx.STATX_MNT_ID;
            long result =
                    linux.statx(file.value(), none, Fcntl.AT_EMPTY_PATH, mask, buffer.address());
            assertEquals(0, result);
            assertEquals(mask, Statx.mask(buffer, 0) & mask);
            assertEquals(5, Statx.size(buffer, 0));
            Path path = dir.resolve("f");
            assertEquals(Files.getAttribute(path, "unix:mode"), Statx.mode(buffer, 0));
            assertEquals(Files.getAttribute(path, "unix:ino"), Statx.inode(buffer, 0));
            assertEquals(Files.getAttribute(path, "unix:dev"), Statx.device(buffer, 0));
            assertEquals(
                    Files.getLastModifiedTime(path).to(TimeUnit.SECONDS),
                    Statx.mtimeSeconds(buffer, 0));
            assertEquals(
                    (int)
                            Math.floorMod(
                                    Files.getLastModifiedTime(path).to(TimeUnit.NANOSECONDS),
                                    1_000_000_000L),
                    Statx.mtimeNanos(buffer, 0));
            assertEquals(-Errno.ENOENT, linux.statx(CWD, path("none"), 0, mask, buffer.address()));
        }
    }

    @Test
    void extendedAttributesAreSetReadListedAndRemoved() throws Exception {
        try (Fd file = file("f", "")) {
            int fd = file.value();
            long name = text("user.porthole");
            long value = text("value");
            assertEquals(0, linux.fsetxattr(fd, name, value, 5, Fcntl.XATTR_CREATE));
            assertEquals(
                    -Errno.EEXIST, linux.setxattr(path("f"), name, value, 5, Fcntl.XATTR_CREATE));
            assertEquals(
                    -Errno.EEXIST, linux.lsetxattr(path("f"), name, value, 5, Fcntl.XATTR_CREATE));
            buffer.fill((byte) 0);
            assertEquals(5, linux.lgetxattr(path("f"), name, buffer.address(), 100));
            assertEquals("value", NativeStrings.read(buffer, 0));
            assertEquals(-Errno.ERANGE, linux.getxattr(path("f"), name, buffer.address(), 2));
            assertEquals(14, linux.flistxattr(fd, buffer.address(), 100));
            assertEquals("user.porthole", NativeStrings.read(buffer, 0));
            assertEquals(0, linux.lremovexattr(path("f"), name));
            assertEquals(-Errno.ENODATA, linux.fgetxattr(fd, name, buffer.address(), 100));
        }
    }

    @Test
    void namesAreMadeReadListedAndRemoved() throws Exception {
        Path sub = dir.resolve("sub");
        assertEquals(0, linux.mkdirat(CWD, path("sub"), 0750));
        assertEquals(0, linux.symlinkat(text("target"), CWD, path("sub/link")));
        assertEquals(0, linux.mknodat(CWD, path("sub/pipe"), StatMode.S_IFIFO | 0600, 0));
        assertEquals(6, linux.readlinkat(CWD, path("sub/link"), buffer.address(), 100));
        try (Fd listing = LinuxFiles.host().open(sub, Fcntl.O_RDONLY, 0)) {
            long bytes = linux.getdents64(listing.value(), buffer.address(), 4096);
            StringBuilder found = new StringBuilder();
            for (long at = 0; at < bytes; at += Dirent64.recordBytes(buffer, at)) {
                String name = NativeStrings.read(buffer, at + Dirent64.NAME);
                assertEquals(name.length(), Dirent64.nameBytes(buffer, at));
                if (Dirent64.type(buffer, at) != Dirent64.DT_DIR) {
                    found.append(name).append(Dirent64.type(buffer, at)).append(' ');
                }
            }
            assertTrue(
                    found.indexOf("link10 ") >= 0 && found.indexOf("pipe1 ") >= 0,
                    () -> "" + found);
        }
        assertEquals(-Errno.EISDIR, linux.unlinkat(CWD, path("sub"), 0));
        assertEquals(-Errno.ENOTEMPTY, linux.unlinkat(CWD, path("sub"), Fcntl.AT_REMOVEDIR));
        assertEquals(0, linux.unlinkat(CWD, path("sub/link"), 0));
        assertEquals(0, linux.unlinkat(CWD, path("sub/pipe"), 0));
        assertEquals(0, linux.unlinkat(CWD, path("sub"), Fcntl.AT_REMOVEDIR));
        assertFalse(Files.exists(sub));
    }

    @Test
    void openat2KeepsWithinADirectory() throws Exception {
        Files.createSymbolicLink(dir.resolve("out"), Path.of("/etc"));
        try (Fd root = LinuxFiles.host().open(dir, Fcntl.O_PATH | Fcntl.O_DIRECTORY, 0)) {
            OpenHow.set(buffer, 0, Fcntl.O_PATH | Fcntl.O_CLOEXEC, 0, OpenHow.RESOLVE_BENEATH);
            long how = buffer.address();
            long out = linux.openat2(root.value(), text("out/passwd"), how, OpenHow.BYTES);
            assertEquals(-Errno.EXDEV, out);
            long self = linux.openat2(root.value(), text("."), how, OpenHow.BYTES);
            assertTrue(self >= 0);
            assertEquals(0, linux.close((int) self));
            assertEquals(-Errno.EBADF, linux.close((int) self));
        }
        Files.delete(dir.resolve("out"));
    }

    @Test
    void timesModesLengthsAndLocksFollowTheCalls() throws Exception {
        try (Fd file = file("f", "0123456789");
                Fd other = LinuxFiles.host().open(dir.resolve("f"), Fcntl.O_RDWR, 0)) {
            int fd = file.value();
            Timespec.set(buffer, 0, 1000, 1);
            Timespec.set(buffer, Timespec.BYTES, 2000, 0);
            assertEquals(0, linux.utimensat(CWD, path("f"), buffer.address(), 0));
            assertEquals(2000, Files.getLastModifiedTime(dir.resolve("f")).to(TimeUnit.SECONDS));
            assertEquals(0, linux.fchmod(fd, 0640));
            assertEquals(
                    0640 | StatMode.S_IFREG, Files.getAttribute(dir.resolve("f"), "unix:mode"));
            assertEquals(0, linux.ftruncate(fd, 4));
            assertEquals(0, linux.fallocate(fd, Fcntl.FALLOC_FL_KEEP_SIZE, 0, 8192));
            assertEquals(4, linux.lseek(fd, 0, Fcntl.SEEK_END));
            assertEquals(-Errno.ENXIO, linux.lseek(fd, 100, Fcntl.SEEK_DATA));
            assertEquals(0, linux.flock(fd, Fcntl.LOCK_EX));
            assertEquals(-Errno.EAGAIN, linux.flock(other.value(), Fcntl.LOCK_EX | Fcntl.LOCK_NB));
            assertEquals(0, linux.fsync(fd));
            assertEquals(0, linux.fdatasync(fd));
            assertEquals(0, linux.syncfs(fd));
            assertEquals(0, linux.fstatfs(fd, buffer.address()));
            assertTrue(StatFs.blocks(buffer, 0) > 0 && StatFs.nameMax(buffer, 0) >= 255);
        }
    }

    @Test
    void fileHandleNamesAFileThatCanBeReopened() throws Exception {
        try (Fd file = file("f", "content");
                Fd mount = LinuxFiles.host().open(dir, Fcntl.O_RDONLY, 0)) {
            FileHandle.handleBytes(buffer, 0, FileHandle.MAX_HANDLE_SZ);
            long handle = buffer.address();
            long mountId = handle + 1024;
            long none = text("");
            int flags = Fcntl.AT_EMPTY_PATH;
            long named = linux.nameToHandleAt(file.value(), none, handle, mountId, flags);
            assertEquals(0, named, () -> Errno.describe(named));
            assertTrue(FileHandle.handleBytes(buffer, 0) > 0);
            long opened = linux.openByHandleAt(mount.value(), handle, Fcntl.O_RDONLY);
            if (linux.geteuid() == 0 && opened >= 0) {
                assertEquals(7, linux.pread((int) opened, handle, 100, 0));
                assertEquals(0, linux.close((int) opened));
            } else {
                assertEquals(-Errno.EPERM, opened, "only CAP_DAC_READ_SEARCH may");
            }
        }
    }

    @Test
    void credentialsChangeForTheCallingThreadOnly() throws Exception {
        assumeTrue(linux.geteuid() == 0, "changing credentials needs root");
        CompletableFuture<long[]> other = new CompletableFuture<>();
        Thread thread =
                new Thread(() -> {
                    long unshared = linux.unshare(Sched.CLONE_FS);
                    linux.umask(0);
                    long before = linux.setfsuid(1000);
                    long after = linux.setfsuid(-1);
                    long set = linux.setresuid(-1, 1000, -1);
                    long own = linux.geteuid();
                    other.complete(new long[] {unshared, before, after, set, own});
                });
        int mask = linux.umask(022);
        linux.umask(mask);
        thread.start();
        thread.join();
        assertArrayEquals(new long[] {0, 0, 1000, 0, 1000}, other.get());
        assertEquals(0, linux.geteuid());
        assertEquals(0, linux.setfsuid(-1));
        assertEquals(mask, linux.umask(mask), "umask of this thread");
    }

    @Test
    void capabilitiesOfTheThreadAreThoseThatProcShows() {
        Capabilities.setHeader(buffer, 0, 0);
        long data = buffer.address() + Capabilities.HEADER_BYTES;
        assertEquals(0, linux.capget(buffer.address(), data));
        String shown = Proc.status("CapEff");
        assertEquals(
                Long.parseUnsignedLong(shown, 16),
                Capabilities.effective(buffer, Capabilities.HEADER_BYTES));
    }

    @Test
    void interruptedReadIsMadeAgainAndInterruptedPollIsTold() throws Exception {
        ThreadKill libc = LibraryLoader.create(ThreadKill.class).load("c");
        int signal = quietSignal();
        try (EventFd event = EventFd.create(0)) {
            AtomicInteger tid = new AtomicInteger();
            CountDownLatch polled = new CountDownLatch(1);
            CompletableFuture<long[]> results =
                    CompletableFuture.supplyAsync(() -> {
                        tid.set(linux.gettid());
                        PollFd.set(buffer, 0, event.fd().value(), PollFd.POLLIN);
                        long poll = linux.poll(buffer.address(), 1, 20_000);
                        polled.countDown();
                        return new long[] {poll, event.drain()};
                    });
            int pid = (int) linux.getpid();
            while (!polled.await(20, TimeUnit.MILLISECONDS)) {
                if (tid.get() != 0) {
                    assertEquals(0, libc.tgkill(pid, tid.get(), signal));
                }
            }
            for (int i = 0; i < 5; i++) {
                Thread.sleep(20);
                assertEquals(0, libc.tgkill(pid, tid.get(), signal));
            }
            assertFalse(results.isDone(), "read goes on waiting");
            event.signal();
            long[] got = results.get(10, TimeUnit.SECONDS);
            assertEquals(-Errno.EINTR, got[0]);
            assertEquals(1, got[1]);
        }
    }

    /** tgkill(2), which only this test needs. */
    public interface ThreadKill {
        int tgkill(int pid, int tid, int signal);
    }

    /** The signal that the JDK's sockets use to wake threads: handled, and without SA_RESTART. */
    private static int quietSignal() throws Exception {
        try (ServerSocket server = new ServerSocket(0);
                Socket client = new Socket(server.getInetAddress(), server.getLocalPort())) {
            assertTrue(client.isConnected()); // now the handler is installed
        }
        int signal = 62;
        long caught = Long.parseUnsignedLong(Proc.status("SigCgt"), 16);
        assertTrue((caught >>> (signal - 1) & 1) == 1, "the JDK no longer catches " + signal);
        return signal;
    }

    @Test
    void callsOnTheRequestPathAllocateNothing() throws Exception {
        try (Fd file = file("f", "0123456789");
                Fd other = file("g", "0123456789")) {
            int fd = file.value();
            int target = other.value();
            long at = buffer.address();
            long empty = text("");
            long missing = path("missing");
            long present = path("f");
            Iovec.set(buffer, 0, at + 2048, 4);
            assertAllocatesNothing("pread", () -> linux.pread(fd, at + 1024, 4, 0));
            assertAllocatesNothing("preadv", () -> linux.preadv(fd, at, 1, 0));
            assertAllocatesNothing("preadv2", () -> linux.preadv2(fd, at, 1, 0, 0));
            assertAllocatesNothing("pwritev", () -> linux.pwritev(fd, at, 1, 0));
            assertAllocatesNothing("fstat", () -> linux.fstat(fd, at + 1024));
            assertAllocatesNothing(
                    "statx", () -> linux.statx(fd, empty, Fcntl.AT_EMPTY_PATH, 0x7ff, at + 1024));
            assertAllocatesNothing(
                    "statx ENOENT", () -> linux.statx(CWD, missing, 0, 0x7ff, at + 1024));
            assertAllocatesNothing(
                    "openat and close",
                    () -> linux.close((int) linux.openat(CWD, present, Fcntl.O_PATH, 0)));
            assertAllocatesNothing(
                    "renameat2 ENOENT", () -> linux.renameat2(CWD, missing, CWD, missing, 0));
            assertAllocatesNothing(
                    "copy_file_range", () -> linux.copyFileRange(fd, 0, target, 0, 1, 0));
            assertAllocatesNothing("poll", () -> linux.poll(0, 0, 0));
            assertAllocatesNothing(
                    "mmap and munmap",
                    () -> linux.munmap(linux.mmap(0, 4096, 1, 0x22, -1, 0), 4096));
        }
    }

    /** After warm-up, which is over in the first round that C2's code serves alone. */
    private static void assertAllocatesNothing(String what, LongSupplier call) {
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long id = Thread.currentThread().threadId();
        long perCall = -1;
        for (int round = 0; round < 100 && perCall != 0; round++) {
            long before = threads.getThreadAllocatedBytes(id);
            for (int i = 0; i < 10_000; i++) {
                var _ = call.getAsLong();
            }
            perCall = (threads.getThreadAllocatedBytes(id) - before) / 10_000;
        }
        assertEquals(0, perCall, what + ": bytes allocated per call");
    }
}
