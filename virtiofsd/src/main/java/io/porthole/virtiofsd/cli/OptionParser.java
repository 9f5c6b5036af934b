package io.porthole.virtiofsd.cli;

import io.porthole.virtiofsd.mapping.NamespaceIds;
import io.porthole.virtiofsd.mapping.XattrMap;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Reads the command line in its three dialects: {@code --name value}, {@code --name=value}, and
 * QEMU's {@code -o name[=value],...} with {@code no_name} and underscores.
 */
public final class OptionParser {
    private final Options options = new Options();
    private final List<String> shareSpecs = new ArrayList<>();

    /** Whether this reads the command line on behalf of one --share. */
    private final boolean ofShare;

    private OptionParser(boolean ofShare) {
        this.ofShare = ofShare;
    }

    /**
     * Reads and checks the arguments.
     *
     * @throws UsageException with one line to show, where the arguments are wrong or ask for what
     *     is not supported
     */
    public static Options parse(String[] args) throws UsageException {
        return parse(args, -1);
    }

    /**
     * As {@link #parse(String[])}, for a process that was handed a listening socket.
     *
     * @param activatedFd what to listen on if the arguments do not tell; -1 if there is none
     */
    public static Options parse(String[] args, int activatedFd) throws UsageException {
        OptionParser parser = new OptionParser(false);
        parser.readAll(expanded(args, parser.options));
        if (parser.options.manyShares) {
            parser.readShares();
            return parser.options;
        }
        if (parser.options.socketPath == null && parser.options.listenFd < 0) {
            parser.options.listenFd = activatedFd;
        }
        if (parser.options.action == Options.Action.SERVE) {
            new OptionChecks(parser.options, false).whole();
        }
        return parser.options;
    }

    /**
     * Options of one share of several.
     *
     * @param args of the process, which hold for every share that does not say otherwise
     * @param spec {@code TAG=DIR,socket=PATH,...}; a comma within a value is written twice
     */
    static Options parseShare(String[] args, String spec) throws UsageException {
        OptionParser parser = new OptionParser(true);
        parser.readAll(args);
        parser.options.arguments = args;
        List<String> items = ShareSpec.split(spec);
        String first = items.getFirst();
        int equals = first.indexOf('=');
        if (equals <= 0 || equals == first.length() - 1) {
            throw new UsageException(
                    "--share " + spec + ": begins with TAG=DIR, not '" + first + "'");
        }
        parser.applyValue(OptionTable.TAG, first.substring(0, equals));
        parser.applyValue(OptionTable.SHARED_DIR, first.substring(equals + 1));
        for (String item : items.subList(1, items.size())) {
            parser.readShareItem(spec, item);
        }
        new OptionChecks(parser.options, true).whole();
        return parser.options;
    }

    private void readShareItem(String spec, String item) throws UsageException {
        int equals = item.indexOf('=');
        String label = (equals < 0 ? item : item.substring(0, equals)).replace('_', '-');
        String value = equals < 0 ? null : item.substring(equals + 1);
        if (label.equals("ro") || label.equals("rw")) {
            options.readonly = label.equals("ro");
            return;
        }
        OptionTable option = find(label, "'" + item + "' in --share " + spec);
        if (option.ofProcess()) {
            throw new UsageException(
                    "'" + label + "' in --share " + spec + ": holds for the process, give it once");
        }
        if (option.valueName == null) {
            applyFlag(option, value, true);
        } else if (value == null) {
            throw new UsageException(
                    "'"
                            + label
                            + "' in --share "
                            + spec
                            + " needs a value ("
                            + option.valueName
                            + ")");
        } else {
            applyValue(option, value);
        }
    }

    /** The shares of a process that has several. */
    private void readShares() throws UsageException {
        if (options.action != Options.Action.SERVE) {
            return;
        }
        if (!options.sharedDir.isEmpty() || options.socketPath != null || options.listenFd >= 0) {
            throw new UsageException(
                    "--shared-dir, --socket-path and --fd are for one share; with several, --share"
                            + " has them all");
        }
        if (options.mount != null) {
            throw new UsageException("--mount is for one share");
        }
        if (!options.tag.isEmpty()) {
            throw new UsageException("--tag is for one share; --share begins with the tag");
        }
        if (options.sandbox == Options.Sandbox.CHROOT) {
            throw new UsageException(
                    "--sandbox=chroot holds one share; several need namespace (or none)");
        }
        new OptionChecks(options, false).namespaceIds();
        if (shareSpecs.isEmpty() && options.control == null) {
            throw new UsageException("nothing to share, and no --control to add shares by");
        }
        List<Options> shares = new ArrayList<>();
        for (String spec : shareSpecs) {
            Options share = parseShare(options.arguments, spec);
            for (Options other : shares) {
                if (other.tag.equals(share.tag)) {
                    throw new UsageException("two shares have the tag '" + share.tag + "'");
                }
                if (share.socketPath != null && share.socketPath.equals(other.socketPath)) {
                    throw new UsageException("two shares have the socket " + share.socketPath);
                }
            }
            shares.add(share);
            options.warnings.addAll(
                    share.warnings.stream().filter(w -> !options.warnings.contains(w)).toList());
        }
        options.shares = List.copyOf(shares);
        new OptionChecks(options, false).lockBoard();
    }

