package io.porthole.virtiofsd;

import io.porthole.linux.Errno;
import io.porthole.linux.Fd;
import io.porthole.linux.SyscallException;
import io.porthole.linux.Syscalls;
import io.porthole.linux.UnixSocket;
import io.porthole.virtiofsd.cli.OptionParser;
import io.porthole.virtiofsd.cli.Options;
import io.porthole.virtiofsd.cli.ShareSpec;
import io.porthole.virtiofsd.cli.UsageException;
import io.porthole.virtiofsd.confine.Jail;
import io.porthole.virtiofsd.confine.SharedTree;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * {@code virtiofsd ctl}: adds shares to a running daemon, removes and lists them. What the daemon
 * cannot open from its jail is opened here and passed to it.
 */
final class ControlClient {
    private static final String USAGE =
            """
            Adds shares to a running virtiofsd, removes and lists them.

            Usage: virtiofsd ctl add TAG=DIR,socket=PATH[,OPTION[=VALUE]]... --control SOCK
                   virtiofsd ctl remove TAG --control SOCK
                   virtiofsd ctl list --control SOCK

            SOCK is what the daemon was given as --control. OPTIONs are those of --share; what is not
            said is as on the daemon's command line. list prints a line a share: tag, state, directory
            and socket, separated by tabs.
            """;

    private ControlClient() {}

    /** Does what the arguments after {@code ctl} say. */
    static void run(String[] args) throws UsageException, IOException {
        List<String> words = new ArrayList<>();
        String control = null;
        for (int i = 1; i < args.length; i++) {
            if (args[i].equals("--help") || args[i].equals("-h")) {
                System.out.print(USAGE);
                return;
            }
            if (args[i].startsWith("--control=")) {
                control = args[i].substring("--control=".length());
            } else if (args[i].equals("--control") && i + 1 < args.length) {
                control = args[++i];
            } else {
                words.add(args[i]);
            }
        }
        String order = words.isEmpty() ? "" : words.getFirst();
        int wanted =
                switch (order) {
                    case "list" -> 1;
                    case "add", "remove" -> 2;
                    default -> -1;
                };
        if (words.size() != wanted || control == null) {
            throw new UsageException("wrong arguments; see virtiofsd ctl --help");
        }
        try (UnixSocket daemon = UnixSocket.connect(control)) {
            if (order.equals("add")) {
                add(daemon, words.get(1));
            } else {
                System.out.print(ask(daemon, String.join(" ", words), List.of()));
            }
        }
    }

    private static void add(UnixSocket daemon, String spec) throws UsageException, IOException {
        String whole = absolute(spec);
        Options share = OptionParser.parse(new String[] {"--share", whole}).shares().getFirst();
        if (share.socketPath() == null) {
            throw new UsageException("a share that is added needs socket=PATH");
        }
        Syscalls sys = Syscalls.host();
        Jail.checkShared(sys, share.sharedDir());
        Endpoint endpoint = Endpoint.open(sys, share, daemon.peer().pid());
        boolean taken = false;
        try (Fd root = open(sys, share)) {
            List<Fd> fds = new ArrayList<>();
            fds.add(root);
            fds.addAll(endpoint.descriptors());
            ask(daemon, "add " + whole, fds);
            taken = true;
        } finally {
            if (taken) {
                endpoint.leave();
            } else {
                endpoint.close();
            }
        }
    }

    /** Whoever may not copy mounts can still serve a daemon that has no jail. */
    private static Fd open(Syscalls sys, Options share) throws SyscallException {
        try {
            return SharedTree.open(sys, share.sharedDir(), share.readonly());
        } catch (SyscallException e) {
            if (e.errno() != Errno.EPERM) {
                throw e;
            }
            return SharedTree.openPlain(sys, share.sharedDir());
        }
    }

    /** The daemon stands elsewhere: it is told whole paths. */
    private static String absolute(String spec) {
        List<String> items = new ArrayList<>();
        for (String item : ShareSpec.split(spec)) {
            int equals = item.indexOf('=');
            String name = item.substring(0, Math.max(equals, 0));
            boolean path =
                    equals > 0
                            && (items.isEmpty()
                                    || name.equals("socket")
                                    || name.replace('_', '-').equals("socket-path"));
            items.add(
                    path
                            ? item.substring(0, equals + 1)
                                    + Path.of(item.substring(equals + 1)).toAbsolutePath()
                            : item);
        }
        return ShareSpec.join(items);
    }

    /** Sends an order; the answer without its first line. */
    private static String ask(UnixSocket daemon, String order, List<Fd> fds)
            throws UsageException, IOException {
        byte[] line = (order + "\n").getBytes(StandardCharsets.UTF_8);
        if (line.length > ControlServer.MAX_LINE_BYTES) {
            throw new UsageException("too long");
        }
        ByteArrayOutputStream answer = new ByteArrayOutputStream();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment out = arena.allocate(line.length);
            MemorySegment.copy(line, 0, out, ValueLayout.JAVA_BYTE, 0, line.length);
            daemon.sendWithFds(out, fds);
            MemorySegment in = arena.allocate(4096);
            for (long n = daemon.recv(in); n > 0; n = daemon.recv(in)) {
                answer.writeBytes(in.asSlice(0, n).toArray(ValueLayout.JAVA_BYTE));
            }
        }
        String text = answer.toString(StandardCharsets.UTF_8);
        String body = okBody(text);
        if (body == null) {
            throw new IOException(
                    text.isEmpty()
                            ? "the daemon did not answer"
                            : text.strip().replaceFirst("^error: ", ""));
        }
        return body;
    }

    private static @Nullable String okBody(String text) {
        return text.startsWith("ok\n") ? text.substring(3) : null;
    }
}
