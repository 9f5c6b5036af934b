package io.porthole.virtiofsd.mapping;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.porthole.linux.Errno;
import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class IdMapTest {
    /** What the ids on both sides of each edge become: "guest>host" and "host<guest". */
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "guest:10:100:5 | 9>9 10>100 14>104 15>15 100<100",
                "host:100:10:5 | 10>10 99<99 100<10 104<14 105<105",
                "map:10:100:5 | 9>9 10>100 14>104 15>15 99<99 100<10 104<14 105<105 10<10",
                "squash-guest:10:100:5 | 9>9 10>100 14>100 15>15 100<100",
                "squash-host:100:10:5 | 10>10 99<99 100<10 104<10 105<105",
                "forbid-guest:10:5 | 9>9 10>-1 14>-1 15>15 12<12",
                "squash-guest:0:7:4294967295 | 0>7 7>7 4294967294>7 4294967295>4294967295 8<8",
                "map:0:5:0 | 0>0 5<5",
                "map:4294967290:0:5 | 4294967294>4 4294967295>4294967295 4<4294967294",
                "guest:10:100:5 forbid-guest:0:10 host:1:2:1 squash-guest:15:3:10"
                        + " | 9>-1 10>100 15>3 24>3 25>25 1<2",
            })
    void rulesSayWhatBecomesOfAnId(String rules, String expected) {
        IdMap map = IdMap.parse(List.of(rules.split(" ")));
        for (String pair : expected.split(" ", -1)) {
            String[] ids = pair.split("[<>]", -1);
            int id = Integer.parseUnsignedInt(ids[0]);
            long became =
                    pair.indexOf('>') > 0
                            ? map.toHost(id)
                            : Integer.toUnsignedLong(map.toGuest(id));
            assertEquals(ids[1].equals("-1") ? -Errno.EPERM : Long.parseLong(ids[1]), became, pair);
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "map:0:1:2 map:1:9:2 | overlaps",
                "map:0:10:2 map:5:11:2 | overlaps",
                "map:0:10:2 guest:1:30:2 | overlaps",
                "forbid-guest:0:10 guest:2:5:2 | overlaps",
                "map:0:5:4294967295 | beyond the last id",
                "guest:5:0:4294967295 | beyond the last id",
                "squash-guest:0:4294967295:1 | beyond the last id",
                "forbid-guest:1:4294967295 | beyond the last id",
                "map:0:0:4294967296 | no number",
                "map:0:+1:1 | no number",
                "map:-1:0:1 | no number",
                "map:0:x:1 | no number",
                "map:0:5 | not of the form",
                "map:0:5:1:1 | not of the form",
                "forbid-guest:0:10:10 | not of the form",
                ":map:0:5:1: | not of the form",
                "squash:0:5:1 | begins with none of",
            })
    void wrongRulesAreRefusedAsByThePeer(String rules, String expected) {
        String message =
                assertThrows(
                                IllegalArgumentException.class,
                                () -> IdMap.parse(List.of(rules.split(" "))))
                        .getMessage();
        assertTrue(message.contains(expected), message);
    }

    @Test
    void oppositeDirectionsMayOverlap() {
        IdMap map = IdMap.parse(List.of("host:1000:500:1", "squash-guest:0:1000:4294967295"));
        assertEquals(500, map.toGuest(1000));
        assertEquals(1000, map.toHost(77));
    }

    @Property
    void mapIsItsOwnInverse(
            @ForAll @IntRange(max = 1 << 20) int guest,
            @ForAll @IntRange(max = 1 << 20) int host,
            @ForAll @IntRange(min = 1, max = 1 << 16) int count,
            @ForAll @IntRange(max = (1 << 16) - 1) int at) {
        IdMap map = IdMap.parse(List.of("map:" + guest + ":" + host + ":" + count));
        int id = guest + at % count;
        assertEquals(id, map.toGuest((int) map.toHost(id)));
        assertEquals(host + at % count, map.toHost(id));
    }
}
