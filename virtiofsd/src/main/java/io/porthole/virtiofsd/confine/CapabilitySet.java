package io.porthole.virtiofsd.confine;

import io.porthole.linux.Capabilities;
import io.porthole.linux.SyscallException;
import io.porthole.linux.Syscalls;
import io.porthole.virtiofsd.cli.UsageException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Locale;

/**
 * A set of capabilities, as a bit mask (capabilities(7), linux/capability.h), and the way to make
 * it the calling thread's own.
 */
public final class CapabilitySet {
    /** In the order of their numbers. */
    private static final String[] NAMES = {
        "chown",
        "dac_override",
        "dac_read_search",
        "fowner",
        "fsetid",
        "kill",
        "setgid",
        "setuid",
        "setpcap",
        "linux_immutable",
        "net_bind_service",
        "net_broadcast",
        "net_admin",
        "net_raw",
        "ipc_lock",
        "ipc_owner",
        "sys_module",
        "sys_rawio",
        "sys_chroot",
        "sys_ptrace",
        "sys_pacct",
        "sys_admin",
        "sys_boot",
        "sys_nice",
        "sys_resource",
        "sys_time",
        "sys_tty_config",
        "mknod",
        "lease",
        "audit_write",
        "audit_control",
        "setfcap",
        "mac_override",
        "mac_admin",
        "syslog",
        "wake_alarm",
        "block_suspend",
        "audit_read",
        "perfmon",
        "bpf",
        "checkpoint_restore"
    };

    /** What serving files needs: the peers' set. */
    private static final String[] SERVING = {
        "chown", "dac_override", "fowner", "fsetid", "setgid", "setuid", "mknod", "setfcap"
    };

    // linux/prctl.h, linux/securebits.h
    private static final int PR_GET_SECUREBITS = 27;
    private static final int PR_SET_SECUREBITS = 28;
    private static final int SECBIT_NO_SETUID_FIXUP = 1 << 2;

    private CapabilitySet() {}

    /**
     * The serving set, with {@code modcaps} applied: signed names separated by colons, as in {@code
     * +sys_admin:-mknod}.
     *
     * @param fileHandles whether inodes are opened by handle, which needs CAP_DAC_READ_SEARCH
     */
    public static long serving(String modcaps, boolean fileHandles) throws UsageException {
        long mask = 0;
        for (String name : SERVING) {
            mask |= bit(name);
        }
        if (fileHandles) {
            mask |= bit("dac_read_search");
        }
        int start = 0;
        while (start < modcaps.length()) {
            int colon = modcaps.indexOf(':', start);
            int end = colon < 0 ? modcaps.length() : colon;
            String item = modcaps.substring(start, end);
            char sign = item.isEmpty() ? ' ' : item.charAt(0);
            if (sign != '+' && sign != '-') {
                throw new UsageException(
                        "--modcaps takes signed names such as +sys_admin:-mknod, not '"
                                + item
                                + "'");
            }
            long bit = bit(item.substring(1).toLowerCase(Locale.ROOT));
            mask = sign == '+' ? mask | bit : mask & ~bit;
            start = end + 1;
        }
        return mask;
    }

    private static long bit(String name) throws UsageException {
        String plain = name.startsWith("cap_") ? name.substring(4) : name;
        for (int i = 0; i < NAMES.length; i++) {
            if (NAMES[i].equals(plain)) {
                return 1L << i;
            }
        }
        throw new UsageException("--modcaps: there is no capability '" + name + "'");
    }

    /**
     * Leaves the calling thread, and those it starts, with no more than {@code mask}. Also sets
     * SECBIT_NO_SETUID_FIXUP, so that setfsuid(2) changes who owns a new file and nothing else.
     *
     * @return the set that is left: the mask, less what the thread never had
     */
    public static long limitTo(Syscalls sys, long mask) throws SyscallException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment header = arena.allocate(Capabilities.HEADER_BYTES, 4);
            MemorySegment data = arena.allocate(Capabilities.DATA_BYTES, 4);
            Capabilities.setHeader(header, 0, 0);
            SyscallException.check(sys.capget(header.address(), data.address()), "capget", null);
            long left = Capabilities.permitted(data, 0) & mask;
            long bits = sys.prctl(PR_GET_SECUREBITS, 0, 0, 0, 0);
            if (bits >= 0) {
                // Refused without CAP_SETPCAP; then nobody's identity can be taken on either.
                sys.prctl(PR_SET_SECUREBITS, bits | SECBIT_NO_SETUID_FIXUP, 0, 0, 0);
            }
            Capabilities.permitted(data, 0, left);
            Capabilities.effective(data, 0, left);
            Capabilities.inheritable(data, 0, 0);
            SyscallException.check(sys.capset(header.address(), data.address()), "capset", null);
            return left;
        }
    }
}
