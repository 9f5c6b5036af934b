package io.porthole.sandbox.agent;

import io.porthole.sandbox.agentprotocol.grpc.Process;
import io.porthole.sandbox.agentprotocol.grpc.StringUser;
import io.porthole.sandbox.agentprotocol.grpc.User;
import io.porthole.sandbox.agentprotocol.ttrpc.StatusCode;
import io.porthole.sandbox.agentprotocol.ttrpc.TtrpcException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Users and groups by name, from the container's own /etc/passwd and /etc/group (passwd(5)). */
final class UserNames {
    private UserNames() {}

    /**
     * The process with the user that was asked for by name or number.
     *
     * @throws TtrpcException NOT_FOUND for a name that the container does not know
     */
    static Process resolve(Process process, StringUser wanted, Path root) throws IOException {
        User.Builder user = process.getUser().toBuilder();
        if (!wanted.getUid().isEmpty()) {
            String[] entry = find(root.resolve("etc/passwd"), wanted.getUid());
            if (entry != null && entry.length > 3) {
                user.setUID(Integer.parseUnsignedInt(entry[2]));
                user.setGID(Integer.parseUnsignedInt(entry[3]));
            } else {
                user.setUID(number(wanted.getUid(), "user"));
            }
        }
        if (!wanted.getGid().isEmpty()) {
            user.setGID(group(root, wanted.getGid()));
        }
        for (String group : wanted.getAdditionalGidsList()) {
            user.addAdditionalGids(group(root, group));
        }
        return process.toBuilder().setUser(user).build();
    }

    private static int group(Path root, String name) throws IOException {
        String[] entry = find(root.resolve("etc/group"), name);
        return entry != null && entry.length > 2
                ? Integer.parseUnsignedInt(entry[2])
                : number(name, "group");
    }

    private static int number(String name, String kind) {
        try {
            return Integer.parseUnsignedInt(name);
        } catch (NumberFormatException e) {
            throw new TtrpcException(
                    StatusCode.NOT_FOUND, "the container knows no " + kind + " " + name, e);
        }
    }

    /** The entry of a name, or of a number in third place. Symbolic links could lead out: none. */
    private static String @Nullable [] find(Path file, String name) throws IOException {
        if (!Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS)) {
            return null;
        }
        List<String> lines = Files.readAllLines(file, StandardCharsets.ISO_8859_1);
        String[] byNumber = null;
        for (String line : lines) {
            String[] fields = line.split(":", -1);
            if (fields[0].equals(name)) {
                return fields;
            }
            if (byNumber == null && fields.length > 2 && fields[2].equals(name)) {
                byNumber = fields;
            }
        }
        return byNumber;
    }
}
