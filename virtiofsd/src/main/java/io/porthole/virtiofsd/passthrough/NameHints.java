package io.porthole.virtiofsd.passthrough;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Guesses whether a name leads to an inode that the guest knows already, before anything is asked
 * of the kernel. A known name is best met with a statx of the name alone, a new one with an open,
 * which tells all that the statx would.
 *
 * <p>A guess decides only which system calls are made, never what is answered: a wrong one costs a
 * call or two. So there is no lock and no fence, and names may share an entry.
 */
final class NameHints {
    private static final int ENTRIES = 1 << 16;
    private static final long MIX = 0x9e3779b97f4a7c15L;

    private final byte[] known = new byte[ENTRIES];

    /**
     * The entry of a name, from 1 on.
     *
     * @param parentSlot the directory's slot
     * @param at where the name is in {@code s}, {@code nameBytes} long
     */
    static int of(int parentSlot, MemorySegment s, long at, int nameBytes) {
        long hash = parentSlot * MIX;
        int i = 0;
        for (; i + Long.BYTES <= nameBytes; i += Long.BYTES) {
            hash = (hash ^ s.get(ValueLayout.JAVA_LONG_UNALIGNED, at + i)) * MIX;
            hash ^= hash >>> 32;
        }
        for (; i < nameBytes; i++) {
            hash = (hash ^ s.get(ValueLayout.JAVA_BYTE, at + i)) * MIX;
        }
        return 1 + (int) ((hash ^ hash >>> 29) & 0x7fffffff) % (ENTRIES - 1);
    }

    boolean isKnown(int hint) {
        return known[hint] != 0;
    }

    void known(int hint) {
        if (known[hint] == 0) {
            known[hint] = 1;
        }
    }

    /** An inode has ended whose name this was; 0 for one that never had a hint. */
    void forgotten(int hint) {
        known[hint] = 0;
    }
}
