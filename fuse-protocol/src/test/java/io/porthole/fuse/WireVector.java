package io.porthole.fuse;

import io.porthole.fuse.testing.RecordingFileSystem;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One vector of wire-vectors.txt, which says in its head what it is made of.
 *
 * @param error fuse_out_header.error of the reply, or null where there is none
 */
record WireVector(
        String title,
        String requestHex,
        int room,
        long answer,
        List<String> calls,
        @Nullable Integer error,
        String bodyHex) {

    byte[] request() {
        return HexFormat.of().parseHex(requestHex);
    }

    byte[] body() {
        return HexFormat.of().parseHex(bodyHex);
    }

    static List<WireVector> all() {
        String text;
        try (InputStream in = WireVector.class.getResourceAsStream("wire-vectors.txt")) {
            text = new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        List<WireVector> vectors = new ArrayList<>();
        for (String part : text.split("(?m)^= ", -1)) {
            if (!part.startsWith("#")) {
                vectors.add(parse(part));
            }
        }
        return vectors;
    }

    private static WireVector parse(String part) {
        List<String> lines = part.lines().toList();
        ByteArrayOutputStream request = new ByteArrayOutputStream();
        ByteArrayOutputStream body = new ByteArrayOutputStream();
        List<String> calls = new ArrayList<>();
        int room = 4096;
        long answer = 0;
        Integer error = null;
        for (String line : lines.subList(1, lines.size())) {
            String[] words = line.replaceFirst("#.*", "").strip().split(" ", -1);
            switch (words[0]) {
                case "" -> {}
                case "room" -> room = Integer.parseInt(words[1]);
                case "answer" -> answer = Long.parseLong(words[1]);
                case "call" -> calls.add(line.substring("call ".length()));
                case "reply" -> {
                    error = words[1].equals("none") ? null : Integer.valueOf(words[1]);
                    body(words, body);
                }
                default -> {
                    for (String word : words) {
                        request.write(HexFormat.fromHexDigits(word));
                    }
                }
            }
        }
        return new WireVector(
                lines.getFirst(),
                HexFormat.of().formatHex(request.toByteArray()),
                room,
                answer,
                calls,
                error,
                HexFormat.of().formatHex(body.toByteArray()));
    }

    private static void body(String[] words, ByteArrayOutputStream body) {
        for (int i = 2; i < words.length; i++) {
            if (words[i].equals("pattern")) {
                int bytes = Integer.parseInt(words[++i]);
                for (int b = 0; b < bytes; b++) {
                    body.write(RecordingFileSystem.pattern(b));
                }
            } else {
                body.write(HexFormat.fromHexDigits(words[i]));
            }
        }
    }
}
