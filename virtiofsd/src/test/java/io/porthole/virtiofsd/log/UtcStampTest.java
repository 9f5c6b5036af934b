package io.porthole.virtiofsd.log;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.LongRange;

final class UtcStampTest {
    private static final DateTimeFormatter REFERENCE =
            DateTimeFormatter.ofPattern("uuuu-MM-dd'T'HH:mm:ss.SSS'Z'").withZone(ZoneOffset.UTC);

    @Property
    void agreesWithTheJdk(
            @ForAll @LongRange(min = -62_135_596_800_000L, max = 253_402_300_799_999L)
                    long millis) {
        StringBuilder out = new StringBuilder();
        UtcStamp.append(out, millis);
        assertEquals(REFERENCE.format(Instant.ofEpochMilli(millis)), out.toString());
    }
}
