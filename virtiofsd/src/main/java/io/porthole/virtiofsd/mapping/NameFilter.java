package io.porthole.virtiofsd.mapping;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Which names of a list of listxattr(2) the guest gets, and how much of each. */
public interface NameFilter {
    /**
     * How many bytes a name of the host loses at its front, or -1 where it is left out.
     *
     * @param nameBytes without the NUL
     */
    int cut(MemorySegment list, long at, int nameBytes);

    /**
     * Turns the host's list of names into the guest's, in place: names only get shorter.
     *
     * @param bytes of NUL-terminated names, from 0 on
     * @return bytes that are left
     */
    default int toGuest(MemorySegment list, int bytes) {
        int kept = 0;
        int at = 0;
        while (at < bytes) {
            int end = at;
            while (end < bytes && list.get(ValueLayout.JAVA_BYTE, end) != 0) {
                end++;
            }
            int cut = cut(list, at, end - at);
            int length = end - at - cut;
            if (cut >= 0 && length > 0) {
                MemorySegment.copy(list, at + cut, list, kept, length);
                list.set(ValueLayout.JAVA_BYTE, kept + length, (byte) 0);
                kept += length + 1;
            }
            at = end + 1;
        }
        return kept;
    }
}
