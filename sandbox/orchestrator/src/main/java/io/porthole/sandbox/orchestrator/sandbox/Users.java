package io.porthole.sandbox.orchestrator.sandbox;

import io.porthole.sandbox.agentprotocol.grpc.User;
import io.porthole.sandbox.orchestrator.host.RootedDirectory;
import io.porthole.sandbox.orchestrator.share.ShareTree;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Names of users and groups, looked up in a container's own passwd and group files. */
final class Users {
    private static final int MAX_FILE_BYTES = 4 << 20;

    private final List<String[]> passwd;
    private final List<String[]> group;

    private Users(List<String[]> passwd, List<String[]> group) {
        this.passwd = passwd;
        this.group = group;
    }

    /** Of a container whose root is mounted. */
    static Users of(ShareTree.Prepared prepared) throws IOException {
        try (RootedDirectory root = RootedDirectory.open(prepared.merged())) {
            return parse(text(root, "etc/passwd"), text(root, "etc/group"));
        }
    }

    static Users parse(String passwd, String group) {
        return new Users(lines(passwd, 7), lines(group, 4));
    }

    private static String text(RootedDirectory root, String name) throws IOException {
        Optional<byte[]> bytes = root.read(name, MAX_FILE_BYTES);
        return bytes.map(b -> new String(b, StandardCharsets.UTF_8)).orElse("");
    }

    private static List<String[]> lines(String text, int fields) {
        List<String[]> found = new ArrayList<>();
        for (String line : text.split("\n", -1)) {
            String[] parts = line.split(":", -1);
            if (parts.length >= Math.min(fields, 3) && !line.startsWith("#")) {
                found.add(parts);
            }
        }
        return found;
    }

    /** Home directory of a user, or "/". */
    String home(int uid) {
        return passwd.stream()
                .filter(p -> p.length > 5 && p[2].equals(Integer.toUnsignedString(uid)))
                .map(p -> p[5])
                .filter(h -> !h.isEmpty())
                .findFirst()
                .orElse("/");
    }

    /**
     * Resolves {@code USER[:GROUP]}, each a name or a number; "" is root. Without a group the
     * user's own groups count, as the container's files give them.
     */
    User resolve(String text) throws SandboxException {
        int colon = text.indexOf(':');
        String who = colon < 0 ? text : text.substring(0, colon);
        String groupName = colon < 0 ? "" : text.substring(colon + 1);
        User.Builder user = User.newBuilder();
        String name = who;
        if (!who.isEmpty()) {
            String[] entry = find(passwd, who);
            if (entry != null) {
                name = entry[0];
                user.setUID(number(entry[2])).setGID(entry.length > 3 ? number(entry[3]) : 0);
            } else if (isNumber(who)) {
                user.setUID(number(who));
            } else {
                throw new SandboxException("the image has no user called " + who);
            }
        } else {
            name = "root";
        }
        if (!groupName.isEmpty()) {
            String[] entry = find(group, groupName);
            if (entry == null && !isNumber(groupName)) {
                throw new SandboxException("the image has no group called " + groupName);
            }
            return user.setGID(number(entry == null ? groupName : entry[2])).build();
        }
        for (String[] g : group) {
            if (g.length > 3 && List.of(g[3].split(",", -1)).contains(name) && isNumber(g[2])) {
                user.addAdditionalGids(number(g[2]));
            }
        }
        return user.build();
    }

    private static String @org.jspecify.annotations.Nullable [] find(
            List<String[]> table, String who) {
        for (String[] entry : table) {
            if (entry[0].equals(who) && isNumber(entry[2])) {
                return entry;
            }
        }
        for (String[] entry : table) {
            if (entry[2].equals(who)) {
                return entry;
            }
        }
        return null;
    }

    private static boolean isNumber(String text) {
        return text.matches("\\d{1,10}") && Long.parseLong(text) <= 0xfffffffeL;
    }

    private static int number(String text) {
        return isNumber(text) ? (int) Long.parseLong(text) : 0;
    }
}
