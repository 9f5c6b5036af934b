package io.porthole.virtiofsd.mapping;

import io.porthole.linux.Errno;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * Which of the host's extended attributes the guest has, and under which names. A map is a row of
 * rules {@code :type:scope:key:prepend:}, each with a delimiter of its own, white space between
 * them. The first rule that matches decides:
 *
 * <ul>
 *   <li>a name from the guest is matched by rules of scope {@code client} and {@code all} if it
 *       begins with {@code key}; a name in the host's list by {@code server} and {@code all} if it
 *       begins with {@code prepend}
 *   <li>{@code prefix}: the guest's name gets {@code prepend} in front; in the list it loses it
 *   <li>{@code ok}: the name passes
 *   <li>{@code bad} and {@code unsupported}: the guest gets EPERM or EOPNOTSUPP; in the list the
 *       name is left out
 * </ul>
 *
 * <p>{@code :map:key:prepend:}, as the last rule, stands for the rules that keep the guest's {@code
 * key...} below {@code prepend} and everything else (none, if the key is empty) as it is. A name
 * that no rule matches is {@code bad}.
 */
public final class XattrMap implements NameFilter {
    /** XATTR_NAME_MAX of linux/limits.h. */
    private static final int LONGEST_NAME_BYTES = 255;

    /** Which files' capabilities are kept in. */
    public static final String CAPABILITY = "security.capability";

    /** Room that {@link #toHost} needs for a name and its NUL. */
    public static final int NAME_ROOM_BYTES = LONGEST_NAME_BYTES + 1;

    private enum Type {
        PREFIX,
        OK,
        BAD,
        UNSUPPORTED
    }

    private static final class Rule {
        final Type type;
        final boolean client;
        final boolean server;
        final byte[] key;
        final byte[] prepend;

        Rule(Type type, String scope, String key, String prepend) {
            this.type = type;
            client = !scope.equals("server");
            server = !scope.equals("client");
            this.key = key.getBytes(StandardCharsets.UTF_8);
            this.prepend = prepend.getBytes(StandardCharsets.UTF_8);
        }
    }

    private final Rule[] rules;

    private XattrMap(List<Rule> rules) {
        this.rules = rules.toArray(new Rule[0]);
    }

    /**
     * Reads a map.
     *
     * @throws IllegalArgumentException with one line to show, where it is wrong
     */
    public static XattrMap parse(String text) {
        List<Rule> rules = new ArrayList<>();
        Fields fields = new Fields(text);
        int number = 0;
        while (fields.beginRule()) {
            number++;
            String type = fields.next(number);
            if (type.equals("map")) {
                String key = fields.next(number);
                addMap(rules, key, fields.next(number));
                if (fields.beginRule()) {
                    throw new IllegalArgumentException(
                            "rule " + number + ": map must be the last rule");
                }
                return new XattrMap(rules);
            }
            Type kind =
                    switch (type) {
                        case "prefix" -> Type.PREFIX;
                        case "ok" -> Type.OK;
                        case "bad" -> Type.BAD;
                        case "unsupported" -> Type.UNSUPPORTED;
                        default ->
                                throw new IllegalArgumentException(
                                        "rule "
                                                + number
                                                + ": type '"
                                                + type
                                                + "' is none of prefix, ok, bad, unsupported, map");
                    };
            String scope = fields.next(number);
            if (!scope.equals("client") && !scope.equals("server") && !scope.equals("all")) {
                throw new IllegalArgumentException(
                        "rule "
                                + number
                                + ": scope '"
                                + scope
                                + "' is none of client, server, all");
            }
            String key = fields.next(number);
            rules.add(new Rule(kind, scope, key, fields.next(number)));
        }
        if (rules.isEmpty()) {
            throw new IllegalArgumentException("it has no rule");
        }
        return new XattrMap(rules);
    }

