package io.porthole.virtiofsd;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.porthole.virtiofsd.cli.OptionParser;
import io.porthole.virtiofsd.cli.Options;
import io.porthole.virtiofsd.cli.UsageException;
import org.junit.jupiter.api.Test;

class SocketActivationTest {
    @Test
    void takesTheOneSocketMeantForThisProcess() throws UsageException {
        assertEquals(3, SocketActivation.listenFd("1", "77", 77));
    }

    @Test
    void leavesSocketsOfAnotherProcessAlone() throws UsageException {
        assertEquals(-1, SocketActivation.listenFd("1", "76", 77));
        assertEquals(-1, SocketActivation.listenFd("1", null, 77));
    }

    @Test
    void refusesMoreThanOne() {
        UsageException e =
                assertThrows(UsageException.class, () -> SocketActivation.listenFd("2", "77", 77));
        assertEquals("LISTEN_FDS=2: a share takes one socket, give its unit one", e.getMessage());
    }

    @Test
    void theCommandLineComesFirst() throws UsageException {
        Options activated = OptionParser.parse(new String[] {"--shared-dir", "/x"}, 3);
        assertEquals(3, activated.listenFd());
        Options named =
                OptionParser.parse(
                        new String[] {"--shared-dir", "/x", "--socket-path", "/run/s"}, 3);
        assertEquals(-1, named.listenFd());
        assertEquals("/run/s", named.socketPath());
    }
}
