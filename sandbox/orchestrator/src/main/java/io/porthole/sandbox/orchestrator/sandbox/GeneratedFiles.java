package io.porthole.sandbox.orchestrator.sandbox;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Files that each container gets: its name and how to resolve others. */
final class GeneratedFiles {
    private GeneratedFiles() {}

    static Map<String, String> of(String hostname, List<String> nameservers) {
        Map<String, String> files = new LinkedHashMap<>();
        files.put("/etc/hostname", hostname + "\n");
        files.put(
                "/etc/hosts",
                "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost\n127.0.1.1\t"
                        + hostname
                        + "\n");
        if (!nameservers.isEmpty()) {
            StringBuilder lines = new StringBuilder();
            nameservers.forEach(n -> lines.append("nameserver ").append(n).append('\n'));
            files.put("/etc/resolv.conf", lines.toString());
        }
        return files;
    }
}
