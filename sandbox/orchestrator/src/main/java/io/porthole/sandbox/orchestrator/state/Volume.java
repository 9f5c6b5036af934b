package io.porthole.sandbox.orchestrator.state;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import java.nio.file.Path;
import java.util.List;

/**
 * A host directory or file shown to a container.
 *
 * @param source absolute path on the host
 * @param target absolute path in the container
 */
@JsonIgnoreProperties(ignoreUnknown = true)
public record Volume(String source, String target, boolean readOnly) {
    /** Parses {@code HOST:GUEST[:ro|rw]}; a relative host path counts from {@code cwd}. */
    public static Volume parse(String text, Path cwd) {
        List<String> parts = List.of(text.split(":", -1));
        boolean sized = parts.size() == 2 || parts.size() == 3;
        if (!sized
                || parts.get(0).isEmpty()
                || !parts.get(1).startsWith("/")
                || parts.get(1).equals("/")) {
            throw new IllegalArgumentException(
                    "volume must be HOST:/ABSOLUTE/PATH[:ro|rw], below the root: " + text);
        }
        String mode = parts.size() == 3 ? parts.get(2) : "rw";
        if (!mode.equals("ro") && !mode.equals("rw")) {
            throw new IllegalArgumentException("volume mode must be ro or rw: " + text);
        }
        return new Volume(
                cwd.resolve(parts.get(0)).toAbsolutePath().normalize().toString(),
                parts.get(1),
                mode.equals("ro"));
    }
}
