package io.porthole.virtiofsd.passthrough;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What {@code dev/test --fuzz} starts from, and some thousand variations of it. */
@Timeout(240)
class FuzzSeedsTest {
    @Test
    void requestsOfAnyBytesAreSurvived() throws Exception {
        Random random = new Random(20261127);
        for (byte[] seed : FuseFuzz.seeds()) {
            FuseFuzz.fuzzerTestOneInput(seed);
            for (int i = 0; i < 10; i++) {
                byte[] input = Arrays.copyOf(seed, seed.length);
                for (int n = 1 + random.nextInt(8); n > 0; n--) {
                    input[random.nextInt(input.length)] = (byte) random.nextInt();
                }
                FuseFuzz.fuzzerTestOneInput(input);
            }
        }
    }
}
