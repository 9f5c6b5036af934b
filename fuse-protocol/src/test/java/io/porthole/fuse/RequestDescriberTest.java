package io.porthole.fuse;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.porthole.fuse.testing.RequestBytes;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class RequestDescriberTest {
    private final List<String> lines = new ArrayList<>();
    private final TestSession s =
            TestSession.with(
                    WireVectorsTest.FLAGS,
                    (opcode, r, x, result, nanos) ->
                            lines.add(RequestDescriber.describe(opcode, r, x, result)));

    @AfterEach
    void close() {
        s.close();
    }

    private String lineOf(RequestBytes request) {
        s.send(request.unique(34).caller(1000, 1001, 77).build(), TestSession.ROOM);
        return lines.getLast();
    }

    private static RequestBytes lookup(byte... name) {
        return RequestBytes.of(Opcode.LOOKUP, 1).bytes(name).bytes(new byte[1]);
    }

    @Test
    void lineTellsWhoAskedForWhatAndWhatCameOfIt() {
        s.fs.answer(-2);
        assertEquals(
                "LOOKUP unique=34 node=1 uid=1000 gid=1001 pid=77 name=\"readme\" -> ENOENT",
                lineOf(RequestBytes.of(Opcode.LOOKUP, 1).name("readme")));
    }

    @Test
    void attributesAreThoseOfTheReply() {
        String line = lineOf(RequestBytes.of(Opcode.GETATTR, 1).u32(1, 0).u64(0xabcd));
        assertTrue(line.contains(" pid=77 fh=0xabcd -> ok "), line);
        String other = lineOf(RequestBytes.of(Opcode.SETATTR, 1).bytes(new byte[88]));
        int shown = other.indexOf(" -> ok ");
        assertEquals(other.substring(shown), line.substring(line.indexOf(" -> ok ")));
    }

    @Test
    void whatCouldMoveATerminalIsEscaped() {
        String line = lineOf(lookup((byte) 0x1b, (byte) '[', (byte) '\n', (byte) '"', (byte) '\\'));
        assertTrue(line.contains("name=\"\\x1b[\\x0a\\x22\\x5c\" -> ok"), line);
        line = lineOf(RequestBytes.of(Opcode.LOOKUP, 1).name("a\u202eb\u2028\u009b"));
        assertTrue(line.contains("name=\"a\\xe2\\x80\\xaeb\\xe2\\x80\\xa8\\xc2\\x9b\""), line);
    }

    @Test
    void utf8IsShownAndOtherBytesAreEscaped() {
        assertTrue(lineOf(RequestBytes.of(Opcode.LOOKUP, 1).name("é€😀")).contains("\"é€😀\""));
        assertTrue(
                lineOf(lookup((byte) 0xe9, (byte) 'x', (byte) 0xff)).contains("\"\\xe9x\\xff\""));
        assertTrue(lineOf(lookup((byte) 'a', (byte) 0xe2, (byte) 0x82)).contains("a\\xe2\\x82\""));
    }

    @Test
    void nameWithoutEndIsMarked() {
        String line = lineOf(RequestBytes.of(Opcode.UNLINK, 1).bytes(new byte[] {'a', 'b'}));
        assertTrue(line.endsWith("name=\"ab\"(no end) -> EINVAL"), line);
    }

    @Test
    void longTargetIsCut() {
        String line = lineOf(RequestBytes.of(Opcode.SYMLINK, 1).name("l").name("t".repeat(4000)));
        assertTrue(line.contains("t".repeat(300) + "...\""), line);
        assertTrue(line.length() < 600);
    }

    @Test
    void brokenRequestsAreDescribedToo() {
        s.send(new byte[7], TestSession.ROOM);
        assertEquals("request of 7 bytes, too short for a header", lines.getLast());
        assertTrue(lineOf(RequestBytes.of(77, 3)).startsWith("opcode 77 unique=34 node=3 "));
        assertTrue(lines.getLast().endsWith(" -> ENOSYS"));
        assertTrue(lineOf(RequestBytes.of(Opcode.WRITE, 3)).endsWith("pid=77 -> EINVAL"));
    }

    @Test
    void everyVectorBecomesOneLine() {
        for (WireVector v : WireVector.all()) {
            s.init(WireVectorsTest.FLAGS);
            s.fs.answer(v.answer());
            lines.clear();
            s.send(v.request(), v.room());
            assertEquals(1, lines.size());
            assertFalse(lines.getFirst().contains("\n"), lines.getFirst());
            assertTrue(lines.getFirst().contains(" -> "), lines.getFirst());
            s.fs.clear();
        }
    }

    @Test
    void repliesAreDescribed() {
        RequestBytes write =
                RequestBytes.of(Opcode.WRITE, 5)
                        .u64(0xabc, 4096)
                        .u32(3, 0)
                        .u64(0)
                        .u32(0, 0)
                        .bytes(new byte[3]);
        s.fs.answer(3);
        assertTrue(lineOf(write).endsWith(" fh=0xabc offset=4096 size=3 -> ok 3 bytes"));
        assertTrue(lineOf(RequestBytes.of(Opcode.READLINK, 5)).endsWith(" -> ok target=\"ABC\""));
        RequestBytes forget = RequestBytes.of(Opcode.FORGET, 5).u64(2);
        assertTrue(lineOf(forget).endsWith(" count=2 -> no reply"));
    }
}
