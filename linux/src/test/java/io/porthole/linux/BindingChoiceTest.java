package io.porthole.linux;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Which binding a JVM takes, and that it loads nothing of the other. */
@Timeout(60)
class BindingChoiceTest {
    /** What the JVMs here run: a call that succeeds, one that fails, one with five arguments. */
    static final class Program {
        private Program() {}

        public static void main(String[] args) {
            Syscalls linux = Syscalls.host();
            long[] results = {
                linux.getpid() - ProcessHandle.current().pid(),
                linux.close(-1),
                linux.prctl(Prctl.PR_GET_NO_NEW_PRIVS, 0, 0, 0, 1)
            };
            System.out.println("results " + results[0] + " " + results[1] + " " + results[2]);
        }
    }

    private record Run(int status, String output) {}

    private static Run run(String... options) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(
                List.of(
                        "-Xlog:class+load",
                        "--enable-native-access=ALL-UNNAMED",
                        "--sun-misc-unsafe-memory-access=allow"));
        command.addAll(List.of(options));
        command.addAll(
                List.of("-cp", System.getProperty("java.class.path"), Program.class.getName()));
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), UTF_8);
        assertTrue(process.waitFor(10, TimeUnit.SECONDS));
        return new Run(process.exitValue(), output);
    }

    private static void assertCallsWork(Run run) {
        assertEquals(0, run.status, run.output);
        String expected = "results 0 " + -Errno.EBADF + " " + -Errno.EINVAL;
        assertTrue(run.output.lines().anyMatch(expected::equals), run.output);
    }

    @Test
    void jnrIsTheDefaultAndLoadsNoDowncallOfTheJdk() throws Exception {
        Run run = run();
        assertCallsWork(run);
        assertTrue(run.output.contains(" io.porthole.linux.JnrSyscalls "));
        assertFalse(run.output.contains(" io.porthole.linux.FfmSyscalls "));
        assertFalse(run.output.contains(" jdk.internal.foreign.abi.DowncallLinker "));
    }

    @Test
    void ffmLoadsNothingOfJnr() throws Exception {
        Run run = run("-Dporthole.syscalls=ffm");
        assertCallsWork(run);
        assertTrue(run.output.contains(" io.porthole.linux.FfmSyscalls "));
        assertFalse(run.output.contains(" io.porthole.linux.JnrSyscalls "));
        assertFalse(run.output.contains(" jnr.") || run.output.contains(" com.kenai.jffi."));
    }

    @Test
    void jffiLoadsNeitherJnrNorADowncallOfTheJdk() throws Exception {
        Run run = run("-Dporthole.syscalls=jffi");
        assertCallsWork(run);
        assertTrue(run.output.contains(" io.porthole.linux.JffiSyscalls "));
        assertFalse(run.output.contains(" io.porthole.linux.JnrSyscalls "));
        assertFalse(run.output.contains(" jnr.") || run.output.contains(" org.objectweb.asm."));
        assertFalse(run.output.contains(" jdk.internal.foreign.abi.DowncallLinker "));
    }

    @Test
    void anUnknownBindingIsRefusedByName() throws Exception {
        Run run = run("-Dporthole.syscalls=jna");
        assertEquals(1, run.status);
        assertTrue(
                run.output.contains("porthole.syscalls=jna: it is jnr, jffi or ffm"), run.output);
    }
}
