package io.porthole.sandbox.orchestrator.image;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;

/**
 * The part of an image's configuration that says what to run (OCI image specification,
 * "config.md"). Absent members are empty.
 *
 * @param env NAME=VALUE
 * @param user name or uid, optionally with a group after a colon
 * @param stopSignal such as SIGTERM
 */
public record ImageConfig(
        List<String> entrypoint,
        List<String> cmd,
        List<String> env,
        String user,
        String workingDir,
        String stopSignal) {
    private static final String PATH =
            "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

    /** For a root directory without a configuration: a shell as root. */
    public static final ImageConfig PLAIN =
            new ImageConfig(List.of(), List.of("/bin/sh"), List.of(PATH), "", "/", "");

    public ImageConfig {
        entrypoint = List.copyOf(entrypoint);
        cmd = List.copyOf(cmd);
        env = List.copyOf(env);
    }

    static ImageConfig parse(JsonNode root) {
        JsonNode config = root.path("config");
        List<String> env = strings(config.path("Env"));
        return new ImageConfig(
                strings(config.path("Entrypoint")),
                strings(config.path("Cmd")),
                env.stream().anyMatch(e -> e.startsWith("PATH=")) ? env : with(env, PATH),
                config.path("User").asText(""),
                config.path("WorkingDir").asText(""),
                config.path("StopSignal").asText(""));
    }

    private static List<String> with(List<String> list, String more) {
        List<String> all = new ArrayList<>(list);
        all.add(more);
        return all;
    }

    private static List<String> strings(JsonNode array) {
        List<String> all = new ArrayList<>();
        array.forEach(n -> all.add(n.asText()));
        return all;
    }
}
