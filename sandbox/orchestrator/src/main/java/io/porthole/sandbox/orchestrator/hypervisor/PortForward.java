package io.porthole.sandbox.orchestrator.hypervisor;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A port of the host that leads to one of the guest.
 *
 * @param protocol "tcp" or "udp"
 * @param hostAddress IPv4 address on the host, such as 127.0.0.1 or 0.0.0.0
 */
@JsonIgnoreProperties(ignoreUnknown = true)
public record PortForward(String protocol, String hostAddress, int hostPort, int guestPort) {
    private static final Pattern FORM =
            Pattern.compile(
                    "(?:(?:(\\d+\\.\\d+\\.\\d+\\.\\d+):)?(\\d{1,5}):)?(\\d{1,5})(?:/(tcp|udp))?");

    public PortForward {
        if (hostPort < 1 || hostPort > 65535 || guestPort < 1 || guestPort > 65535) {
            throw new IllegalArgumentException(
                    "port must be 1 to 65535: " + hostPort + ":" + guestPort);
        }
    }

    /**
     * Parses docker's form {@code [[ADDRESS:]HOST:]GUEST[/tcp|udp]}. The address defaults to the
     * loopback: a sandbox is not offered to the network by accident.
     */
    public static PortForward parse(String text) {
        Matcher m = FORM.matcher(text.toLowerCase(Locale.ROOT));
        if (!m.matches()) {
            throw new IllegalArgumentException(
                    "port forward must be [[ADDRESS:]HOST:]GUEST[/tcp|udp]: " + text);
        }
        String address = m.group(1) == null ? "127.0.0.1" : m.group(1);
        int guest = Integer.parseInt(m.group(3));
        int host = m.group(2) == null ? guest : Integer.parseInt(m.group(2));
        return new PortForward(m.group(4) == null ? "tcp" : m.group(4), address, host, guest);
    }
}
