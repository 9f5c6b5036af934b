package io.porthole.sandbox.orchestrator.state;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import java.util.List;

/**
 * What a container was asked to be. Image defaults have been applied.
 *
 * @param id unique on this host; letters, digits, '_', '.', '-'
 * @param image as the user named it
 * @param layers directories to overlay, lowest first
 * @param user name or uid, optionally with a group after a colon; "" is root
 * @param hostname "" for the sandbox's
 * @param memoryBytes 0 for no limit
 * @param cpus 0 for no limit
 * @param pidsLimit 0 for no limit
 * @param autoRemove removed when its process has ended
 */
@JsonIgnoreProperties(ignoreUnknown = true)
public record ContainerSpec(
        String id,
        String image,
        List<String> layers,
        List<String> args,
        List<String> env,
        String cwd,
        String user,
        String hostname,
        List<Volume> volumes,
        long memoryBytes,
        double cpus,
        long pidsLimit,
        List<String> capAdd,
        List<String> capDrop,
        boolean privileged,
        boolean readOnly,
        boolean terminal,
        boolean stdin,
        boolean autoRemove,
        boolean sharePids,
        String stopSignal) {}
