package io.porthole.sandbox.orchestrator.monitor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.porthole.sandbox.orchestrator.sandbox.SandboxException;
import io.porthole.sandbox.orchestrator.state.Json;
import java.util.List;
import org.junit.jupiter.api.Test;

class ReplyTest {
    private static Reply overTheWire(Reply reply) throws Exception {
        return Json.read(Json.write(reply), Reply.class);
    }

    @Test
    void exitCodeZeroAndTheEmptyNameOfTheFirstProcessAreSent() throws Exception {
        assertEquals(0, overTheWire(Reply.exited(0, false)).exitCode());
        assertEquals("", overTheWire(Reply.running("")).exec());
        assertEquals(Reply.DONE, overTheWire(Reply.DONE));
    }

    @Test
    void aFailureKeepsItsKindAndTheConsole() throws Exception {
        SandboxException sent =
                new SandboxException(
                        SandboxException.Kind.NOT_FOUND, "no such program", List.of("a", "b"));
        Reply reply = overTheWire(Reply.failed(sent));
        SandboxException received = assertThrows(SandboxException.class, reply::orThrow);
        assertEquals(sent.getMessage(), received.getMessage());
        assertEquals(sent.kind(), received.kind());
        assertEquals(sent.consoleTail(), received.consoleTail());
    }
}
