package io.porthole.virtiofsd.metrics;

import io.porthole.linux.Errno;
import java.util.Locale;

/** Kinds of failure: few enough to be a label of a metric, telling enough to be one. */
public enum ErrorClass {
    /** Usual: the file was looked for in vain. */
    NOT_FOUND(0),
    EXISTS(1),
    PERMISSION(2),
    READ_ONLY(3),
    UNSUPPORTED(4),
    NO_SPACE(5),
    /** A node id, handle or descriptor that means nothing any more. */
    STALE(6),
    /** No such attribute. */
    NO_DATA(7),
    INVALID(8),
    /** Would block, was interrupted, or would wait for ever. */
    AGAIN(9),
    /** ENFILE, EMFILE, ENOMEM: the daemon or the host ran out of something. */
    RESOURCES(10),
    IO(11),
    OTHER(12);

    private static final ErrorClass[] ALL = values();

    private final int column;

    ErrorClass(int column) {
        this.column = column;
    }

    /** Its place among the columns of errors, and in {@link #at}. */
    int column() {
        return column;
    }

    /** As a label's value. */
    public String label() {
        return name().toLowerCase(Locale.ROOT);
    }

    /**
     * @param errno positive
     */
    static ErrorClass of(long errno) {
        return switch ((int) errno) {
            case Errno.ENOENT -> NOT_FOUND;
            case Errno.EEXIST, Errno.ENOTEMPTY -> EXISTS;
            case Errno.EACCES, Errno.EPERM -> PERMISSION;
            case Errno.EROFS -> READ_ONLY;
            case Errno.ENOSYS, Errno.EOPNOTSUPP -> UNSUPPORTED;
            case Errno.ENOSPC, Errno.EDQUOT, Errno.EFBIG -> NO_SPACE;
            case Errno.ESTALE, Errno.EBADF -> STALE;
            case Errno.ENODATA -> NO_DATA;
            case Errno.EINVAL,
                    Errno.ENOTDIR,
                    Errno.EISDIR,
                    Errno.ELOOP,
                    Errno.ENAMETOOLONG,
                    Errno.ERANGE,
                    Errno.E2BIG,
                    Errno.EXDEV ->
                    INVALID;
            case Errno.EAGAIN, Errno.EINTR, Errno.EDEADLK -> AGAIN;
            case Errno.ENFILE, Errno.EMFILE, Errno.ENOMEM -> RESOURCES;
            case Errno.EIO -> IO;
            default -> OTHER;
        };
    }

    static ErrorClass at(int column) {
        return ALL[column];
    }

    static int count() {
        return ALL.length;
    }
}
