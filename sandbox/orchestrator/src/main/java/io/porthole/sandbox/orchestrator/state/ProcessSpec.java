package io.porthole.sandbox.orchestrator.state;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import java.util.List;

/**
 * A further process in a running container. Empty cwd and user mean the container's.
 *
 * @param env added to the container's
 */
@JsonIgnoreProperties(ignoreUnknown = true)
public record ProcessSpec(
        List<String> args,
        List<String> env,
        String cwd,
        String user,
        boolean privileged,
        boolean terminal,
        boolean stdin) {}
