package io.porthole.sandbox.agentprotocol.ttrpc;

import com.google.protobuf.ByteString;
import io.porthole.sandbox.agentprotocol.ttrpc.wire.Request;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What {@code dev/test --fuzz} starts from, and some thousand variations of it. */
@Timeout(120)
class FuzzSeedsTest {
    @Test
    void framesOfAnyBytesAreSurvived() {
        Random random = new Random(20261127);
        byte[] message =
                Request.newBuilder()
                        .setService("grpc.AgentService")
                        .setMethod("WriteStdin")
                        .setPayload(ByteString.copyFromUtf8("\n\1c"))
                        .build()
                        .toByteArray();
        byte[] seed = new byte[1 + 2 * (TtrpcFrame.HEADER_BYTES + message.length)];
        int at = 1;
        for (int type = TtrpcFrame.TYPE_REQUEST; type <= TtrpcFrame.TYPE_REQUEST + 1; type++) {
            TtrpcFrame.putHeader(seed, at, message.length, 1, type, 0);
            at += TtrpcFrame.HEADER_BYTES;
            System.arraycopy(message, 0, seed, at, message.length);
            at += message.length;
        }
        TtrpcFuzz.fuzzerTestOneInput(seed);
        for (int i = 0; i < 5000; i++) {
            byte[] input = Arrays.copyOf(seed, 1 + random.nextInt(seed.length));
            for (int n = random.nextInt(6); n > 0; n--) {
                input[random.nextInt(input.length)] = (byte) random.nextInt();
            }
            TtrpcFuzz.fuzzerTestOneInput(input);
        }
    }
}