    private void addShare(String spec) {
        if (!ofShare) {
            options.manyShares = true;
            shareSpecs.add(spec);
        }
    }

    /**
     * Puts the arguments that a configuration file spells out in its place: now, because later, in
     * the jail, it cannot be read.
     */
    private static String[] expanded(String[] args, Options options) throws UsageException {
        List<String> all = null;
        int i = 0;
        while (i < args.length) {
            String path = null;
            int at = i;
            String arg = args[i++];
            if (arg.startsWith("--config=")) {
                path = arg.substring("--config=".length());
            } else if (arg.equals("--config") && i < args.length) {
                path = args[i++];
            }
            if (path == null) {
                if (all != null) {
                    all.add(arg);
                }
                continue;
            }
            if (all == null) {
                all = new ArrayList<>(List.of(args).subList(0, at));
            }
            all.addAll(List.of(ConfigFile.toArguments(path)));
            options.manyShares = true;
        }
        return all == null ? args : all.toArray(new String[0]);
    }

    /** The text of --help. */
    public static String usage() {
        return OptionTable.usage();
    }

    private void readAll(String[] args) throws UsageException {
        if (options.arguments.length == 0) {
            options.arguments = args;
        }
        int i = 0;
        while (i < args.length) {
            String arg = args[i++];
            if (arg.startsWith("--") && arg.length() > 2) {
                int equals = arg.indexOf('=');
                String label = equals < 0 ? arg.substring(2) : arg.substring(2, equals);
                OptionTable option = find(label, arg);
                String value = equals < 0 ? null : arg.substring(equals + 1);
                if (option.valueName == null) {
                    applyFlag(option, value, true);
                } else {
                    if (value == null) {
                        if (i == args.length) {
                            throw new UsageException(
                                    "option --"
                                            + label
                                            + " needs a value ("
                                            + option.valueName
                                            + ")");
                        }
                        value = args[i++];
                    }
                    applyValue(option, value);
                }
            } else if (arg.equals("-o")) {
                if (i == args.length) {
                    throw new UsageException("option -o needs a value (NAME[=VALUE],...)");
                }
                readQemuForm(args[i++]);
            } else if (arg.startsWith("-o") && arg.length() > 2) {
                readQemuForm(arg.substring(2));
            } else {
                readShort(arg);
            }
        }
    }

    private void readShort(String arg) throws UsageException {
        switch (arg) {
            case "-h" -> options.action = Options.Action.PRINT_HELP;
            case "-V" -> options.action = Options.Action.PRINT_VERSION;
            case "-d" -> options.logLevel = Options.LogLevel.DEBUG;
            case "-f" -> {} // The peers' "stay in the foreground": this daemon never leaves it.
            default ->
                    throw new UsageException(
                            arg.startsWith("-")
                                    ? "unknown option " + arg + "; see --help"
                                    : "unexpected argument '" + arg + "'; see --help");
        }
    }

    private void readQemuForm(String list) throws UsageException {
        for (String item : split(list)) {
            int equals = item.indexOf('=');
            String name = equals < 0 ? item : item.substring(0, equals);
            String value = equals < 0 ? null : item.substring(equals + 1);
            boolean on = true;
            if (name.startsWith("no_")) {
                on = false;
                name = name.substring(3);
            }
            switch (name) {
                case "source" -> applyValue(OptionTable.SHARED_DIR, need(item, value));
                case "modcaps", "cache", "sandbox", "xattrmap" ->
                        applyValue(find(name, "-o " + item), need(item, value));
                case "log_level" -> applyValue(OptionTable.LOG_LEVEL, need(item, value));
                case "announce_submounts" -> options.announceSubmounts = on;
                case "xattr" -> options.xattr = on;
                case "readdirplus" -> options.readdirplus = on;
                case "writeback" -> options.writeback = on;
                case "allow_direct_io" -> options.allowDirectIo = on;
                case "killpriv_v2" -> options.killprivV2 = on;
                case "posix_acl" -> options.posixAcl = always(on);
                case "security_label" -> options.securityLabel = always(on);
                case "posix_lock" -> options.posixLock = on;
                case "flock" -> options.flock = on;
                case "timeout" ->
                        throw unsupported("-o timeout", "choose a --cache policy instead");
                default -> throw new UsageException("unknown option -o " + item + "; see --help");
            }
        }
    }

