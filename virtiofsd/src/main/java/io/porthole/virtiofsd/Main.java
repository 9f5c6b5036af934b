package io.porthole.virtiofsd;

import io.porthole.linux.SyscallException;
import io.porthole.linux.Syscalls;
import io.porthole.vhostuser.ProtocolException;
import io.porthole.virtiofsd.cli.OptionParser;
import io.porthole.virtiofsd.cli.Options;
import io.porthole.virtiofsd.cli.UsageException;
import io.porthole.virtiofsd.log.DaemonLog;
import io.porthole.virtiofsd.log.SyslogSink;
import io.porthole.virtiofsd.top.Top;
import java.io.IOException;
import org.jspecify.annotations.Nullable;
import org.slf4j.event.Level;

/**
 * The program. Exit status: 0 after an orderly end, 1 after a failure, 2 for a wrong command line.
 */
public final class Main {
    private static final int FAILURE = 1;
    private static final int USAGE = 2;

    /** vhost-user.json capabilities of a back-end program, of type "fs". */
    private static final String CAPABILITIES =
            """
            {
              "type": "fs",
              "features": [
                "posix-acl-negotiation-mode",
                "security-label-negotiation-mode",
                "separate-options"
              ]
            }
            """;

    private Main() {}

    public static void main(String[] args) {
        int status;
        try {
            if (args.length > 0 && isCommand(args[0])) {
                exit(command(args));
            }
            Options options = OptionParser.parse(args, SocketActivation.listenFd(Syscalls.host()));
            status = run(options);
        } catch (UsageException e) {
            status = fail(USAGE, e.getMessage());
        } catch (IOException | ProtocolException e) {
            status = fail(FAILURE, e.getMessage());
        } catch (RuntimeException | Error e) {
            // A fault of ours: one line for the user, the trace for whoever asks by --log-level.
            DaemonLog.write(Level.ERROR, "internal error", e);
            status = FAILURE;
        }
        exit(status);
    }

    private static boolean isCommand(String word) {
        return word.equals("ctl") || word.equals("top");
    }

    /** Does what is not the daemon's own work, for a person who needs no time stamps. */
    private static int command(String[] args) {
        try {
            if (args[0].equals("ctl")) {
                ControlClient.run(args);
            } else {
                Top.run(args);
            }
            return 0;
        } catch (UsageException e) {
            System.err.println("virtiofsd: " + e.getMessage());
            return USAGE;
        } catch (IOException e) {
            System.err.println("virtiofsd: " + e.getMessage());
            return FAILURE;
        }
    }

    private static int run(Options options) throws UsageException, IOException, ProtocolException {
        switch (options.action()) {
            case PRINT_HELP -> System.out.print(OptionParser.usage());
            case PRINT_VERSION -> System.out.println("virtiofsd (Porthole) " + version());
            case PRINT_CAPABILITIES -> System.out.print(CAPABILITIES);
            case SERVE -> {
                DaemonLog.setLevel(level(options.logLevel()));
                if (options.syslog()) {
                    useSyslog();
                }
                new Daemon(Syscalls.host(), options).run();
            }
        }
        return 0;
    }

    /** A host without a log daemon (a container, say) is no reason not to serve. */
    private static void useSyslog() {
        try {
            DaemonLog.setSink(SyslogSink.open(Syscalls.host()));
        } catch (SyscallException e) {
            DaemonLog.write(Level.INFO, e.getMessage() + "; logging to standard error", null);
        }
    }

    private static @Nullable Level level(Options.LogLevel level) {
        return switch (level) {
            case OFF -> null;
            case ERROR -> Level.ERROR;
            case WARN -> Level.WARN;
            case INFO -> Level.INFO;
            case DEBUG -> Level.DEBUG;
            case TRACE -> Level.TRACE;
        };
    }

    /** As of the jar's manifest. */
    static String version() {
        String version = Main.class.getPackage().getImplementationVersion();
        return version == null ? "unpackaged" : version;
    }

    private static int fail(int status, @Nullable String message) {
        DaemonLog.write(Level.ERROR, String.valueOf(message), null);
        return status;
    }

    /**
     * Ends the process without the JVM's orderly shutdown, which waits a third of a second for
     * threads in native calls; the training run of the AOT cache needs that shutdown.
     */
    private static void exit(int status) {
        System.out.flush();
        if (Boolean.getBoolean("porthole.training")) {
            System.exit(status);
        }
        Syscalls.host().exitNow(status);
    }
}
