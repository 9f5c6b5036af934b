package io.porthole.linux;

import java.lang.foreign.MemoryLayout.PathElement;
import java.lang.foreign.StructLayout;

/** What the structure classes share. */
final class Structs {
    private Structs() {}

    /** Byte offset of the named member. */
    static long offset(StructLayout layout, String member) {
        return layout.byteOffset(PathElement.groupElement(member));
    }
}
