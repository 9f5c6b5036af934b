package io.porthole.virtiofsd.lockboard;

import io.porthole.linux.Fcntl;

/**
 * A byte range of a file of the host, locked or wanted.
 *
 * @param device st_dev as {@code major << 32 | minor}
 * @param inode st_ino
 * @param start first byte
 * @param end last byte; Long.MAX_VALUE is as far as the file may grow
 * @param type F_RDLCK or F_WRLCK
 */
public record FileRange(long device, long inode, long start, long end, int type) {
    /** Whether two owners cannot have these at once. */
    boolean excludes(FileRange other) {
        return device == other.device
                && inode == other.inode
                && start <= other.end
                && other.start <= end
                && (type == Fcntl.F_WRLCK || other.type == Fcntl.F_WRLCK);
    }

    /** Whether it is what an honest daemon may have written. */
    boolean isPossible() {
        return start >= 0 && end >= start && (type == Fcntl.F_RDLCK || type == Fcntl.F_WRLCK);
    }
}
