package io.porthole.virtiofsd.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.dataformat.toml.TomlMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Shares in a TOML file: keys of the top are the process's options, each table {@code [[share]]} is
 * a {@code --share}. It is turned into arguments, so that there is one vocabulary and one place
 * that checks it.
 *
 * <p>Loaded, with the parser's library, only where {@code --config} is given: the launcher adds the
 * library to the class path then.
 */
final class ConfigFile {
    private ConfigFile() {}

    static String[] toArguments(String path) throws UsageException {
        try {
            return parse(Files.readString(Path.of(path), StandardCharsets.UTF_8));
        } catch (JsonProcessingException e) {
            throw new UsageException(
                    "--config "
                            + path
                            + ", line "
                            + e.getLocation().getLineNr()
                            + ": "
                            + e.getOriginalMessage());
        } catch (IOException e) {
            throw new UsageException("--config " + path + ": cannot be read: " + e.getMessage());
        } catch (NoClassDefFoundError e) {
            throw new UsageException("--config needs the launcher bin/virtiofsd");
        } catch (UsageException e) {
            throw new UsageException("--config " + path + ": " + e.getMessage());
        }
    }

    static String[] parse(String text) throws UsageException, JsonProcessingException {
        List<String> arguments = new ArrayList<>();
        for (Map.Entry<String, JsonNode> entry : new TomlMapper().readTree(text).properties()) {
            String key = entry.getKey();
            JsonNode value = entry.getValue();
            if (key.equals("share")) {
                if (!value.isArray()) {
                    throw new UsageException("a share is a table: [[share]]");
                }
                for (JsonNode share : value) {
                    arguments.add("--share");
                    arguments.add(shareSpec(share));
                }
                continue;
            }
            if (key.equals("sandbox") || key.equals("modcaps") || key.equals("config")) {
                // The launcher acts on these before this file is read.
                throw new UsageException("'" + key + "' is given on the command line only");
            }
            if (!value.isBoolean()) {
                arguments.add("--" + key + "=" + plain(key, value));
            } else if (value.booleanValue()) {
                arguments.add("--" + key);
            }
        }
        return arguments.toArray(new String[0]);
    }

    private static String shareSpec(JsonNode share) throws UsageException {
        if (!share.isObject() || !share.has("tag") || !share.has("dir")) {
            throw new UsageException("a [[share]] needs a tag and a dir");
        }
        List<String> items = new ArrayList<>();
        items.add(plain("tag", share.get("tag")) + "=" + plain("dir", share.get("dir")));
        for (Map.Entry<String, JsonNode> entry : share.properties()) {
            String key = entry.getKey();
            JsonNode value = entry.getValue();
            if (key.equals("tag") || key.equals("dir")) {
                continue;
            }
            if (!value.isBoolean()) {
                items.add(key + "=" + plain(key, value));
            } else if (value.booleanValue()) {
                items.add(key);
            }
        }
        return ShareSpec.join(items);
    }

    private static String plain(String key, JsonNode value) throws UsageException {
        if (value.isTextual() || value.isNumber()) {
            return value.asText();
        }
        throw new UsageException("'" + key + "' is neither a text, a number nor true or false");
    }
}
