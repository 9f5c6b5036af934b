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
 * @param dax whether its guest has a window, into which files of DAX volumes are mapped
 */
@JsonIgnoreProperties(ignoreUnknown = true)
public record SandboxSpec(
        String id,
        boolean keep,
        int vcpus,
        long memoryBytes,
        String network,
        List<PortForward> forwards,
        boolean dax) {
    public SandboxSpec withDax(boolean value) {
        return new SandboxSpec(id, keep, vcpus, memoryBytes, network, forwards, value);
    }
}
