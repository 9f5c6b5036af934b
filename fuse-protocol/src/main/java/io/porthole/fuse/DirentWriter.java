package io.porthole.fuse;

import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import java.lang.foreign.MemorySegment;

/**
 * Appends directory records to a READDIR or READDIRPLUS reply. Each record is padded with zeros to
 * a multiple of 8 bytes, as FUSE_DIRENT_ALIGN of fuse.h has it.
 *
 * <p>Usage: keep {@code (at, end)} of what is still free, append, add what was returned to {@code
 * at}, stop at 0. Nothing allocates.
 */
public final class DirentWriter {
    private DirentWriter() {}

    /** Length of the fuse_dirent of a name, padding included. */
    public static int direntBytes(int nameBytes) {
        return align(FuseDirent.BYTES + nameBytes);
    }

    /** Length of the fuse_direntplus of a name, padding included. */
    public static int direntplusBytes(int nameBytes) {
        return align(FuseDirentplus.BYTES + nameBytes);
    }

    /**
     * Appends a fuse_dirent.
     *
     * @param end first offset of {@code out} that is not free
     * @param nextOffset where a later READDIR goes on behind this record
     * @param type DT_* of readdir(3)
     * @return the bytes written, or 0 if the record does not fit
     */
    public static int append(
            MemorySegment out,
            long at,
            long end,
            long ino,
            long nextOffset,
            int type,
            MemorySegment name,
            long nameAt,
            int nameBytes) {
        int bytes = direntBytes(nameBytes);
        if (bytes > end - at) {
            return 0;
        }
        write(out, at, bytes, ino, nextOffset, type, name, nameAt, nameBytes);
        return bytes;
    }

    /**
     * Appends a fuse_direntplus, except for its fuse_entry_out, which begins at {@code at} and is
     * the caller's to write, before or after. To count no lookup for a record that does not fit,
     * compare {@link #direntplusBytes} with the room first.
     *
     * @return the bytes written, or 0 if the record does not fit
     */
    public static int appendPlus(
            MemorySegment out,
            long at,
            long end,
            long ino,
            long nextOffset,
            int type,
            MemorySegment name,
            long nameAt,
            int nameBytes) {
        int bytes = direntplusBytes(nameBytes);
        if (bytes > end - at) {
            return 0;
        }
        write(
                out,
                at + FuseDirentplus.DIRENT,
                bytes - FuseDirentplus.DIRENT,
                ino,
                nextOffset,
                type,
                name,
                nameAt,
                nameBytes);
        return bytes;
    }

    private static void write(
            MemorySegment out,
            long at,
            int bytes,
            long ino,
            long nextOffset,
            int type,
            MemorySegment name,
            long nameAt,
            int nameBytes) {
        // The last word first: what the name does not cover of it stays zero.
        out.set(JAVA_LONG_UNALIGNED, at + bytes - Long.BYTES, 0);
        FuseDirent.ino(out, at, ino);
        FuseDirent.off(out, at, nextOffset);
        FuseDirent.namelen(out, at, nameBytes);
        FuseDirent.type(out, at, type);
        MemorySegment.copy(name, nameAt, out, at + FuseDirent.BYTES, nameBytes);
    }

    private static int align(int bytes) {
        return (bytes + Long.BYTES - 1) & -Long.BYTES;
    }
}
