package io.porthole.virtiofsd.passthrough;

import io.porthole.linux.Capabilities;
import io.porthole.linux.Errno;
import io.porthole.linux.SyscallException;
import io.porthole.linux.Syscalls;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Who the calling thread is towards the host's file systems: the daemon itself, or a caller in the
 * guest while something is created for it. One thread's own object; the raw system calls that it
 * makes change that thread only.
 *
 * <p>The identity is kept until another one is needed, so a row of creations by one caller, with
 * looks and reads between them, costs no system call. Capabilities are kept throughout
 * (SECBIT_NO_SETUID_FIXUP, or capset(2) after each change where that bit could not be set), so an
 * identity decides about the owner of what is created, about quota and reserved blocks, and not
 * about access, which the guest's kernel has checked.
 *
 * <p>CAP_FSETID would keep a set-group-ID bit that the caller has no right to (CVE-2018-13405,
 * CVE-2022-0358); {@link #withoutFsetid} takes it away for one call. Supplementary groups are empty
 * on request threads for the same reason.
 *
 * <p>Without CAP_SETUID and CAP_SETGID nobody's identity can be taken on: guest root then acts as
 * the daemon, and other callers get EPERM.
 */
final class ThreadCredentials {
    private static final long DAC_OVERRIDE = 1L << Capabilities.CAP_DAC_OVERRIDE;
    private static final long FSETID = 1L << Capabilities.CAP_FSETID;
    private static final long SETIDS =
            1L << Capabilities.CAP_SETUID | 1L << Capabilities.CAP_SETGID;
    private static final int PR_GET_SECUREBITS = 27;
    private static final int PR_SET_SECUREBITS = 28;
    private static final int SECBIT_NO_SETUID_FIXUP = 1 << 2;

    private static final int UNCHANGED = -1;

    private final Syscalls sys;
    private final long capHeader;
    private final MemorySegment capData;
    private final MemorySegment group;
    private final int ownUid;
    private final int ownGid;
    private final long effective;
    private final boolean mayChange;
    private final boolean readsAsAnyone;
    private final boolean fixup;
    private int uid;
    private int gid;
    private int umask;
    private boolean fsetidAway;

    /**
     * Sets the calling thread up: no supplementary groups, umask 0.
     *
     * @param arena lives as long as the thread serves
     */
    ThreadCredentials(Syscalls sys, Arena arena) throws SyscallException {
        this.sys = sys;
        MemorySegment header = arena.allocate(Capabilities.HEADER_BYTES, Integer.BYTES);
        Capabilities.setHeader(header, 0, 0);
        capHeader = header.address();
        capData = arena.allocate(Capabilities.DATA_BYTES, Integer.BYTES);
        group = arena.allocate(Integer.BYTES, Integer.BYTES);
        SyscallException.check(sys.capget(capHeader, capData.address()), "capget", null);
        effective = Capabilities.effective(capData, 0);
        mayChange = (effective & SETIDS) == SETIDS;
        readsAsAnyone = (effective & DAC_OVERRIDE) != 0;
        // An id of -1 is invalid, so nothing changes and the present one is returned.
        ownUid = (int) sys.setfsuid(UNCHANGED);
        ownGid = (int) sys.setfsgid(UNCHANGED);
        uid = ownUid;
        gid = ownGid;
        long bits = sys.prctl(PR_GET_SECUREBITS, 0, 0, 0, 0);
        fixup =
                (bits & SECBIT_NO_SETUID_FIXUP) == 0
                        && sys.prctl(PR_SET_SECUREBITS, bits | SECBIT_NO_SETUID_FIXUP, 0, 0, 0) < 0;
        if (mayChange) {
            SyscallException.check(sys.setgroups(0, 0), "setgroups", null);
        }
        sys.umask(0);
    }

    /**
     * Whether it makes no difference, on a file system of this machine, who looks and reads: the
     * thread may do so whoever it is.
     */
    boolean readsAsAnyone() {
        return readsAsAnyone;
    }

    /** Makes the thread the daemon itself again. */
    void self() {
        if (uid != ownUid || gid != ownGid) {
            // Back to the saved ids, which is always allowed.
            change(ownUid, ownGid);
        }
    }

    /**
     * Makes the thread a caller in the guest.
     *
     * @return 0, -EPERM where the daemon may not, -EINVAL where the host has no such id
     */
    long become(int newUid, int newGid) {
        return newUid == uid && newGid == gid ? 0 : becomeOther(newUid, newGid);
    }

    private long becomeOther(int newUid, int newGid) {
        if (newUid == UNCHANGED || newGid == UNCHANGED) {
            return -Errno.EINVAL;
        }
        if (!mayChange) {
            boolean self = (newUid == 0 || newUid == ownUid) && (newGid == 0 || newGid == ownGid);
            return self ? 0 : -Errno.EPERM;
        }
        long result = change(newUid, newGid);
        if (result < 0) {
            change(ownUid, ownGid);
        }
        return result;
    }

    /** Effective ids only: the saved ones stay, and with them the way back. */
    private long change(int newUid, int newGid) {
        long result = 0;
        if (newGid != gid) {
            result = sys.setresgid(UNCHANGED, newGid, UNCHANGED);
            if (result < 0) {
                return result;
            }
            gid = newGid;
        }
        if (newUid != uid) {
            result = sys.setresuid(UNCHANGED, newUid, UNCHANGED);
            if (result < 0) {
                return result;
            }
            uid = newUid;
            if (fixup) {
                result = setEffective(effective);
            }
        }
        return result;
    }

    /** The umask of what is created next. */
    void umask(int mask) {
        if (mask != umask) {
            sys.umask(mask);
            umask = mask;
        }
    }

    /**
     * Takes CAP_FSETID away until {@link #withFsetid}, if that is wanted and it is there.
     *
     * @return 0 or -errno
     */
    long withoutFsetid(boolean wanted) {
        if (!wanted || (effective & FSETID) == 0) {
            return 0;
        }
        long result = setEffective(effective & ~FSETID);
        fsetidAway = result >= 0;
        return result;
    }

    /** Gives it back, if it was taken away. */
    void withFsetid() {
        if (fsetidAway) {
            setEffective(effective);
            fsetidAway = false;
        }
    }

    /** Gives the thread one supplementary group until {@link #withoutGroups}. */
    long withGroup(int supplementary) {
        if (!mayChange) {
            return 0;
        }
        group.set(ValueLayout.JAVA_INT, 0, supplementary);
        return sys.setgroups(1, group.address());
    }

    void withoutGroups() {
        if (mayChange) {
            sys.setgroups(0, 0);
        }
    }

    private long setEffective(long set) {
        Capabilities.effective(capData, 0, set);
        return sys.capset(capHeader, capData.address());
    }
}
