package io.porthole.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class OwnedResourcesTest {
    @TempDir Path dir;

    private int open() throws Exception {
        return LinuxFiles.host().open(Path.of("/dev/null"), Fcntl.O_RDWR, 0).release();
    }

    @Test
    void closingAnFdTwiceDoesNotCloseItsSuccessor() throws Exception {
        Fd first = Fd.adopt(open());
        int number = first.value();
        first.close();
        try (Fd successor = Fd.adopt(open())) {
            assertEquals(number, successor.value(), "the kernel gives the lowest free number");
            first.close();
            assertTrue(Syscalls.host().fcntl(number, Fcntl.F_GETFD, 0) >= 0);
        }
        assertEquals(-Errno.EBADF, Syscalls.host().fcntl(number, Fcntl.F_GETFD, 0));
        assertThrows(IllegalStateException.class, first::value);
        assertFalse(first.isOpen());
        assertEquals("fd closed", first.toString());
    }

    @Test
    void releasedFdStaysOpenAndIsNoLongerCounted() throws Exception {
        long before = Fd.openCount();
        Fd fd = Fd.adopt(open());
        assertEquals(before + 1, Fd.openCount());
        int number = fd.release();
        assertEquals(before, Fd.openCount());
        fd.close();
        assertTrue(Syscalls.host().fcntl(number, Fcntl.F_GETFD, 0) >= 0);
        assertEquals(0, Syscalls.host().close(number));
        assertThrows(IllegalStateException.class, fd::release);
        assertThrows(IllegalArgumentException.class, () -> Fd.adopt(-2));
    }

    @Test
    void duplicateIsASecondDescriptorClosedOnExec() throws Exception {
        try (Fd fd = Fd.adopt(open());
                Fd copy = fd.duplicate()) {
            assertTrue(copy.value() != fd.value());
            assertEquals(Fcntl.FD_CLOEXEC, Syscalls.host().fcntl(copy.value(), Fcntl.F_GETFD, 0));
        }
    }

    @Test
    void eventFdCountsSignalsAndDrainsToNone() throws Exception {
        try (EventFd event = EventFd.create(EventFd.EFD_NONBLOCK)) {
            assertEquals(-Errno.EAGAIN, event.drain());
            assertEquals(0, event.signal());
            assertEquals(0, event.signal());
            assertEquals(2, event.drain());
            assertEquals(-Errno.EAGAIN, event.drain());
        }
    }

    @Test
    void twoMappingsOfAMemFdShareTheirBytes() throws Exception {
        try (MemFd file = MemFd.create("porthole-shared-test", 8192);
                Mapping one = file.map();
                Mapping two = Mapping.shared(file.fd(), 4096, 4096, Mman.PROT_READ)) {
            one.segment().set(ValueLayout.JAVA_LONG, 4096, 0x1122334455667788L);
            assertEquals(0x1122334455667788L, two.segment().get(ValueLayout.JAVA_LONG, 0));
            assertEquals(2, Proc.mappingCount("porthole-shared-test"));
        }
        assertEquals(0, Proc.mappingCount("porthole-shared-test"));
    }

    @Test
    void closedMappingRefusesAccessInsteadOfCrashing() throws Exception {
        Mapping mapping = Mapping.anonymous(4096);
        MemorySegment segment = mapping.segment();
        assertEquals(0, segment.get(ValueLayout.JAVA_LONG, 0));
        mapping.close();
        mapping.close();
        assertThrows(IllegalStateException.class, () -> segment.get(ValueLayout.JAVA_LONG, 0));
    }

    @Test
    void mappingRefusesWhatLiesBeyondItsEnd() throws Exception {
        try (Mapping mapping = Mapping.anonymous(4096)) {
            assertThrows(
                    IndexOutOfBoundsException.class,
                    () -> mapping.segment().get(ValueLayout.JAVA_BYTE, 4096));
        }
        assertThrows(IllegalArgumentException.class, () -> Mapping.anonymous(0));
    }

    @Test
    void failedMappingTellsWhatAndWhy() throws Exception {
        Path file = dir.resolve("f");
        Files.writeString(file, "x");
        try (Fd fd = LinuxFiles.host().open(file, Fcntl.O_RDONLY, 0)) {
            SyscallException e =
                    assertThrows(
                            SyscallException.class,
                            () -> Mapping.shared(fd, 1, 4096, Mman.PROT_READ));
            assertEquals(
                    "mmap of 4096 bytes of fd " + fd.value() + ": EINVAL (Invalid argument)",
                    e.getMessage());
        }
    }

    @Test
    void sealedMemFdCannotShrink() throws Exception {
        try (MemFd file = MemFd.create("sealed", 4096)) {
            file.seal(Fcntl.F_SEAL_SHRINK);
            assertEquals(-Errno.EPERM, Syscalls.host().ftruncate(file.fd().value(), 0));
        }
    }

    @Test
    void missingFileIsNamedWithErrnoAndSentence() {
        Path missing = dir.resolve("none");
        SyscallException e =
                assertThrows(
                        SyscallException.class,
                        () -> LinuxFiles.host().open(missing, Fcntl.O_RDONLY, 0));
        assertEquals("open " + missing + ": ENOENT (No such file or directory)", e.getMessage());
        assertEquals(Errno.ENOENT, e.errno());
        assertEquals("open", e.operation());
    }

    @Test
    void madeDirectoryHasItsMode() throws Exception {
        Path made = dir.resolve("d");
        LinuxFiles.host().mkdir(made, 0700);
        assertEquals(0700 | StatMode.S_IFDIR, Files.getAttribute(made, "unix:mode"));
        assertThrows(SyscallException.class, () -> LinuxFiles.host().mkdir(made, 0700));
    }

    @Test
    void nameWithANulIsRefused() {
        assertThrows(
                IllegalArgumentException.class,
                () -> LinuxFiles.host().openAt(Fcntl.AT_FDCWD, "/etc\0/x", Fcntl.O_RDONLY, 0));
    }
}
