package io.porthole.sandbox.orchestrator.state;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import io.porthole.sandbox.orchestrator.hypervisor.PortForward;
import java.util.List;

/**
 * What a sandbox was asked to be.
 *
 * @param keep whether it goes on without a running container; a pod does, the sandbox of a single
 *     container does not
 * @param network "none", "user" or "netns=PATH"
 */
@JsonIgnoreProperties(ignoreUnknown = true)
public record SandboxSpec(
        String id,
        boolean keep,
        int vcpus,
        long memoryBytes,
        String network,
        List<PortForward> forwards) {}
