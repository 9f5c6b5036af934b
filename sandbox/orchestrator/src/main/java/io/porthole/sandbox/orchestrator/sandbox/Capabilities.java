package io.porthole.sandbox.orchestrator.sandbox;

import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/** Which capabilities a container's process has (capabilities(7)). */
final class Capabilities {
    static final List<String> ALL =
            List.of(
                    "CAP_CHOWN",
                    "CAP_DAC_OVERRIDE",
                    "CAP_DAC_READ_SEARCH",
                    "CAP_FOWNER",
                    "CAP_FSETID",
                    "CAP_KILL",
                    "CAP_SETGID",
                    "CAP_SETUID",
                    "CAP_SETPCAP",
                    "CAP_LINUX_IMMUTABLE",
                    "CAP_NET_BIND_SERVICE",
                    "CAP_NET_BROADCAST",
                    "CAP_NET_ADMIN",
                    "CAP_NET_RAW",
                    "CAP_IPC_LOCK",
                    "CAP_IPC_OWNER",
                    "CAP_SYS_MODULE",
                    "CAP_SYS_RAWIO",
                    "CAP_SYS_CHROOT",
                    "CAP_SYS_PTRACE",
                    "CAP_SYS_PACCT",
                    "CAP_SYS_ADMIN",
                    "CAP_SYS_BOOT",
                    "CAP_SYS_NICE",
                    "CAP_SYS_RESOURCE",
                    "CAP_SYS_TIME",
                    "CAP_SYS_TTY_CONFIG",
                    "CAP_MKNOD",
                    "CAP_LEASE",
                    "CAP_AUDIT_WRITE",
                    "CAP_AUDIT_CONTROL",
                    "CAP_SETFCAP",
                    "CAP_MAC_OVERRIDE",
                    "CAP_MAC_ADMIN",
                    "CAP_SYSLOG",
                    "CAP_WAKE_ALARM",
                    "CAP_BLOCK_SUSPEND",
                    "CAP_AUDIT_READ",
                    "CAP_PERFMON",
                    "CAP_BPF",
                    "CAP_CHECKPOINT_RESTORE");

    /** What container engines give by default. */
    static final List<String> DEFAULT =
            List.of(
                    "CAP_CHOWN",
                    "CAP_DAC_OVERRIDE",
                    "CAP_FSETID",
                    "CAP_FOWNER",
                    "CAP_MKNOD",
                    "CAP_NET_RAW",
                    "CAP_SETGID",
                    "CAP_SETUID",
                    "CAP_SETFCAP",
                    "CAP_SETPCAP",
                    "CAP_NET_BIND_SERVICE",
                    "CAP_SYS_CHROOT",
                    "CAP_KILL",
                    "CAP_AUDIT_WRITE");

    private Capabilities() {}

    /** The default set with additions and removals; "ALL" stands for every one. */
    static List<String> of(boolean privileged, List<String> add, List<String> drop) {
        if (privileged) {
            return ALL;
        }
        Set<String> set = new LinkedHashSet<>(DEFAULT);
        if (drop.stream().anyMatch(Capabilities::isAll)) {
            set.clear();
        }
        if (add.stream().anyMatch(Capabilities::isAll)) {
            set.addAll(ALL);
        }
        drop.stream().filter(c -> !isAll(c)).map(Capabilities::name).forEach(set::remove);
        add.stream().filter(c -> !isAll(c)).map(Capabilities::name).forEach(set::add);
        return List.copyOf(set);
    }

    private static boolean isAll(String name) {
        return name.equalsIgnoreCase("ALL");
    }

    /** The full name of {@code net_admin}, {@code NET_ADMIN} or {@code CAP_NET_ADMIN}. */
    static String name(String text) {
        String upper = text.toUpperCase(Locale.ROOT);
        String name = upper.startsWith("CAP_") ? upper : "CAP_" + upper;
        if (!ALL.contains(name)) {
            throw new IllegalArgumentException("there is no capability called " + text);
        }
        return name;
    }
}
