package io.porthole.sandbox.orchestrator.config;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import com.fasterxml.jackson.dataformat.toml.TomlMapper;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/**
 * Reads keys of a TOML document by their dotted names, and knows at the end which were never asked
 * for: a misspelt key is an error, not a default.
 */
final class ConfigReader {
    private final String file;
    private final JsonNode root;
    private final Set<String> known = new HashSet<>();

    private ConfigReader(String file, JsonNode root) {
        this.file = file;
        this.root = root;
    }

    static ConfigReader empty() {
        return new ConfigReader("", MissingNode.getInstance());
    }

    static ConfigReader of(Path file, String text) throws IOException {
        try {
            return new ConfigReader(file.toString(), new TomlMapper().readTree(text));
        } catch (JsonProcessingException e) {
            throw new ConfigException(
                    file + ":" + e.getLocation().getLineNr() + ": " + e.getOriginalMessage());
        }
    }

    private JsonNode node(String key) {
        known.add(key);
        JsonNode at = root;
        for (String part : key.split("\\.", -1)) {
            at = at.path(part);
        }
        return at;
    }

    String text(String key, String otherwise) throws ConfigException {
        JsonNode n = node(key);
        if (n.isMissingNode()) {
            return otherwise;
        }
        if (!n.isTextual()) {
            throw wrong(key, "a string");
        }
        return n.asText();
    }

    long number(String key, long otherwise, long least, long most) throws ConfigException {
        JsonNode n = node(key);
        if (n.isMissingNode()) {
            return otherwise;
        }
        if (!n.canConvertToLong()
                || !n.isIntegralNumber()
                || n.asLong() < least
                || n.asLong() > most) {
            throw wrong(key, "a number from " + least + " to " + most);
        }
        return n.asLong();
    }

    boolean flag(String key, boolean otherwise) throws ConfigException {
        JsonNode n = node(key);
        if (n.isMissingNode()) {
            return otherwise;
        }
        if (!n.isBoolean()) {
            throw wrong(key, "true or false");
        }
        return n.asBoolean();
    }

    List<String> texts(String key, List<String> otherwise) throws ConfigException {
        JsonNode n = node(key);
        if (n.isMissingNode()) {
            return otherwise;
        }
        List<String> all = new ArrayList<>();
        for (JsonNode element : n) {
            if (!element.isTextual()) {
                throw wrong(key, "a list of strings");
            }
            all.add(element.asText());
        }
        if (!n.isArray()) {
            throw wrong(key, "a list of strings");
        }
        return all;
    }

    String oneOf(String key, String otherwise, String... choices) throws ConfigException {
        String value = text(key, otherwise);
        if (!List.of(choices).contains(value)) {
            throw wrong(key, "one of " + String.join(", ", choices));
        }
        return value;
    }

    /** Fails when the document has a key that nobody asked for. */
    void refuseOthers() throws ConfigException {
        Set<String> others = new TreeSet<>();
        collect("", root, others);
        others.removeAll(known);
        if (!others.isEmpty()) {
            throw new ConfigException(file + ": unknown key " + String.join(", ", others));
        }
    }

    private static void collect(String prefix, JsonNode node, Set<String> into) {
        if (node.isObject()) {
            node.properties().forEach(e -> collect(join(prefix, e.getKey()), e.getValue(), into));
        } else if (!prefix.isEmpty()) {
            into.add(prefix);
        }
    }

    private static String join(String prefix, String name) {
        return prefix.isEmpty() ? name : prefix + "." + name;
    }

    private ConfigException wrong(String key, String expected) {
        return new ConfigException(file + ": " + key + " must be " + expected);
    }
}
