package io.porthole.sandbox.orchestrator.image;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What {@code dev/test --fuzz} starts from, and some variations of it. Needs root. */
@Timeout(240)
class FuzzSeedsTest {
    private final Random random = new Random(20261127);

    @Test
    void layersOfAnyBytesAreUnpackedOrRefused() throws Exception {
        byte[] tar =
                TestImages.layer(l ->
                        l.directory("usr/bin")
                                .file("usr/bin/tool", "#!", 04755, 0, Map.of("user.note", "kept"))
                                .symlink("usr/bin/alias", "../../../secret")
                                .hardLink("usr/bin/twin", "usr/bin/tool")
                                .file("usr/bin/alias", "x")
                                .file("usr/.wh.bin", ""));
        vary((byte) 0, tar, 1500);
    }

    @Test
    void indexesOfAnyBytesAreRefused() throws Exception {
        String digest = "sha256:" + "0".repeat(64);
        byte[] index =
                ("{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":\"m\",\"digest\":\""
                                + digest
                                + "\",\"size\":2,\"platform\":{\"os\":\"linux\",\"architecture\":\"amd64\"}}]}")
                        .getBytes(StandardCharsets.US_ASCII);
        vary((byte) 1, index, 3000);
    }

    private void vary(byte kind, byte[] content, int times) throws Exception {
        byte[] seed = new byte[content.length + 1];
        seed[0] = kind;
        System.arraycopy(content, 0, seed, 1, content.length);
        ImageFuzz.fuzzerTestOneInput(seed);
        for (int i = 0; i < times; i++) {
            byte[] input = Arrays.copyOf(seed, seed.length);
            for (int n = 1 + random.nextInt(6); n > 0; n--) {
                input[1 + random.nextInt(input.length - 1)] = (byte) random.nextInt();
            }
            ImageFuzz.fuzzerTestOneInput(input);
        }
    }
}
