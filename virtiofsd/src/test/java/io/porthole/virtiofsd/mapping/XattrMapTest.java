package io.porthole.virtiofsd.mapping;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.porthole.linux.Errno;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class XattrMapTest {
    private static final String OVERLAY = ":map:trusted.:user.virtiofs.:";

    /** The host's name, or the error's. */
    private static String toHost(String rules, String name) {
        byte[] in = ("..." + name + "\0").getBytes(ISO_8859_1);
        byte[] out = new byte[XattrMap.NAME_ROOM_BYTES];
        int result =
                XattrMap.parse(rules)
                        .toHost(
                                MemorySegment.ofArray(in),
                                3,
                                name.length(),
                                MemorySegment.ofArray(out));
        if (result > 0) {
            assertEquals(0, out[result], "ends with NUL");
            return new String(out, 0, result, ISO_8859_1);
        }
        return result == 0
                ? name
                : switch (-result) {
                    case Errno.EPERM -> "EPERM";
                    case Errno.EOPNOTSUPP -> "EOPNOTSUPP";
                    case Errno.ERANGE -> "ERANGE";
                    default -> "errno " + -result;
                };
    }

    private static String toGuest(String rules, String names) {
        byte[] list = names.replace(' ', '\0').getBytes(ISO_8859_1);
        int left = XattrMap.parse(rules).toGuest(MemorySegment.ofArray(list), list.length);
        return new String(list, 0, left, ISO_8859_1).replace('\0', ' ');
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                ":map::user.virtiofs.: | security.selinux | user.virtiofs.security.selinux",
                ":map:trusted.:user.virtiofs.: | trusted.a | user.virtiofs.trusted.a",
                ":map:trusted.:user.virtiofs.: | user.a | user.a",
                ":map:trusted.:user.virtiofs.: | user.virtiofs.trusted.a | EPERM",
                ":map:trusted.:user.virtiofs.: | user.virtiofs.trusted.a.b | EPERM",
                ":ok:client:user.::/bad/all/security.//-unsupported-all-trusted.--  :ok:all:::"
                        + " | user.a | user.a",
                ":ok:client:user.::/bad/all/security.//-unsupported-all-trusted.-- | security.a | EPERM",
                ":ok:client:user.::/bad/all/security.//-unsupported-all-trusted.-- | trusted.a"
                        + " | EOPNOTSUPP",
                ":bad:client:user.a:::ok:all::: | user.ab | EPERM",
                ":bad:client:user.a:::ok:all::: | user.b | user.b",
                ":bad:server:user.:::ok:all::: | user.b | user.b",
                ":prefix:client:user.:: | user.b | user.b",
                ":ok:client:user.:: | trusted.a | EPERM",
            })
    void theFirstRuleThatMatchesNamesIt(String rules, String name, String expected) {
        assertEquals(expected, toHost(rules, name));
    }

    @Test
    void theListShowsTheGuestsNamesOnly() {
        assertEquals(
                "security.a x ",
                toGuest(
                        ":map::user.virtiofs.:",
                        "user.a user.virtiofs.security.a trusted.b user.virtiofs.x "));
        assertEquals(
                "trusted.a user.b ",
                toGuest(OVERLAY, "trusted.hosts user.virtiofs.trusted.a user.b "));
        assertEquals(
                "user.b ",
                toGuest(
                        ":bad:server::security.: :unsupported:server::trusted.: :ok:all:::",
                        "security.a user.b trusted.c "));
        assertEquals("", toGuest(":ok:server::user.:", "trusted.a security.b "), "no rule matches");
        assertEquals("", toGuest(":prefix:server::user.x:", "user.x "), "an empty name is none");
        assertEquals("", toGuest(OVERLAY, ""));
    }

    @Test
    void aNameThatBecomesTooLongIsRefused() {
        String longest = "user." + "x".repeat(255 - 5 - "p.".length());
        assertEquals("p." + longest, toHost(":map::p.:", longest));
        assertEquals("ERANGE", toHost(":map::p.:", longest + "x"));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "'' | no rule",
                "' ' | no rule",
                ":prefix:all:a | not of the form",
                ":prefix:all:a:b | not of the form",
                ": | not of the form",
                ":bad:some:a:b: | scope 'some'",
                ":worse:all:a:b: | type 'worse'",
                ":map:a:b: :ok:all::: | must be the last rule",
                ":ok:all::: :map:a | rule 2",
            })
    void wrongRulesAreRefused(String rules, String expected) {
        String message =
                assertThrows(IllegalArgumentException.class, () -> XattrMap.parse(rules))
                        .getMessage();
        assertTrue(message.contains(expected), message);
    }

    @Test
    void whatTheKernelWouldNotKnowIsNamed() {
        assertEquals(
                "user.virtiofs.security.capability",
                XattrMap.parse(":map:security.:user.virtiofs.:").hostName("security.capability"));
        assertEquals(
                "security.capability", XattrMap.parse(OVERLAY).hostName("security.capability"));
        assertEquals(
                "security.capability",
                XattrMap.parse(":bad:all:::").hostName("security.capability"));
    }

    /** A host process may have given names of any bytes; the list never grows or breaks. */
    @Property
    void listsOfAnyBytesGetNoLonger(@ForAll @Size(max = 300) byte[] bytes) {
        for (String rules : new String[] {OVERLAY, ":map::u:", ":ok:all:::", ":prefix:all::a:"}) {
            byte[] list = Arrays.copyOf(bytes, bytes.length + 1);
            int left = XattrMap.parse(rules).toGuest(MemorySegment.ofArray(list), list.length);
            assertTrue(left <= list.length);
            assertTrue(left == 0 || list[left - 1] == 0, "ends with NUL");
        }
    }
}
