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
                "separate-options"
              ]
            }
            """;

    private Main() {}

    public static void main(String[] args) {
        int status;
        try {
            if (args.length > 0 && isCommand(args)) {
                exit(0);
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

    /** Does what is not the daemon's own work; false if the arguments ask for the daemon. */
    private static boolean isCommand(String[] args) throws UsageException, IOException {
        switch (args[0]) {
            case "ctl" -> ControlClient.run(args);
            case "top" -> Top.run(args);
            default -> {
                return false;
            }
        }
        return true;
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
