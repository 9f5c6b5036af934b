package io.porthole.virtiofsd.passthrough;

import io.porthole.fuse.FuseOpenIn;
import io.porthole.fuse.InitFlags;
import io.porthole.linux.StatMode;

/**
 * Which requests that change a file's content take its set-user-ID and set-group-ID with them.
 * Linux clears both when the caller lacks CAP_FSETID, and the host's kernel would do so too, but
 * for that capability of the daemon. Who tells the daemon to put it away:
 *
 * <ul>
 *   <li>WRITE and SETATTR have a flag in a session with HANDLE_KILLPRIV_V2. In one without, the
 *       guest's kernel sends the new mode by itself.
 *   <li>OPEN with O_TRUNC has the flag in such a session, too. In one without, nothing else is
 *       sent, so the caller decides: whoever is not root.
 *   <li>FALLOCATE and COPY_FILE_RANGE have no flag. Without HANDLE_KILLPRIV_V2 the guest's kernel
 *       (Linux 6.1 and newer) sends the new mode by itself; with it, the caller decides.
 * </ul>
 *
 * <p>Linux 6.12 and newer do not say who the caller is ({@link #UNKNOWN}) except with requests that
 * create. Then the bits go, too: a file that root has to give them again is the lesser harm.
 */
final class SetIdBits {
    /** A caller's id that the guest's kernel has left out, in a session with ALLOW_IDMAP. */
    static final int UNKNOWN = -1;

    private SetIdBits() {}

    /** With an OPEN that empties the file. */
    static boolean goWithOpen(Share share, int openFlags, int uid) {
        return (openFlags & FuseOpenIn.FUSE_OPEN_KILL_SUIDGID) != 0
                || (uid != 0 && !share.agreed(InitFlags.FUSE_HANDLE_KILLPRIV_V2));
    }

    /** With a FALLOCATE or COPY_FILE_RANGE. */
    static boolean goWithChange(Share share, int uid) {
        return uid != 0 && (uid != UNKNOWN || share.agreed(InitFlags.FUSE_HANDLE_KILLPRIV_V2));
    }

    /** Whether a mode has either. */
    static boolean areIn(int mode) {
        return (mode & (StatMode.S_ISUID | StatMode.S_ISGID)) != 0;
    }
}
