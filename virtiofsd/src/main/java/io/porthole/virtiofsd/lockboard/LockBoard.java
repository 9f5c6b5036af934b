package io.porthole.virtiofsd.lockboard;

import io.porthole.linux.Errno;
import io.porthole.linux.Fcntl;
import io.porthole.linux.Fd;
import io.porthole.linux.FlockRange;
import io.porthole.linux.MemFd;
import io.porthole.linux.NativeStrings;
import io.porthole.linux.StatMode;
import io.porthole.linux.Statx;
import io.porthole.linux.SyscallException;
import io.porthole.linux.Syscalls;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.BitSet;
import java.util.concurrent.atomic.AtomicBoolean;

/** The file on which shares write who waits and holds; see the package. Laid out by BoardLayout. */
public final class LockBoard implements AutoCloseable {
    private static final int MODE = 0600;
    private static final int OTHERS = 077;
    private static final int PERMISSIONS = 07777;

    private final Syscalls sys;
    private final Fd file;

    /** Between the shares of this process, whose OFD locks are one and the same to the kernel. */
    private final AtomicBoolean entered = new AtomicBoolean();

    /** Places of this process's shares; guarded by itself. */
    private final BitSet own = new BitSet(BoardLayout.PLACES);

    private LockBoard(Syscalls sys, Fd file) {
        this.sys = sys;
        this.file = file;
    }

    /** A board for the shares of this process alone. */
    public static LockBoard ofProcess(Syscalls sys) throws SyscallException {
        MemFd memory = MemFd.create("porthole-lock-board", BoardLayout.FILE_BYTES);
        return new LockBoard(sys, Fd.adopt(sys, memory.fd().release()));
    }