    private static void addMap(List<Rule> rules, String key, String prepend) {
        rules.add(new Rule(Type.PREFIX, "all", key, prepend));
        if (key.isEmpty()) {
            rules.add(new Rule(Type.BAD, "all", "", ""));
        } else {
            // Neither the host's own key... nor, by its host name, what was mapped.
            rules.add(new Rule(Type.BAD, "server", "", key));
            rules.add(new Rule(Type.BAD, "client", prepend, ""));
            rules.add(new Rule(Type.OK, "all", "", ""));
        }
    }

    /**
     * The host's name for one of the guest's.
     *
     * @param nameBytes without the NUL
     * @param out of {@link #NAME_ROOM_BYTES}, for the name and a NUL if it is another one
     * @return 0 where the name stays; else the length of the one in {@code out}; -EPERM,
     *     -EOPNOTSUPP, or -ERANGE where it becomes longer than a name may be
     */
    public int toHost(MemorySegment in, long at, int nameBytes, MemorySegment out) {
        for (Rule rule : rules) {
            if (!rule.client || !begins(in, at, nameBytes, rule.key)) {
                continue;
            }
            return switch (rule.type) {
                case OK -> 0;
                case BAD -> -Errno.EPERM;
                case UNSUPPORTED -> -Errno.EOPNOTSUPP;
                case PREFIX -> prefixed(rule.prepend, in, at, nameBytes, out);
            };
        }
        return -Errno.EPERM;
    }

    private static int prefixed(
            byte[] prefix, MemorySegment in, long at, int nameBytes, MemorySegment out) {
        int bytes = prefix.length + nameBytes;
        if (bytes > LONGEST_NAME_BYTES) {
            return -Errno.ERANGE;
        }
        if (prefix.length == 0) {
            return 0;
        }
        MemorySegment.copy(prefix, 0, out, ValueLayout.JAVA_BYTE, 0, prefix.length);
        MemorySegment.copy(in, at, out, prefix.length, nameBytes);
        out.set(ValueLayout.JAVA_BYTE, bytes, (byte) 0);
        return bytes;
    }

    /** The host's name for a name of the guest; the same if the guest may not use it. */
    public String hostName(String name) {
        byte[] bytes = name.getBytes(StandardCharsets.UTF_8);
        byte[] mapped = new byte[NAME_ROOM_BYTES];
        int length =
                toHost(
                        MemorySegment.ofArray(bytes),
                        0,
                        bytes.length,
                        MemorySegment.ofArray(mapped));
        return length <= 0 ? name : new String(mapped, 0, length, StandardCharsets.UTF_8);
    }

    @Override
    public int cut(MemorySegment list, long at, int nameBytes) {
        for (Rule rule : rules) {
            if (rule.server && begins(list, at, nameBytes, rule.prepend)) {
                return switch (rule.type) {
                    case OK -> 0;
                    case BAD, UNSUPPORTED -> -1;
                    case PREFIX -> rule.prepend.length;
                };
            }
        }
        return -1;
    }

    /** Whether the name at {@code at}, of {@code bytes}, begins with {@code prefix}. */
    public static boolean begins(MemorySegment s, long at, int bytes, byte[] prefix) {
        if (bytes < prefix.length) {
            return false;
        }
        for (int i = 0; i < prefix.length; i++) {
            if (s.get(ValueLayout.JAVA_BYTE, at + i) != prefix[i]) {
                return false;
            }
        }
        return true;
    }

    /** Walks over the text, field by field. */
    private static final class Fields {
        private final String text;
        private int at;
        private char delimiter;

        Fields(String text) {
            this.text = text;
        }

        /** Goes to the next rule and learns its delimiter; false at the end. */
        boolean beginRule() {
            while (at < text.length() && Character.isWhitespace(text.charAt(at))) {
                at++;
            }
            if (at == text.length()) {
                return false;
            }
            delimiter = text.charAt(at++);
            return true;
        }

        String next(int rule) {
            int end = text.indexOf(delimiter, at);
            if (end < 0) {
                throw new IllegalArgumentException(
                        "rule "
                                + rule
                                + " is not of the form :TYPE:SCOPE:KEY:PREPEND: or :map:KEY:PREPEND:");
            }
            String field = text.substring(at, end);
            at = end + 1;
            return field;
        }
    }
}
