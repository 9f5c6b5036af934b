package io.porthole.virtiofsd.cli;

import org.jspecify.annotations.Nullable;

/** Every option: its name, its value's name where it takes one, and its line in the help. */
enum OptionTable {
    SOCKET_PATH("socket-path", "PATH", "Listen for the VMM on this unix socket"),
    SOCKET("socket", "PATH", "The same (deprecated)"),
    FD("fd", "N", "Listen on this inherited, already listening socket instead"),
    SOCKET_GROUP(
            "socket-group", "GROUP", "Give the socket to this group, whose members may connect"),
    SHARED_DIR("shared-dir", "DIR", "The directory to share"),
    TAG("tag", "TAG", "Mount tag, given to front-ends that ask for it (at most 36 bytes)"),
    SHARE("share", "SPEC", "One of several: TAG=DIR,socket=PATH[,ro][,OPTION[=VALUE]]..."),
    CONFIG("config", "FILE", "Several shares from a TOML file"),
    CONTROL("control", "PATH", "Take orders on this socket: virtiofsd ctl add, remove, list"),
    METRICS("metrics", "ADDRESS", "Serve metrics at unix:PATH or 127.0.0.1:PORT"),
    MOUNT("mount", "DIR", "Serve no VMM: mount the share on this host's DIR"),
    MOUNT_THREADS("mount-threads", "N", "Threads that serve the mount (default 2)"),
    KEEP_RUNNING("keep-running", null, "Wait for the next VMM when one has gone"),
    CACHE("cache", "POLICY", "never, auto (default), metadata or always"),
    XATTR("xattr", null, "Pass extended attributes through"),
    READONLY("readonly", null, "Refuse every change with EROFS"),
    WRITEBACK("writeback", null, "Let the guest cache writes"),
    ALLOW_DIRECT_IO("allow-direct-io", null, "Honour the guest's O_DIRECT"),
    ALLOW_MMAP("allow-mmap", null, "Shared mmap of files opened with cache=never"),
    ALLOW_PROJECT_IDS(
            "allow-project-ids",
            null,
            "Let the guest change whose project quota a file counts for"),
    PRESERVE_NOATIME("preserve-noatime", null, "Honour the guest's O_NOATIME"),
    NO_READDIRPLUS("no-readdirplus", null, "Do not use READDIRPLUS"),
    ANNOUNCE_SUBMOUNTS(
            "announce-submounts", null, "Show mounts below the share as mounts (default)"),
    NO_ANNOUNCE_SUBMOUNTS("no-announce-submounts", null, "Do not"),
    KILLPRIV_V2("killpriv-v2", null, "Clear setuid, setgid and capabilities on write here"),
    NO_KILLPRIV_V2("no-killpriv-v2", null, "Leave that to the guest (default)"),
    POSIX_ACL(
            "posix-acl",
            null,
            "Access control lists: never, auto or (alone) always (implies --xattr)"),
    SECURITY_LABEL("security-label", null, "New files get the guest's label: as --posix-acl"),
    POSIX_LOCK("posix-lock", null, "fcntl locks hold between guests and with the host"),
    LOCK_BOARD("lock-board", "FILE", "See deadlocks with all daemons that are given this FILE"),
    FLOCK("flock", null, "flock locks hold between guests and with the host"),
    INODE_FILE_HANDLES("inode-file-handles", "MODE", "never, prefer (default) or mandatory"),
    MAX_OPEN_INODES("max-open-inodes", "N", "Descriptors pinned for inodes at most"),
    RLIMIT_NOFILE("rlimit-nofile", "N", "Limit of open descriptors (0: leave it)"),
    THREAD_POOL_SIZE("thread-pool-size", "N", "Accepted: work is done on the queues' own threads"),
    REQUEST_QUEUES(
            "request-queues", "N", "Request queues offered to front-ends that ask (default 8)"),
    DAX("dax", "MODE", "Let the guest map files: never (default), inode or always"),
    DAX_WINDOW(
            "dax-window", "SIZE", "Size of its window: 2M to 512M, a power of two (default 256M)"),
    DAX_THRESHOLD("dax-threshold", "SIZE", "Least size of a file mapped by inode (default 1M)"),
    SANDBOX("sandbox", "MODE", "namespace (default), chroot or none"),
    SECCOMP("seccomp", "ACTION", "kill (default), log, trap or none"),
    MODCAPS("modcaps", "LIST", "Change the capabilities kept, as +sys_admin:-mknod"),
    XATTRMAP("xattrmap", "RULES", "Map names of extended attributes (implies --xattr)"),
    TRANSLATE_UID("translate-uid", "RULE", "Translate user ids (type:source:target:count)"),
    TRANSLATE_GID("translate-gid", "RULE", "Translate group ids (type:source:target:count)"),
    UID_MAP("uid-map", "MAP", "User ids of the sandbox's user namespace (:ns:host:count:)"),
    GID_MAP("gid-map", "MAP", "Group ids of the sandbox's user namespace"),
    MIGRATION_MODE("migration-mode", "MODE", "How to migrate (not supported)"),
    MIGRATION_ON_ERROR("migration-on-error", "WHAT", "What to do then (not supported)"),
    MIGRATION_VERIFY_HANDLES("migration-verify-handles", null, "Check then (not supported)"),
    MIGRATION_CONFIRM_PATHS("migration-confirm-paths", null, "Check then (not supported)"),
    LOG_LEVEL("log-level", "LEVEL", "off, error, warn, info (default), debug or trace"),
    SYSLOG("syslog", null, "Log to syslog instead of standard error"),
    PRINT_CAPABILITIES("print-capabilities", null, "Print the vhost-user capabilities as JSON"),
    HELP("help", null, "Print this"),
    VERSION("version", null, "Print the version");

