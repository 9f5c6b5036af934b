package io.porthole.virtiofsd.guest;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** Runs one of the program's commands that are not the daemon: {@code ctl}, {@code top}. */
final class Ctl {
    record Result(int exit, String output) {}

    private Ctl() {}

    static Result run(String... words) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>();
        command.add(Rig.virtiofsd().toString());
        command.addAll(List.of(words));
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        process.getOutputStream().close();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        return new Result(process.waitFor(), output);
    }

    static String must(String... words) throws IOException, InterruptedException {
        Result result = run(words);
        assertEquals(0, result.exit(), result.output());
        return result.output();
    }
}
