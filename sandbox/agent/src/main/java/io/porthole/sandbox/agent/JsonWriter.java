package io.porthole.sandbox.agent;

import java.util.List;
import java.util.Map;

/**
 * Writes JSON (RFC 8259). Members that hold their type's zero value are left out: in protobuf they
 * cannot be told from absent ones, and config.json gives absence the same meaning.
 */
final class JsonWriter {
    private final StringBuilder out = new StringBuilder(4096);
    private boolean first = true;

    JsonWriter beginObject() {
        return open('{');
    }

    JsonWriter endObject() {
        return close('}');
    }

    JsonWriter beginArray() {
        return open('[');
    }

    JsonWriter endArray() {
        return close(']');
    }

    /** A member's name; a value, object or array follows. */
    JsonWriter name(String name) {
        separate();
        quote(name);
        out.append(':');
        first = true;
        return this;
    }

    JsonWriter value(String value) {
        separate();
        quote(value);
        return this;
    }

    JsonWriter value(long value) {
        separate();
        out.append(value);
        return this;
    }

    JsonWriter value(boolean value) {
        separate();
        out.append(value);
        return this;
    }

    /** For uint64 fields, which Java holds as signed. */
    JsonWriter unsigned(long value) {
        separate();
        out.append(Long.toUnsignedString(value));
        return this;
    }

    JsonWriter member(String name, String value) {
        return value.isEmpty() ? this : name(name).value(value);
    }

    JsonWriter member(String name, long value) {
        return value == 0 ? this : name(name).value(value);
    }

    JsonWriter member(String name, boolean value) {
        return value ? name(name).value(true) : this;
    }

    JsonWriter unsignedMember(String name, long value) {
        return value == 0 ? this : name(name).unsigned(value);
    }

    JsonWriter member(String name, List<String> values) {
        if (values.isEmpty()) {
            return this;
        }
        name(name).beginArray();
        for (String value : values) {
            value(value);
        }
        return endArray();
    }

    JsonWriter member(String name, Map<String, String> values) {
        if (values.isEmpty()) {
            return this;
        }
        name(name).beginObject();
        for (Map.Entry<String, String> entry : values.entrySet()) {
            name(entry.getKey()).value(entry.getValue());
        }
        return endObject();
    }

    private JsonWriter open(char bracket) {
        separate();
        out.append(bracket);
        first = true;
        return this;
    }

    private JsonWriter close(char bracket) {
        out.append(bracket);
        first = false;
        return this;
    }

    private void separate() {
        if (!first) {
            out.append(',');
        }
        first = false;
    }

    private void quote(String text) {
        out.append('"');
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == '"' || c == '\\') {
                out.append('\\').append(c);
            } else if (c < 0x20) {
                out.append("\\u00").append(hex(c >> 4)).append(hex(c & 15));
            } else {
                out.append(c);
            }
        }
        out.append('"');
    }

    private static char hex(int digit) {
        return (char) (digit < 10 ? '0' + digit : 'a' + digit - 10);
    }

    @Override
    public String toString() {
        return out.toString();
    }
}
