package io.porthole.sandbox.orchestrator.state;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import java.nio.file.Path;
import java.util.List;

/**
 * A host directory or file shown to a container.
 *
 * @param source absolute path on the host
 * @param target absolute path in the container
 * @param dax its large files are mapped into the guest, where sandbox and hypervisor can
 */
@JsonIgnoreProperties(ignoreUnknown = true)
public record Volume(String source, String target, boolean readOnly, boolean dax) {
    /** Parses {@code HOST:GUEST[:ro|rw|dax]}; a relative host path counts from {@code cwd}. */
    public static Volume parse(String text, Path cwd) {
        List<String> parts = List.of(text.split(":", -1));
        boolean sized = parts.size() == 2 || parts.size() == 3;
        if (!sized
                || parts.get(0).isEmpty()
                || !parts.get(1).startsWith("/")
                || parts.get(1).equals("/")) {
            throw new IllegalArgumentException(
                    "volume must be HOST:/ABSOLUTE/PATH[:ro|rw|dax], below the root: " + text);
        }
        String mode = parts.size() == 3 ? parts.get(2) : "rw";
        if (!List.of("ro", "rw", "dax").contains(mode)) {
            throw new IllegalArgumentException("volume mode must be ro, rw or dax: " + text);
        }
        return new Volume(
                cwd.resolve(parts.get(0)).toAbsolutePath().normalize().toString(),
                parts.get(1),
                mode.equals("ro"),
                mode.equals("dax"));
    }
}
