package io.porthole.vhostuser;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What {@code dev/test --fuzz} starts from, and some variations of it. */
@Timeout(240)
class FuzzSeedsTest {
    private final Random random = new Random(20261127);

    @Test
    void messagesOfAnyBytesAreSurvived() throws Exception {
        for (byte[] seed : MessageFuzz.seeds()) {
            MessageFuzz.fuzzerTestOneInput(seed);
            for (int i = 0; i < 4; i++) {
                MessageFuzz.fuzzerTestOneInput(changed(seed));
            }
        }
    }

    @Test
    void ringsOfAnyBytesAreSurvived() throws Exception {
        byte[] seed = new byte[1024];
        for (int i = 0; i < 500; i++) {
            RingFuzz.fuzzerTestOneInput(seed);
            seed = changed(seed);
        }
    }

    private byte[] changed(byte[] seed) {
        byte[] input = Arrays.copyOf(seed, seed.length);
        for (int n = 1 + random.nextInt(8); n > 0; n--) {
            input[random.nextInt(input.length)] = (byte) random.nextInt();
        }
        return input;
    }
}
