package io.porthole.virtiofsd.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

final class OptionParserTest {
    private static Options parse(String line) throws UsageException {
        return OptionParser.parse(line.split(" "));
    }

    private static String refusal(String line) {
        return assertThrows(UsageException.class, () -> parse(line)).getMessage();
    }

    @Test
    void aMountHasNoVmmAndIsOfOneShare() throws UsageException {
        Options options = parse("--shared-dir=d --mount=/m --mount-threads=3");
        assertEquals("/m", options.mount());
        assertEquals(3, options.mountThreads());
        for (String other :
                List.of("--socket-path=s", "--fd=3", "--dax=inode --tag=t", "--keep-running")) {
            String message = refusal("--shared-dir=d --mount=/m " + other);
            assertTrue(message.contains("--mount and " + other.split("[= ]", 2)[0]), message);
        }
        assertTrue(refusal("--mount=/m --share a=d,socket=s").contains("--mount is for one share"));
        assertTrue(refusal("--share a=d,socket=s,mount=/m").contains("holds for the process"));
    }

    @Test
    void kataGoDialectIsUnderstood() throws UsageException {
        Options options =
                parse(
                        "--syslog --cache=auto --shared-dir=/srv --fd=3 --thread-pool-size=1"
                                + " --announce-submounts --xattr");
        assertEquals("/srv", options.sharedDir());
        assertEquals(3, options.listenFd());
        assertEquals(Options.Cache.AUTO, options.cache());
        assertTrue(options.syslog());
        assertTrue(options.xattr());
        assertTrue(options.announceSubmounts());
    }

    @Test
    void kataRustDialectIsUnderstood() throws UsageException {
        Options options =
                parse(
                        "--socket-path /run/s --shared-dir /srv --cache always"
                                + " --thread-pool-size=1 -o announce_submounts --xattr");
        assertEquals("/run/s", options.socketPath());
        assertEquals(Options.Cache.ALWAYS, options.cache());
        assertTrue(options.announceSubmounts());
    }

    @Test
    void qemuFormIsUnderstood() throws UsageException {
        Options options =
                parse(
                        "--socket-path=s -o source=/srv,cache=never,no_readdirplus,writeback,"
                                + "no_posix_lock,no_flock,xattr,log_level=debug,sandbox=chroot"
                                + " -ono_announce_submounts");
        assertEquals("/srv", options.sharedDir());
        assertEquals(Options.Cache.NEVER, options.cache());
        assertFalse(options.readdirplus());
        assertTrue(options.writeback());
        assertFalse(options.announceSubmounts());
        assertEquals(Options.LogLevel.DEBUG, options.logLevel());
        assertEquals(Options.Sandbox.CHROOT, options.sandbox());
    }

    @Test
    void defaultsAreThePeersDefaults() throws UsageException {
        Options options = parse("--socket-path s --shared-dir d");
        assertEquals(Options.Cache.AUTO, options.cache());
        assertEquals(Options.Sandbox.NAMESPACE, options.sandbox());
        assertEquals(Options.Seccomp.KILL, options.seccomp());
        assertEquals(Options.FileHandles.PREFER, options.fileHandles());
        assertTrue(options.announceSubmounts());
        assertTrue(options.readdirplus());
        assertFalse(options.xattr());
        assertFalse(options.writeback());
        assertFalse(options.posixLock());
        assertFalse(options.flock());
    }

    @Test
    void locksAreAskedForInBothForms() throws UsageException {
        Options qemu = parse("--socket-path s --shared-dir d -o posix_lock,flock");
        assertTrue(qemu.posixLock());
        assertTrue(qemu.flock());
        Options own = parse("--socket-path s --shared-dir d --posix-lock --flock");
        assertTrue(own.posixLock());
        assertTrue(own.flock());
        assertFalse(parse("--socket-path s --shared-dir d --flock -o no_flock").flock());
    }