    private static Options.Negotiated always(boolean on) {
        return on ? Options.Negotiated.ALWAYS : Options.Negotiated.NEVER;
    }

    private void applyFlag(OptionTable option, @Nullable String value, boolean on)
            throws UsageException {
        if (value != null
                && option != OptionTable.POSIX_ACL
                && option != OptionTable.SECURITY_LABEL) {
            throw new UsageException("option --" + option.label + " takes no value");
        }
        switch (option) {
            case XATTR -> options.xattr = on;
            case READONLY -> options.readonly = on;
            case WRITEBACK -> options.writeback = on;
            case ALLOW_DIRECT_IO -> options.allowDirectIo = on;
            case ALLOW_MMAP -> options.allowMmap = on;
            case ALLOW_PROJECT_IDS -> options.allowProjectIds = on;
            case PRESERVE_NOATIME -> options.preserveNoatime = on;
            case NO_READDIRPLUS -> options.readdirplus = false;
            case ANNOUNCE_SUBMOUNTS -> options.announceSubmounts = true;
            case NO_ANNOUNCE_SUBMOUNTS -> options.announceSubmounts = false;
            case KILLPRIV_V2 -> options.killprivV2 = true;
            case NO_KILLPRIV_V2 -> options.killprivV2 = false;
            case POSIX_ACL -> options.posixAcl = negotiated(option, value);
            case SECURITY_LABEL -> options.securityLabel = negotiated(option, value);
            case POSIX_LOCK -> options.posixLock = true;
            case FLOCK -> options.flock = true;
            case KEEP_RUNNING -> options.keepRunning = true;
            case SYSLOG -> options.syslog = true;
            case MIGRATION_VERIFY_HANDLES, MIGRATION_CONFIRM_PATHS -> throw noMigration(option);
            case PRINT_CAPABILITIES -> options.action = Options.Action.PRINT_CAPABILITIES;
            case HELP -> options.action = Options.Action.PRINT_HELP;
            case VERSION -> options.action = Options.Action.PRINT_VERSION;
            default -> throw new IllegalStateException(option.name());
        }
    }

    /** A bare flag is always. */
    private static Options.Negotiated negotiated(OptionTable option, @Nullable String value)
            throws UsageException {
        return value == null
                ? Options.Negotiated.ALWAYS
                : oneOf(option, value, Options.Negotiated.values());
    }

    private void applyValue(OptionTable option, String value) throws UsageException {
        switch (option) {
            case SOCKET_PATH, SOCKET -> options.socketPath = notEmpty(option, value);
            case FD -> options.listenFd = (int) number(option, value, 0, Integer.MAX_VALUE);
            case SOCKET_GROUP -> options.socketGroup = notEmpty(option, value);
            case SHARED_DIR -> options.sharedDir = notEmpty(option, value);
            case MOUNT -> options.mount = notEmpty(option, value);
            case MOUNT_THREADS -> options.mountThreads = (int) number(option, value, 1, 64);
            case TAG -> {
                if (notEmpty(option, value).getBytes(StandardCharsets.UTF_8).length
                        > Options.MAX_TAG_BYTES) {
                    throw new UsageException(
                            "tag '"
                                    + value
                                    + "' is longer than "
                                    + Options.MAX_TAG_BYTES
                                    + " bytes");
                }
                options.tag = value;
            }
            case SHARE -> addShare(value);
            case CONFIG -> throw new UsageException("--config cannot be given in another's file");
            case CONTROL -> {
                options.control = notEmpty(option, value);
                options.manyShares |= !ofShare;
            }
            case METRICS -> options.metrics = notEmpty(option, value);
            case LOCK_BOARD -> options.lockBoard = notEmpty(option, value);
            case CACHE -> options.cache = oneOf(option, value, Options.Cache.values());
            case INODE_FILE_HANDLES ->
                    options.fileHandles =
                            value.equals("fallback") // the peer's older name for it
                                    ? Options.FileHandles.PREFER
                                    : oneOf(option, value, Options.FileHandles.values());
            case MAX_OPEN_INODES ->
                    options.maxOpenInodes = (int) number(option, value, 16, 1 << 24);
            case RLIMIT_NOFILE -> options.rlimitNofile = number(option, value, 0, 1L << 30);
            case THREAD_POOL_SIZE -> number(option, value, 0, 1024);
            case REQUEST_QUEUES -> options.requestQueues = (int) number(option, value, 1, 64);
            case DAX -> options.dax = oneOf(option, value, Options.Dax.values());
            case DAX_WINDOW -> options.daxWindowBytes = size(option, value);
            case DAX_THRESHOLD -> options.daxThresholdBytes = size(option, value);
            case SANDBOX -> options.sandbox = oneOf(option, value, Options.Sandbox.values());
            case SECCOMP -> options.seccomp = oneOf(option, value, Options.Seccomp.values());
            case MODCAPS -> options.modcaps = notEmpty(option, value);
            case LOG_LEVEL -> options.logLevel = oneOf(option, value, Options.LogLevel.values());
            case XATTRMAP -> options.xattrMap = xattrMap(value);
            case TRANSLATE_UID -> options.uidRules.add(value);
            case TRANSLATE_GID -> options.gidRules.add(value);
            case UID_MAP -> addRange(option, value, options.namespaceUids);
            case GID_MAP -> addRange(option, value, options.namespaceGids);
            case MIGRATION_MODE, MIGRATION_ON_ERROR -> throw noMigration(option);
            default -> throw new IllegalStateException(option.name());
        }
    }

