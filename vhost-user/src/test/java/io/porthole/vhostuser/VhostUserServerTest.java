package io.porthole.vhostuser;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.porthole.linux.Errno;
import io.porthole.linux.Fd;
import io.porthole.linux.SyscallException;
import io.porthole.linux.UnixListener;
import io.porthole.vhostuser.VhostUserServer.AfterDisconnect;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
final class VhostUserServerTest {
    @TempDir Path directory;

    private final EchoDevice device = new EchoDevice(1);

    @Test
    void aSocketThatNobodyListensToIsReplaced() throws Exception {
        Path path = directory.resolve("s");
        UnixListener killed = UnixListener.bind(path.toString());
        killed.fd().close(); // as a killed process leaves it
        assertTrue(Files.exists(path));
        VhostUserServer.listen(device, path.toString()).close();
        assertFalse(Files.exists(path));
    }

    @Test
    void aSocketInUseIsLeftAlone() throws Exception {
        Path path = directory.resolve("s");
        try (UnixListener other = UnixListener.bind(path.toString())) {
            SyscallException e =
                    assertThrows(
                            SyscallException.class,
                            () -> VhostUserServer.listen(device, path.toString()));
            assertEquals(Errno.EADDRINUSE, e.errno());
            assertTrue(Files.exists(path));
            assertTrue(other.fd().isOpen());
        }
    }

    @Test
    void aFileThatIsNoSocketIsLeftAlone() throws Exception {
        Path path = directory.resolve("s");
        Files.writeString(path, "precious");
        assertThrows(SyscallException.class, () -> VhostUserServer.listen(device, path.toString()));
        assertEquals("precious", Files.readString(path));
    }

    @Test
    void aDirectoryThatIsMissingIsSaid() {
        SyscallException e =
                assertThrows(
                        SyscallException.class,
                        () -> VhostUserServer.listen(device, directory + "/no/s"));
        assertEquals(Errno.ENOENT, e.errno());
    }

    @Test
    void anInheritedSocketIsServedAndItsPathLeft() throws Exception {
        long fds = Fd.openCount();
        String path = directory.resolve("s").toString();
        UnixListener parent = UnixListener.bind(path);
        try (VhostUserServer server =
                VhostUserServer.inherit(device, Fd.adopt(parent.fd().release()))) {
            Thread t =
                    new Thread(() -> {
                        try {
                            server.serve(AfterDisconnect.END);
                        } catch (Exception e) {
                            throw new AssertionError(e);
                        }
                    });
            t.start();
            try (VhostUserFrontend vmm = VhostUserFrontend.connect(path)) {
                assertEquals(device.features(), vmm.getFeatures());
            }
            t.join();
        }
        assertTrue(Files.exists(Path.of(path)));
        assertEquals(fds, Fd.openCount());
    }

    @Test
    void closingBeforeServingIsFine() throws Exception {
        VhostUserServer server = VhostUserServer.listen(device, directory.resolve("s").toString());
        server.close();
        server.close();
        server.serve(AfterDisconnect.WAIT_FOR_NEXT);
    }

    @Test
    void aBrokenProtocolIsToldToTheCaller() throws Exception {
        try (Rig rig = new Rig(new EchoDevice(1), AfterDisconnect.END)) {
            try (VhostUserFrontend vmm = rig.connect()) {
                vmm.request(VhostUser.SET_VRING_NUM, new byte[3], List.of());
                ProtocolException e = assertInstanceOf(ProtocolException.class, rig.awaitEnd());
                assertEquals(ProtocolException.Kind.BAD_SIZE, e.kind());
            }
        }
    }

    @Test
    void aFrontEndThatGoesBeforeTheReplyHasJustLeft() throws Exception {
        try (VhostUserServer server =
                VhostUserServer.listen(device, directory.resolve("s").toString())) {
            try (VhostUserFrontend vmm =
                    VhostUserFrontend.connect(directory.resolve("s").toString())) {
                vmm.request(VhostUser.GET_FEATURES, new byte[0], List.of());
                vmm.request(VhostUser.GET_PROTOCOL_FEATURES, new byte[0], List.of());
            }
            server.serve(AfterDisconnect.END);
        }
    }

    @Test
    void afterABrokenProtocolTheNextFrontEndIsServed() throws Exception {
        try (Rig rig = Rig.of(1)) {
            for (int i = 1; i <= 5; i++) {
                try (VhostUserFrontend bad = rig.connect()) {
                    bad.request(VhostUser.SET_VRING_NUM, new byte[3], List.of());
                    assertThrows(ProtocolException.class, bad::getFeatures);
                }
                try (VhostUserFrontend good = rig.connect()) {
                    assertEquals(device.features(), good.getFeatures());
                }
                rig.awaitDisconnects(2 * i);
            }
        }
    }

    @Test
    void aDeviceOfImpossibleShapeIsRefused() {
        String path = directory.resolve("s").toString();
        assertThrows(
                IllegalArgumentException.class,
                () -> VhostUserServer.listen(new EchoDevice(0), path));
        assertThrows(
                IllegalArgumentException.class,
                () -> VhostUserServer.listen(new EchoDevice(257), path));
        assertFalse(Files.exists(Path.of(path)));
    }
}
