package io.porthole.virtiofsd.guest;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/**
 * A tree of odd files, seen by a guest through this daemon, by one through Rust virtiofsd, and by
 * the host: stat, links, extended attributes and access control lists, holes, contents.
 */
class SameViewIT extends GuestTestBase {
    /** Made in the tree by perl, which has words for all of it; $ARGV[0] is the directory. */
    private static final String TREE =
            """
            use strict; use Fcntl; use Socket; use POSIX;
            umask 0;
            chdir $ARGV[0] or die;
            sub put { open my $f, ">", $_[0] or die "$_[0]: $!"; print $f $_[1]; close $f or die; }
            put("empty", ""); put("short", "x" x 4095); put("page", "y" x 4096); put("long", "z" x 1000003);
            put("setuid", "u"); chmod 06755, "setuid"; put("none", "n"); chmod 0, "none";
            mkdir "sticky"; chmod 01777, "sticky"; mkdir "setgid"; chmod 02775, "setgid";
            put("owned", "o"); chown 4000000000, 4294967294, "owned"; chown 65534, 1, "setgid";
            put("n" x 255, "longest name"); put("\\xff\\xfe\\x01 \\n\\t'\\"*?\\\\", "not UTF-8");
            put("linked", "three"); link "linked", "linked2"; mkdir "far"; link "linked", "far/linked3";
            symlink "short", "symlink"; symlink "t" x 4095, "longlink"; symlink "gone/nowhere", "dangling"; symlink "loop", "loop";
            mkfifo("fifo", 0640); my ($null, $block) = ("null", "block"); syscall(133, $null, 0020666, 0x103); syscall(133, $block, 0060600, 0x80007);
            socket(my $s, AF_UNIX, SOCK_STREAM, 0); bind $s, pack_sockaddr_un("socket") or die "bind: $!";
            sysopen my $h, "sparse", O_RDWR | O_CREAT or die; sysseek $h, 1 << 20, 0; syswrite $h, "d" x 70000;
            sysseek $h, 1 << 32, 0; syswrite $h, "end"; truncate $h, (1 << 33) + 5; close $h;
            mkdir "many"; put("many/entry-$_", "") for 0 .. 39999;
            my $back = getcwd(); mkdir "deep"; chdir "deep" or die;
            for (1 .. 300) { mkdir "d" x 50 or die; chdir "d" x 50 or die; } put("bottom", "deep"); chdir $back;
            sub attribute { my ($f, $n, $v) = @_; syscall(189, $f, $n, $v, length $v, 0) == 0 or die "$f $n: $!"; }
            attribute("short", "user.text", "value"); attribute("short", "user.empty", ""); attribute("short", "user.binary", pack "C*", 0 .. 255);
            attribute("far", "user.on.directory", "d"); attribute("page", "security.capability", pack "V5", 0x02000001, 1 << 10, 0, 0, 0);
            sub acl { pack("V", 2) . join "", map { pack "vvV", @$_ } @_ }
            attribute("page", "system.posix_acl_access", acl [1, 6, -1], [2, 7, 1234], [4, 4, -1], [8, 5, 77], [16, 7, -1], [32, 4, -1]);
            attribute("far", "system.posix_acl_default", acl [1, 7, -1], [2, 5, 1234], [4, 5, -1], [16, 5, -1], [32, 0, -1]);
            utime 4294967296 + 99, 4294967296 + 99, "short"; utime -315619200, -315619200, "page"; utime 0, 0, "empty";
            """;

    /** JUnit's own removal knows neither paths beyond PATH_MAX nor names that are not UTF-8. */
    @AfterEach
    void remove() throws IOException, InterruptedException {
        Processes.must("rm", "-rf", share.resolve("tree").toString());
    }

    @Test
    void guestsSeeTheSameUnderBothDaemons() throws Exception {
        Path program = share.resolve("treedump");
        Processes.compile("treedump", program);
        Path tree = Files.createDirectory(share.resolve("tree"));
        Processes.must("perl", "-e", TREE, tree.toString());

        List<String> below =
                List.of(Processes.must(program.toString(), tree.toString()).split("\n", -1));
        assertTrue(below.size() > 40_000 + 300 + 25, "a whole tree: " + below.size());
        Machine machine = Machine.pair().getFirst();
        List<String> ours =
                seenBy(machine, VirtiofsdProcess.share(share, "--tag=share", "--posix-acl"));
        List<String> peers =
                seenBy(
                        machine,
                        VirtiofsdProcess.share(
                                Rig.tool("virtiofsd-rust"), share, "--tag=share", "--posix-acl"));
        assertEquals(List.of(), differences(peers, ours), "the peer's view and ours");
        assertEquals(List.of(), differences(below, ours), "the host's view and ours");
    }

    private List<String> seenBy(Machine machine, VirtiofsdProcess started) throws Exception {
        Path dump = share.resolve("dump");
        withGuest(
                started,
                machine,
                (guest, daemon) ->
                        guest.must("/mnt/treedump /mnt/tree >/mnt/dump", Duration.ofMinutes(5)));
        return List.of(Files.readString(dump, StandardCharsets.ISO_8859_1).strip().split("\n", -1));
    }

    private static List<String> differences(List<String> expected, List<String> seen) {
        List<String> all = new ArrayList<>();
        for (int i = 0; i < Math.max(expected.size(), seen.size()) && all.size() < 40; i++) {
            String wanted = i < expected.size() ? expected.get(i) : "nothing";
            String got = i < seen.size() ? seen.get(i) : "nothing";
            if (!wanted.equals(got)) {
                all.add("- " + wanted + "\n+ " + got);
            }
        }
        return all;
    }
}
