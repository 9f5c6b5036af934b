package io.porthole.virtiofsd.mapping;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class NamespaceIdsTest {
    @Test
    void rootNeedsARange() {
        NamespaceIds ids = new NamespaceIds();
        assertTrue(ids.isEmpty());
        assertFalse(ids.lacksRoot());
        ids.add(":1:100000:65535:");
        assertFalse(ids.isEmpty());
        assertTrue(ids.lacksRoot());
        ids.add("/0/1000/1/");
        assertFalse(ids.lacksRoot());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                ":",
                ":::::",
                ":0:1:2",
                ":0:1:2:3:",
                ":0:1:2:x",
                "0:1:2:",
                ":-1:0:1:",
                ":0:+1:1:",
                ":0:1:1 :",
                ":0:99999999999:1:"
            })
    void whatIsNoRangeIsRefused(String range) {
        String said =
                assertThrows(IllegalArgumentException.class, () -> new NamespaceIds().add(range))
                        .getMessage();
        assertEquals("range '" + range + "' is not of the form :NAMESPACE_ID:HOST_ID:COUNT:", said);
    }

    @ParameterizedTest
    @ValueSource(strings = {":0:0:0:", ":0:4294967290:6:", ":4294967295:0:1:"})
    void rangesEndBeforeTheLastId(String range) {
        NamespaceIds ids = new NamespaceIds();
        assertThrows(IllegalArgumentException.class, () -> ids.add(range));
        ids.add(":0:4294967290:5:");
    }
}