    @Test
    void aLockBoardIsOfTheProcessAndNeedsLocks() throws UsageException {
        assertNull(parse("--socket-path s --shared-dir d --posix-lock").lockBoard());
        Options one = parse("--socket-path s --shared-dir d --lock-board=/run/b -o posix_lock");
        assertEquals("/run/b", one.lockBoard());
        assertEquals(
                "b", parse("--mount=/m --shared-dir=d --posix-lock --lock-board b").lockBoard());
        String shares = "--lock-board /b --share a=/x,socket=/s --share b=/y,socket=/t";
        assertEquals("/b", parse(shares + ",posix-lock").lockBoard());
        assertEquals("/b", parse("--lock-board /b --control c").lockBoard(), "one may be added");
        String sentence = "--lock-board needs --posix-lock";
        for (String without :
                List.of(
                        shares,
                        shares + ",flock",
                        "--shared-dir d --fd 3 --lock-board /b --flock",
                        "--shared-dir d --mount=/m --lock-board /b")) {
            assertTrue(refusal(without).contains(sentence), without);
        }
        assertTrue(
                refusal("--share a=/x,socket=/s,posix-lock,lock-board=/b")
                        .contains("holds for the process"));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "--socket-path s | --shared-dir is missing",
                "--shared-dir d | --socket-path or --fd is missing",
                "--shared-dir d --socket-path s --fd 3 | exclude each other",
                "--shared-dir d --fd x | takes a number",
                "--shared-dir d --fd -1 | takes a number",
                "--shared-dir | needs a value (DIR)",
                "--shared-dir= --fd 3 | is empty",
                "--frobnicate | unknown option --frobnicate",
                "-x | unknown option -x",
                "-o frob=1 | unknown option -o frob=1",
                "-o source | needs a value",
                "-o | -o needs a value",
                "extra | unexpected argument 'extra'",
                "--xattr=yes | takes no value",
                "--cache=sometimes | one of never, auto, metadata, always",
                "--sandbox=tent | one of namespace, chroot, none",
                "--uid-map :0:1:2 | is not of the form :NAMESPACE_ID:HOST_ID:COUNT:",
                "--gid-map :1:1:2: --shared-dir d --fd 3 | has no range for id 0",
                "--uid-map :0:1:2: --sandbox=none --shared-dir d --fd 3 | needs --sandbox=namespace",
                "--share a=d,socket=s,uid-map=:0:1:2: | holds for the process",
                "--xattrmap :map::user.: --dax=inode --tag t --shared-dir d --fd 3 | exclude each other",
                "--translate-uid map:0:1 --shared-dir d --fd 3 | is not of the form",
                "--translate-gid map:0:0:9 --translate-gid map:5:5:1 --shared-dir d --fd 3 | overlaps",
                "--translate-gid map:0:1:2 --posix-acl --shared-dir d --fd 3 | exclude each other",
                "--xattrmap :map:: | rule 1 is not of the form",
                "--xattrmap= | it has no rule",
                "--flock=yes | takes no value",
                "--tag 0123456789012345678901234567890123456 | longer than 36 bytes",
            })
    void wrongArgumentsAreRefusedWithASentence(String line, String expected) {
        String message = refusal(line);
        assertTrue(message.contains(expected), message);
        assertFalse(message.contains("\n"), message);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "--migration-mode find-paths",
                "--migration-on-error abort",
                "--migration-verify-handles",
                "--migration-confirm-paths"
            })
    void migrationIsRefused(String line) {
        assertTrue(refusal(line).contains("a virtual machine with this share cannot migrate"));
    }

    /** docs/options.md has a row for each option, and the tests that it names are there. */
    @Test
    void thePageOfOptionsIsWhole() throws IOException {
        Path page = Path.of("..", "docs", "options.md");
        Set<String> labels = new HashSet<>();
        for (String line : Files.readAllLines(page)) {
            if (!line.startsWith("| `--")) {
                continue;
            }
            String[] cells = line.split(" \\| ", -1);
            assertEquals(3, cells.length, line);
            labels.add(cells[0].replaceAll("^\\| `--([a-z0-9-]+).*", "$1"));
            String[] test = cells[2].replaceAll("[`| ]", "").split("[.]", -1);
            assertTrue(isThere(test), line);
        }
        assertEquals(
                Stream.of(OptionTable.values()).map(o -> o.label).collect(Collectors.toSet()),
                labels);
    }

    private static boolean isThere(String[] test) {
        for (String where : List.of("guest.", "cli.", "passthrough.", "")) {
            try {
                Class<?> type = Class.forName("io.porthole.virtiofsd." + where + test[0]);
                return test.length == 1
                        || Stream.of(type.getDeclaredMethods())
                                .anyMatch(m -> m.getName().equals(test[1]));
            } catch (ClassNotFoundException e) {
                // In another package, then.
            }
        }
        return false;
    }

    @ParameterizedTest
    @EnumSource(OptionTable.class)
    void everyOptionOfTheTableIsHandledAndInTheHelp(OptionTable option) {
        assertTrue(OptionTable.usage().contains("--" + option.label + " "));
        String line = "--" + option.label + (option.valueName == null ? "" : " 1");
        try {
            parse(line + " --help");
        } catch (UsageException e) {
            assertFalse(e.getMessage().contains("unknown option"), e.getMessage());
        }
    }

    @Test
    void droppingBothWallsIsWarnedAbout() throws UsageException {
        Options options = parse("--shared-dir d --fd 3 --sandbox none --seccomp none");
        assertEquals(1, options.warnings().size());
    }

    @Test
    void accessControlListsImplyExtendedAttributes() throws UsageException {
        assertTrue(parse("--shared-dir d --fd 3 --posix-acl").xattr());
        assertTrue(parse("--shared-dir d --fd 3 --security-label=always").xattr());
        assertFalse(parse("--shared-dir d --fd 3 --posix-acl=never").xattr());
    }

    @Test
    void namesAndIdsAreMappedInBothForms() throws UsageException {
        Options plain = parse("--shared-dir d --fd 3");
        assertNull(plain.xattrMap());
        assertNull(plain.uidMap());
        assertNull(plain.gidMap());
        Options mapped =
                parse(
                        "--shared-dir d --fd 3 --xattrmap=:map::user.virtiofs.:"
                                + " --translate-uid map:0:1000:10 --translate-uid=guest:10:2000:1"
                                + " --translate-gid squash-host:0:7:9");
        assertTrue(mapped.xattr());
        assertEquals("user.virtiofs.a", mapped.xattrMap().hostName("a"));
        assertEquals(1001, mapped.uidMap().toHost(1));
        assertEquals(2000, mapped.uidMap().toHost(10));
        assertEquals(7, mapped.gidMap().toGuest(8));
        assertEquals(
                "user.virtiofs.a",
                parse("--fd 3 -o source=d,xattrmap=:map::user.virtiofs.:")
                        .xattrMap()
                        .hostName("a"));
        // The last map holds, as with the peer.
        assertEquals(
                "a",
                parse("--shared-dir d --fd 3 --xattrmap :map::u.: --xattrmap :ok:all:::")
                        .xattrMap()
                        .hostName("a"));
    }

    @Test
    void helpAndVersionNeedNothingElse() throws UsageException {
        assertEquals(Options.Action.PRINT_HELP, parse("--help").action());
        assertEquals(Options.Action.PRINT_VERSION, parse("-V").action());
        assertEquals(Options.Action.PRINT_CAPABILITIES, parse("--print-capabilities").action());
    }

    @Test
    void sharesHaveTheirOwnOptionsOnTopOfTheCommons() throws UsageException {
        Options options =
                parse(
                        "--cache=never --share a=/x,,y,socket=/s,ro --xattr --share b=/z,socket=/t,"
                                + "cache=always,flock");
        assertTrue(options.manyShares());
        assertEquals(2, options.shares().size());
        Options a = options.shares().get(0);
        assertEquals("a", a.tag());
        assertEquals("/x,y", a.sharedDir());
        assertEquals("/s", a.socketPath());
        assertTrue(a.readonly());
        assertTrue(a.xattr());
        assertEquals(Options.Cache.NEVER, a.cache());
        Options b = options.shares().get(1);
        assertFalse(b.readonly());
        assertTrue(b.flock());
        assertTrue(b.xattr());
        assertEquals(Options.Cache.ALWAYS, b.cache());
        assertEquals("/later", options.share("c=/later,socket=/u").sharedDir());
        assertEquals(Options.Cache.NEVER, options.share("c=/later,socket=/u").cache());
    }

    @Test
    void wrongSharesAreNamed() {
        for (String wrong :
                new String[] {
                    "--share a",
                    "--share a=",
                    "--share a=/x",
                    "--share =/x,socket=/s",
                    "--share a=/x,socket=/s,sandbox=none",
                    "--share a=/x,socket=/s,frob",
                    "--share a=/x,socket=/s --share a=/y,socket=/t",
                    "--share a=/x,socket=/s --share b=/y,socket=/s",
                    "--share a=/x,socket=/s --shared-dir /y",
                    "--share a=/x,socket=/s --tag t",
                    "--share a=/x,socket=/s --sandbox chroot",
                    "--share a=/x,socket=/s,cache",
                    "--share a=/x,socket=/s,cache=maybe",
                }) {
            assertThrows(UsageException.class, () -> parse(wrong), wrong);
        }
    }

    @Test
    void daxIsOffUnlessAskedFor() throws UsageException {
        assertEquals(Options.Dax.NEVER, parse("--socket-path=s --shared-dir=d").dax());
        Options options =
                parse(
                        "--socket-path=s --shared-dir=d --tag=t --dax=inode --dax-window=64M"
                                + " --dax-threshold 128k");
        assertEquals(Options.Dax.INODE, options.dax());
        assertEquals(64L << 20, options.daxWindowBytes());
        assertEquals(128L << 10, options.daxThresholdBytes());
    }

    @ParameterizedTest
    @CsvSource({
        "--dax-window=3M, power of two",
        "--dax-window=1M, less than the 2M",
        "--dax-window=1G, more than 512M",
        "--dax-window=0, power of two",
        "--dax-window=M, takes a size",
        "--readonly, exclude each other"
    })
    void daxThatCannotWorkIsRefused(String option, String why) {
        String message = refusal("--socket-path=s --shared-dir=d --tag=t --dax=always " + option);
        assertTrue(message.contains(why), message);
    }

    @Test
    void daxNeedsATag() {
        assertTrue(refusal("--socket-path=s --shared-dir=d --dax=inode").contains("--tag"));
    }
}
