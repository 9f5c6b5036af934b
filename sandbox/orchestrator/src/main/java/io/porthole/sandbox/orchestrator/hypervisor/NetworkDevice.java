package io.porthole.sandbox.orchestrator.hypervisor;

import java.nio.file.Path;
import java.util.List;

/** A network card of the guest, by what stands behind it. */
public sealed interface NetworkDevice {
    /** Unique among the machine's devices; letters, digits, '-', '_' and '.'. */
    String id();

    /** As {@code 02:00:00:00:00:01}. */
    String mac();

    /** The hypervisor's own user-mode network stack. */
    record User(String id, String mac, List<PortForward> forwards) implements NetworkDevice {
        public User {
            forwards = List.copyOf(forwards);
        }
    }

    /** A process that speaks Ethernet frames with a length prefix over a unix socket (passt). */
    record Stream(String id, String mac, Path socket) implements NetworkDevice {}

    /** A tap interface in the network namespace that the hypervisor runs in. */
    record Tap(String id, String mac, String interfaceName) implements NetworkDevice {}
}
