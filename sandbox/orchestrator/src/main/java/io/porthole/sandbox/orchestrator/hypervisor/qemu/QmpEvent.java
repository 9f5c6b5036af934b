package io.porthole.sandbox.orchestrator.hypervisor.qemu;

import com.fasterxml.jackson.databind.JsonNode;

/**
 * An asynchronous message of QEMU (QMP specification, "Asynchronous events").
 *
 * @param name such as SHUTDOWN
 * @param data its members, an empty object when it has none
 */
public record QmpEvent(String name, JsonNode data) {}
