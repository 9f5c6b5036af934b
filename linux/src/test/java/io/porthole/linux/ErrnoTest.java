package io.porthole.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class ErrnoTest {
    @Test
    void numberIsDescribedWithNameAndSentence() {
        assertEquals("ENOENT (No such file or directory)", Errno.describe(2));
        assertEquals("ENOENT (No such file or directory)", Errno.describe(-2));
        assertEquals("EAGAIN", Errno.name(Errno.EWOULDBLOCK));
        assertEquals("EHWPOISON", Errno.name(133));
    }

    @Test
    void unknownNumberIsShownAsItIs() {
        assertEquals("errno 4711", Errno.describe(4711));
        assertEquals("errno 41", Errno.name(41));
        assertEquals("errno 4294967298", Errno.name(4294967298L));
    }
}