    private static UsageException noMigration(OptionTable option) {
        return unsupported("--" + option.label, "a virtual machine with this share cannot migrate");
    }

    private static void addRange(OptionTable option, String value, NamespaceIds ids)
            throws UsageException {
        try {
            ids.add(value);
        } catch (IllegalArgumentException e) {
            throw new UsageException("option --" + option.label + ": " + e.getMessage());
        }
    }

    private static XattrMap xattrMap(String rules) throws UsageException {
        try {
            return XattrMap.parse(rules);
        } catch (IllegalArgumentException e) {
            throw new UsageException("option --xattrmap '" + rules + "': " + e.getMessage());
        }
    }

    private static OptionTable find(String label, String asGiven) throws UsageException {
        OptionTable option = OptionTable.find(label);
        if (option == null) {
            throw new UsageException("unknown option " + asGiven + "; see --help");
        }
        return option;
    }

    private static UsageException unsupported(String what, String instead) {
        return new UsageException(what + " is not supported yet: " + instead);
    }

    private static String need(String item, @Nullable String value) throws UsageException {
        if (value == null || value.isEmpty()) {
            throw new UsageException("option -o " + item + " needs a value");
        }
        return value;
    }

    private static String notEmpty(OptionTable option, String value) throws UsageException {
        if (value.isEmpty()) {
            throw new UsageException("option --" + option.label + " is empty");
        }
        return value;
    }

    private static long number(OptionTable option, String value, long least, long most)
            throws UsageException {
        try {
            long number = Long.parseLong(value);
            if (number >= least && number <= most) {
                return number;
            }
        } catch (NumberFormatException e) {
            // Said below, as for a number out of range.
        }
        throw new UsageException(
                "option --"
                        + option.label
                        + " takes a number from "
                        + least
                        + " to "
                        + most
                        + ", not '"
                        + value
                        + "'");
    }

    /** A number of bytes, with K, M or G for its binary multiples. */
    private static long size(OptionTable option, String value) throws UsageException {
        int end = value.length();
        int shift = 0;
        if (end > 1) {
            shift =
                    switch (value.charAt(end - 1)) {
                        case 'k', 'K' -> 10;
                        case 'm', 'M' -> 20;
                        case 'g', 'G' -> 30;
                        default -> 0;
                    };
        }
        String digits = shift == 0 ? value : value.substring(0, end - 1);
        try {
            long number = Long.parseLong(digits);
            if (number >= 0 && number <= Long.MAX_VALUE >> 31) {
                return number << shift;
            }
        } catch (NumberFormatException e) {
            // Said below, as for a number out of range.
        }
        throw new UsageException(
                "option --" + option.label + " takes a size such as 256M, not '" + value + "'");
    }

    private static <E extends Enum<E>> E oneOf(OptionTable option, String value, E[] choices)
            throws UsageException {
        StringBuilder names = new StringBuilder();
        for (E choice : choices) {
            String name = choice.name().toLowerCase(Locale.ROOT);
            if (name.equals(value)) {
                return choice;
            }
            names.append(names.isEmpty() ? "" : ", ").append(name);
        }
        throw new UsageException(
                "option --" + option.label + " takes one of " + names + ", not '" + value + "'");
    }

    private static List<String> split(String list) {
        List<String> items = new ArrayList<>();
        int start = 0;
        while (start <= list.length()) {
            int comma = list.indexOf(',', start);
            int end = comma < 0 ? list.length() : comma;
            if (end > start) {
                items.add(list.substring(start, end));
            }
            start = end + 1;
        }
        return items;
    }
}