    /**
     * Opens a board that other processes use, too, or makes it (mode 0600).
     *
     * @throws IOException with a sentence, where it cannot be opened or is no such file
     */
    public static LockBoard open(Syscalls sys, String path) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            int flags =
                    Fcntl.O_RDWR
                            | Fcntl.O_CREAT
                            | Fcntl.O_NOFOLLOW
                            | Fcntl.O_NONBLOCK
                            | Fcntl.O_CLOEXEC;
            long fd =
                    sys.openat(
                            Fcntl.AT_FDCWD, NativeStrings.of(arena, path).address(), flags, MODE);
            if (fd == -Errno.ELOOP) {
                throw refusal(path, "is a symbolic link, which is not followed");
            }
            SyscallException.check(fd, "open the lock board", path);
            LockBoard board = new LockBoard(sys, Fd.adopt(sys, (int) fd));
            try {
                board.check(arena, path);
            } catch (IOException e) {
                board.close();
                throw e;
            }
            return board;
        }
    }

    private void check(Arena arena, String path) throws IOException {
        MemorySegment status = arena.allocate(Statx.BYTES, Long.BYTES);
        SyscallException.check(
                sys.statx(
                        file.value(),
                        NativeStrings.of(arena, "").address(),
                        Fcntl.AT_EMPTY_PATH,
                        Statx.STATX_BASIC_STATS,
                        status.address()),
                "stat the lock board",
                path);
        int mode = Statx.mode(status, 0);
        long bytes = Statx.size(status, 0);
        if ((mode & StatMode.S_IFMT) != StatMode.S_IFREG) {
            throw refusal(path, "is no regular file");
        }
        if (Statx.uid(status, 0) != sys.geteuid()) {
            throw refusal(path, "belongs to another user");
        }
        if ((mode & OTHERS) != 0) {
            String octal = Integer.toOctalString(mode & PERMISSIONS);
            throw refusal(path, "is open to others (mode " + octal + ", not 600)");
        }
        if (bytes != 0 && bytes != BoardLayout.FILE_BYTES) {
            throw refusal(
                    path, "is " + bytes + " bytes long, which a lock board of this version is not");
        }
        MemorySegment magic = arena.allocate(ValueLayout.JAVA_LONG);
        read(magic, 0);
        long found = magic.get(ValueLayout.JAVA_LONG, 0);
        if (found == 0) {
            // New, or another daemon is at this same point: both write the same.
            SyscallException.check(
                    sys.ftruncate(file.value(), BoardLayout.FILE_BYTES),
                    "make the lock board",
                    path);
            magic.set(ValueLayout.JAVA_LONG, 0, BoardLayout.MAGIC);
            SyscallException.check(
                    sys.pwrite(file.value(), magic.address(), Long.BYTES, 0),
                    "make the lock board",
                    path);
        } else if (found != BoardLayout.MAGIC) {
            throw refusal(path, "does not begin as a lock board does");
        }
    }

    private static IOException refusal(String path, String why) {
        return new IOException("lock board " + path + " " + why + "; it is left alone");
    }

    /** A place for one share, which takes one of the board only when it needs it. */
    public BoardPlace place() {
        return new BoardPlace(this);
    }

    /**
     * Takes the board for writing a record and searching.
     *
     * @return false where another has it, in which case there is nothing to {@link #leave}
     */
    boolean enter() {
        if (!entered.compareAndSet(false, true)) {
            return false;
        }
        if (lock(BoardLayout.BOARD_LOCK_BYTE, Fcntl.F_WRLCK)) {
            return true;
        }
        entered.set(false);
        return false;
    }

    void leave() {
        lock(BoardLayout.BOARD_LOCK_BYTE, Fcntl.F_UNLCK);
        entered.set(false);
    }

    /**
     * Finds a place whose share is no more, or that never had one, and forgets what was written
     * there. For who has entered.
     *
     * @return the place, or -1 where all are taken
     */
    int claim() {
        synchronized (own) {
            for (int place = own.nextClearBit(0);
                    place < BoardLayout.PLACES;
                    place = own.nextClearBit(place + 1)) {
                if (lock(BoardLayout.placeLockByte(place), Fcntl.F_WRLCK)) {
                    if (clear(place)) {
                        own.set(place);
                        return place;
                    }
                    lock(BoardLayout.placeLockByte(place), Fcntl.F_UNLCK);
                    return -1;
                }
            }
            return -1;
        }
    }

    private boolean clear(int place) {
        try (Arena arena = Arena.ofConfined()) {
            return write(
                    arena.allocate(BoardLayout.PLACE_VERSIONS_BYTES),
                    BoardLayout.versionAt(place, 0));
        }
    }

    /** Gives a place back: what is written there counts no more. */
    void release(int place) {
        synchronized (own) {
            lock(BoardLayout.placeLockByte(place), Fcntl.F_UNLCK);
            own.clear(place);
        }
    }

    /** Whether the share that has a place lives; a process that was killed has none. */
    boolean isAlive(int place) {
        synchronized (own) {
            if (own.get(place)) {
                return true;
            }
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment flock = flock(arena, BoardLayout.placeLockByte(place), Fcntl.F_WRLCK);
            return sys.fcntl(file.value(), Fcntl.F_OFD_GETLK, flock.address()) >= 0
                    && FlockRange.type(flock, 0) != Fcntl.F_UNLCK;
        }
    }

    private boolean lock(long at, int type) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment flock = flock(arena, at, type);
            return sys.fcntl(file.value(), Fcntl.F_OFD_SETLK, flock.address()) >= 0;
        }
    }

    private static MemorySegment flock(Arena arena, long at, int type) {
        MemorySegment flock = arena.allocate(FlockRange.LAYOUT);
        FlockRange.type(flock, 0, (short) type);
        FlockRange.start(flock, 0, at);
        FlockRange.lengthBytes(flock, 0, 1);
        return flock;
    }

    /** Fills {@code to}; with zeros, where the file ends earlier or cannot be read. */
    void read(MemorySegment to, long at) {
        long bytes = to.byteSize();
        long got = Math.max(0, sys.pread(file.value(), to.address(), bytes, at));
        if (got < bytes) {
            to.asSlice(got).fill((byte) 0);
        }
    }

    /** Returns whether all was written. */
    boolean write(MemorySegment from, long at) {
        long bytes = from.byteSize();
        return sys.pwrite(file.value(), from.address(), bytes, at) == bytes;
    }

    @Override
    public void close() {
        file.close();
    }
}
