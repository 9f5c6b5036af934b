package io.porthole.fuse;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.EnumSet;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

class WireVectorsTest {
    /** Everything that changes what a request looks like. */
    static final long FLAGS =
            InitFlags.FUSE_SETXATTR_EXT
                    | InitFlags.FUSE_SECURITY_CTX
                    | InitFlags.FUSE_CREATE_SUPP_GROUP;

    @TestFactory
    Stream<DynamicTest> requestBecomesTheCallAndTheReplyOfItsVector() {
        return WireVector.all().stream()
                .map(v -> DynamicTest.dynamicTest(v.title(), () -> check(v)));
    }

    private static void check(WireVector v) {
        try (TestSession session = TestSession.with(FLAGS)) {
            session.fs.answer(v.answer());
            byte[] reply = session.send(v.request(), v.room());
            assertEquals(v.calls(), session.calls());
            assertTrue(session.exchange.ended());
            assertEquals(v.error() != null, session.exchange.replied(), "whether there is a reply");
            if (v.error() != null) {
                assertEquals(v.error(), TestSession.error(reply));
                assertEquals(TestSession.UNIQUE, TestSession.unique(reply));
                assertArrayEquals(v.body(), TestSession.body(reply));
            }
            session.exchange.checkBounds();
        }
    }

    @Test
    void everyOpcodeHasAVector() {
        // INIT has a test of its own.
        Set<Opcode> missing = EnumSet.complementOf(EnumSet.of(Opcode.INIT));
        for (WireVector v : WireVector.all()) {
            missing.remove(Opcode.of(TestSession.word(v.request(), 4)));
        }
        assertEquals(Set.of(), missing);
    }
}
