package io.porthole.virtiofsd.log;

import io.porthole.linux.NativeStrings;
import io.porthole.linux.SyscallException;
import io.porthole.linux.Syscalls;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import org.slf4j.event.Level;

/**
 * Sends lines to the system's log daemon: datagrams to /dev/log (RFC 3164 as glibc's syslog(3)
 * writes it), over a socket that is connected before the jail closes.
 */
public final class SyslogSink implements DaemonLog.Sink {
    private static final int AF_UNIX = 1;
    private static final int SOCK_DGRAM_CLOEXEC = 2 | 0x80000;
    private static final int SOCKADDR_UN_BYTES = 110;
    private static final int FACILITY_DAEMON = 3 << 3;
    private static final String PATH = "/dev/log";

    private final Syscalls sys;
    private final int fd;
    private final byte[] tag;

    private SyslogSink(Syscalls sys, int fd) {
        this.sys = sys;
        this.fd = fd;
        this.tag = ("virtiofsd[" + sys.getpid() + "]: ").getBytes(StandardCharsets.US_ASCII);
    }

    /**
     * Connects; the socket lives as long as the process.
     *
     * @throws SyscallException where no log daemon listens
     */
    public static SyslogSink open(Syscalls sys) throws SyscallException {
        int fd =
                (int)
                        SyscallException.check(
                                sys.socket(AF_UNIX, SOCK_DGRAM_CLOEXEC, 0), "socket", "for syslog");
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment address = arena.allocate(SOCKADDR_UN_BYTES, 2);
            address.set(ValueLayout.JAVA_SHORT, 0, (short) AF_UNIX);
            MemorySegment path = NativeStrings.of(arena, PATH);
            MemorySegment.copy(path, 0, address, 2, path.byteSize());
            long result = sys.connect(fd, address.address(), SOCKADDR_UN_BYTES);
            if (result < 0) {
                sys.close(fd);
                SyscallException.check(result, "connect to syslog", PATH);
            }
        }
        return new SyslogSink(sys, fd);
    }

    @Override
    public void line(Level level, byte[] text, int bytes) {
        byte[] head =
                ("<" + (FACILITY_DAEMON | severity(level)) + ">")
                        .getBytes(StandardCharsets.US_ASCII);
        int body = bytes > 0 && text[bytes - 1] == '\n' ? bytes - 1 : bytes;
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment datagram = arena.allocate(head.length + tag.length + body);
            MemorySegment.copy(head, 0, datagram, ValueLayout.JAVA_BYTE, 0, head.length);
            MemorySegment.copy(tag, 0, datagram, ValueLayout.JAVA_BYTE, head.length, tag.length);
            MemorySegment.copy(
                    text, 0, datagram, ValueLayout.JAVA_BYTE, head.length + tag.length, body);
            // Not delivered is not our failure: the daemon must go on serving without its log.
            sys.write(fd, datagram.address(), datagram.byteSize());
        }
    }

    private static int severity(Level level) {
        return switch (level) {
            case ERROR -> 3;
            case WARN -> 4;
            case INFO -> 6;
            case DEBUG, TRACE -> 7;
        };
    }
}
