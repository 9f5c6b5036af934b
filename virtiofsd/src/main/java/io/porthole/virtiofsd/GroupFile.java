package io.porthole.virtiofsd;

import io.porthole.virtiofsd.cli.UsageException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** Group ids by name, from /etc/group (group(5)). */
final class GroupFile {
    private GroupFile() {}

    /** The id of the group {@code name}, which may also be given as a number. */
    static int find(String name) throws UsageException {
        if (name.chars().allMatch(c -> c >= '0' && c <= '9')) {
            return Integer.parseUnsignedInt(name);
        }
        try {
            for (String line : Files.readAllLines(Path.of("/etc/group"), StandardCharsets.UTF_8)) {
                String[] fields = line.split(":", -1);
                if (fields.length >= 3 && fields[0].equals(name)) {
                    return Integer.parseUnsignedInt(fields[2]);
                }
            }
        } catch (IOException | NumberFormatException e) {
            throw new UsageException("--socket-group: cannot read /etc/group: " + e.getMessage());
        }
        throw new UsageException("--socket-group: there is no group '" + name + "'");
    }
}