    final String label;
    final @Nullable String valueName;
    final String help;

    OptionTable(String label, @Nullable String valueName, String help) {
        this.label = label;
        this.valueName = valueName;
        this.help = help;
    }

    static @Nullable OptionTable find(String label) {
        for (OptionTable option : values()) {
            if (option.label.equals(label)) {
                return option;
            }
        }
        return null;
    }

    /** Whether the option is about the process, so that a single share cannot have its own. */
    boolean ofProcess() {
        return switch (this) {
            case SHARE,
                    CONFIG,
                    CONTROL,
                    METRICS,
                    MOUNT,
                    MOUNT_THREADS,
                    KEEP_RUNNING,
                    LOCK_BOARD,
                    RLIMIT_NOFILE,
                    SANDBOX,
                    SECCOMP,
                    MODCAPS,
                    UID_MAP,
                    GID_MAP,
                    MIGRATION_MODE,
                    MIGRATION_ON_ERROR,
                    MIGRATION_VERIFY_HANDLES,
                    MIGRATION_CONFIRM_PATHS,
                    LOG_LEVEL,
                    SYSLOG,
                    PRINT_CAPABILITIES,
                    HELP,
                    VERSION ->
                    true;
            default -> false;
        };
    }

    /** The text of --help. */
    static String usage() {
        StringBuilder text = new StringBuilder(4096);
        text.append(
                """
                Shares a directory with a virtual machine over vhost-user virtiofs.

                Usage: virtiofsd --shared-dir DIR (--socket-path PATH | --fd N) [options]
                       virtiofsd --share TAG=DIR,socket=PATH[,OPTION]... [--share ...] [options]
                       virtiofsd (ctl | top) --help

                """);
        for (OptionTable option : values()) {
            int start = text.length();
            text.append("      --").append(option.label);
            if (option.valueName != null) {
                text.append(' ').append(option.valueName);
            }
            do {
                text.append(' ');
            } while (text.length() - start < 36);
            text.append(option.help).append('\n');
        }
        return text.append(
                        """
                          -o NAME[=VALUE],...               The same options in QEMU's older form

                        With --share, --config or --control, several virtual machines are served until a signal
                        ends the process; see also: virtiofsd ctl --help, virtiofsd top --help.

                        Else serves one virtual machine and ends with it. Exit status: 0 after the VMM left, 1 after
                        a failure or a signal, 2 for a wrong command line. As a systemd service with a socket
                        unit, neither --socket-path nor --fd is needed.

                        Example:
                          virtiofsd --shared-dir /srv/data --socket-path /run/data.sock
                          qemu-system-x86_64 -m 2G -object memory-backend-memfd,id=mem,size=2G,share=on \\
                              -M q35,memory-backend=mem -chardev socket,id=fs0,path=/run/data.sock \\
                              -device vhost-user-fs-pci,chardev=fs0,tag=data,queue-size=1024 ...
                          mount -t virtiofs data /mnt        # in the guest
                        """)
                .toString();
    }
}
