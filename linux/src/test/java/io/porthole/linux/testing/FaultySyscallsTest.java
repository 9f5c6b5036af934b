package io.porthole.linux.testing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.porthole.linux.Errno;
import io.porthole.linux.Fcntl;
import io.porthole.linux.Fd;
import io.porthole.linux.ForwardingSyscalls;
import io.porthole.linux.LinuxFiles;
import io.porthole.linux.SyscallException;
import io.porthole.linux.Syscalls;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

class FaultySyscallsTest {
    private final FaultySyscalls faults = new FaultySyscalls(Syscalls.host());
    private final Syscalls linux = faults.syscalls();

    @Test
    void queuedFaultsAreMetInOrderAndThenTheTargetAnswers() throws Exception {
        faults.fail("pread", Errno.EIO).interrupt("pread").pass("pread", 1).shorten("pread", 3);
        try (Arena arena = Arena.ofConfined();
                Fd fd = LinuxFiles.host().open(Path.of("/dev/zero"), Fcntl.O_RDONLY, 0)) {
            MemorySegment buffer = arena.allocate(100);
            assertEquals(-Errno.EIO, linux.pread(fd.value(), buffer.address(), 100, 0));
            assertEquals(-Errno.EINTR, linux.pread(fd.value(), buffer.address(), 100, 0));
            assertEquals(100, linux.pread(fd.value(), buffer.address(), 100, 0));
            assertFalse(faults.allMet());
            assertEquals(3, linux.pread(fd.value(), buffer.address(), 100, 0));
            assertTrue(faults.allMet());
            assertEquals(100, linux.pread(fd.value(), buffer.address(), 100, 0));
            assertEquals(5, faults.calls("pread"));
            assertEquals(5, faults.calls());
        }
    }

    @Test
    void aFaultInOpenBecomesTheExceptionOfTheControlPlane() {
        faults.fail("openat", Errno.EMFILE);
        SyscallException e =
                assertThrows(
                        SyscallException.class,
                        () -> new LinuxFiles(linux).open(Path.of("/etc"), Fcntl.O_RDONLY, 0));
        assertEquals(Errno.EMFILE, e.errno());
    }

    @Test
    void misspeltMethodsAreRefused() {
        assertThrows(IllegalArgumentException.class, () -> faults.fail("preed", Errno.EIO));
        assertThrows(IllegalArgumentException.class, () -> faults.shorten("statx", 1));
        assertThrows(IllegalArgumentException.class, () -> faults.fail("pread", -Errno.EIO));
        assertThrows(IllegalArgumentException.class, () -> faults.calls("preed"));
    }

    /** Recognisable arguments through every method of ForwardingSyscalls. */
    @Test
    void forwardingPassesEveryMethodWithItsArgumentsInPlace() throws Exception {
        for (Method method : Syscalls.class.getMethods()) {
            if (method.getName().equals("host")) {
                continue;
            }
            Object[] arguments = new Object[method.getParameterCount()];
            for (int i = 0; i < arguments.length; i++) {
                Class<?> type = method.getParameterTypes()[i];
                arguments[i] = type == int.class ? (Object) (100 + i) : (Object) (1000L + i);
            }
            Recorder recorder = new Recorder();
            Object result = method.invoke(new ForwardingSyscalls(recorder.proxy()), arguments);
            assertEquals(method.getName(), recorder.name);
            assertEquals(List.of(arguments), recorder.arguments);
            if (method.getReturnType() != void.class) {
                assertEquals(77, ((Number) result).intValue());
            }
        }
    }

    private static final class Recorder {
        private String name = "";
        private List<Object> arguments = List.of();

        Syscalls proxy() {
            return (Syscalls)
                    Proxy.newProxyInstance(
                            Syscalls.class.getClassLoader(),
                            new Class<?>[] {Syscalls.class},
                            (self, method, passed) -> {
                                name = method.getName();
                                arguments = passed == null ? List.of() : List.of(passed);
                                return method.getReturnType() == int.class
                                        ? (Object) 77
                                        : (Object) 77L;
                            });
        }
    }
}
