package io.porthole.virtiofsd.passthrough;

import static io.porthole.linux.Fcntl.FALLOC_FL_COLLAPSE_RANGE;
import static io.porthole.linux.Fcntl.FALLOC_FL_INSERT_RANGE;
import static io.porthole.linux.Fcntl.FALLOC_FL_KEEP_SIZE;
import static io.porthole.linux.Fcntl.FALLOC_FL_PUNCH_HOLE;
import static io.porthole.linux.Fcntl.FALLOC_FL_ZERO_RANGE;
import static io.porthole.linux.Fcntl.O_RDONLY;
import static io.porthole.linux.Fcntl.O_RDWR;
import static io.porthole.linux.Fcntl.O_TRUNC;
import static io.porthole.linux.Fcntl.RENAME_EXCHANGE;
import static io.porthole.linux.Fcntl.RENAME_NOREPLACE;
import static io.porthole.linux.Fcntl.RENAME_WHITEOUT;
import static io.porthole.linux.Fcntl.SEEK_DATA;
import static io.porthole.linux.Fcntl.SEEK_HOLE;

import io.porthole.virtiofsd.passthrough.InProcessCalls.File;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeSet;
import java.util.function.Consumer;

/**
 * The checks of {@code src/test/c/posix} whose results the daemon decides, step for step, as
 * requests. The others are decided by a guest's kernel before a request is made.
 */
final class InProcessChecks {
    private static final int PAGE = 4096;

    static final Map<String, Consumer<InProcessCalls>> CHECKS = new LinkedHashMap<>();

    private InProcessChecks() {}

    /** Why a check that is not here has no in-process form. */
    static String whyNot(String name) {
        String group = name.substring(0, name.indexOf('.'));
        return switch (group) {
            case "mmap", "direct" -> "pages are mapped and cached by the guest's kernel";
            case "path", "symlink", "open" -> "the guest's kernel walks paths and checks flags";
            case "user", "access", "acl" -> "the guest's kernel checks permissions";
            case "handle" -> "handles are made by the guest's kernel";
            case "node" -> "fifos and sockets live in the guest's kernel";
            case "lock" -> "processes that lock are the guest's; LocksTest has the requests";
            case "append", "read", "write" -> "offsets and modes of files are the guest kernel's";
            default -> "made of calls of which the guest's kernel decides some";
        };
    }

    static {
        names();
        renames();
        content();
        attributes();
        directories();
    }

    private static void names() {
        CHECKS.put(
                "create.existing",
                p -> {
                    p.make("f", "kept");
                    p.step(p.chmod("f", 0640));
                    p.step(p.create("f", O_RDWR, 0777));
                    p.say("%o".formatted(p.look("f").mode()));
                    p.show("f");
                });
        CHECKS.put(
                "open.missing",
                p -> {
                    p.step(p.tryOpen("f", O_RDONLY));
                    p.step(p.create("d/f", O_RDWR, 0600));
                });
        CHECKS.put(
                "open.truncates",
                p -> {
                    p.make("f", "content");
                    p.step(p.tryOpen("f", O_RDWR | O_TRUNC));
                    p.say(p.look("f").size());
                });
        CHECKS.put(
                "name.85-characters",
                p -> {
                    String name =
                            new String(
                                    "\u20ac".repeat(85).getBytes(StandardCharsets.UTF_8),
                                    StandardCharsets.ISO_8859_1);
                    p.make(name, "found");
                    p.show(name);
                    p.step(p.create(name + "x", O_RDWR, 0600));
                });
        CHECKS.put(
                "name.case",
                p -> {
                    p.make("f", "small");
                    p.make("F", "big");
                    p.show("f");
                    p.show("F");
                    p.make("\u00c3\u00a9", "composed");
                    p.access("e\u00cc\u0081");
                });
        CHECKS.put(
                "link.counts",
                p -> {
                    p.make("f", "shared");
                    p.step(p.link("f", "g"));
                    p.say(p.look("g").links());
                    p.say(p.look("f").ino() == p.look("g").ino() ? 1 : 0);
                    p.step(p.unlink("f"));
                    p.say(p.look("g").links());
                    p.show("g");
                });
        CHECKS.put(
                "link.between-directories",
                p -> {
                    p.step(p.mkdir("a", 0755));
                    p.step(p.mkdir("b", 0755));
                    p.make("a/f", "one");
                    p.step(p.link("a/f", "b/f"));
                    p.make("b/f", "two");
                    p.show("a/f");
                });
        CHECKS.put(
                "symlink.existing",
                p -> {
                    p.make("f", "");
                    p.step(p.symlink("x", "f"));
                    p.step(p.symlink("x", "l"));
                    p.step(p.symlink("y", "l"));
                });
        CHECKS.put(
                "symlink.changed",
                p -> {
                    p.step(p.symlink("one", "l"));
                    p.say(p.readlink("l").bytes().length);
                    p.step(p.unlink("l"));
                    p.step(p.symlink("other", "l"));
                    byte[] target = p.readlink("l").bytes();
                    p.say(target.length);
                    p.say(new String(target, StandardCharsets.UTF_8));
                });
        CHECKS.put(
                "unlink.errors",
                p -> {
                    p.step(p.unlink("missing"));
                    p.step(p.mkdir("d", 0755));
                    p.step(p.unlink("d"));
                    p.make("f", "");
                    p.step(p.rmdir("f"));
                    p.step(p.rmdir("missing"));
                });
        CHECKS.put(
                "unlink.one-of-two-while-open",
                p -> {
                    p.make("f", "text");
                    File file = p.open("f", O_RDWR);
                    p.step(p.link("f", "g"));
                    p.step(p.unlink("f"));
                    p.value(p.write(file, "TE", 0));
                    p.say("OK"); // fstat
                    p.say(p.look(file).links());
                    p.show("g");
                });
        CHECKS.put(
                "mkdir.links",
                p -> {
                    p.step(p.mkdir("d", 0755));
                    p.say(p.look("d").links());
                    p.step(p.mkdir("d/a", 0755));
                    p.step(p.mkdir("d/b", 0755));
                    p.say(p.look("d").links());
                    p.step(p.rmdir("d/a"));
                    p.say(p.look("d").links());
                });
        CHECKS.put(
                "node.mknod-of-file",
                p -> {
                    p.step(p.mknod("f", 0100640, 0));
                    p.say("%o".formatted(p.look("f").mode()));
                    p.step(p.mknod("f", 0100640, 0));
                    p.step(p.mknod("d", 0040755, 0));
                    p.step(p.mknod("g", 0100644, 0));
                    p.say("%o".formatted(p.look("g").mode()));
                });
        CHECKS.put(
                "node.devices",
                p -> {
                    device(p, 0020000, 1, 3);
                    device(p, 0060000, 8, 17);
                    device(p, 0020000, 254, 255);
                    device(p, 0020000, 511, 65537);
                    device(p, 0020000, 0, 0);
                });
    }

    /** As new_encode_dev of the kernel does for FUSE: 12 bits of major, 20 of minor. */
    private static void device(InProcessCalls p, int type, int major, int minor) {
        p.step(p.mknod("n", type | 0644, (minor & 0xff) | (major << 8) | ((minor & ~0xff) << 12)));
        int seen = p.look("n").rdev();
        p.say("%o".formatted(p.look("n").mode()));
        p.say(((seen & 0xfff00) >> 8) + ":" + ((seen & 0xff) | ((seen >> 12) & 0xfff00)));
        p.step(p.unlink("n"));
    }

    private static void renames() {
        CHECKS.put(
                "rename.basic",
                p -> {
                    p.make("f", "moved");
                    long inode = p.look("f").ino();
                    p.step(p.rename("f", "g", 0));
                    p.access("f");
                    p.show("g");
                    p.say(p.look("g").ino() == inode ? 1 : 0);
                });
        CHECKS.put(
                "rename.over-directory",
                p -> {
                    p.step(p.mkdir("a", 0755));
                    p.step(p.mkdir("b", 0755));
                    p.make("a/f", "in a");
                    p.step(p.rename("a", "b", 0));
                    p.show("b/f");
                    p.step(p.mkdir("c", 0755));
                    p.step(p.rename("c", "b", 0));
                    p.step(p.rename("b", "c", 0));
                    p.show("c/f");
                });
        CHECKS.put(
                "rename.while-open",
                p -> {
                    p.make("f", "text");
                    File file = p.open("f", O_RDWR);
                    p.step(p.rename("f", "g", 0));
                    p.value(p.write(file, "TE", 0));
                    p.show("g");
                    p.make("f", "another");
                    String read = p.read(file, 0, 4);
                    p.say(read.length());
                    p.say(read);
                });
        CHECKS.put(
                "rename.noreplace",
                p -> {
                    p.make("f", "one");
                    p.make("g", "two");
                    p.step(p.rename("f", "g", RENAME_NOREPLACE));
                    p.show("g");
                    p.step(p.rename("f", "h", RENAME_NOREPLACE));
                    p.show("h");
                    p.step(p.rename("g", "g", RENAME_NOREPLACE));
                });
        CHECKS.put(
                "rename.exchange",
                p -> {
                    p.make("f", "one");
                    p.make("g", "two");
                    long inode = p.look("f").ino();
                    p.step(p.rename("f", "g", RENAME_EXCHANGE));
                    p.show("f");
                    p.show("g");
                    p.say(p.look("g").ino() == inode ? 1 : 0);
                    p.step(p.rename("f", "missing", RENAME_EXCHANGE));
                    p.step(p.rename("missing", "f", RENAME_EXCHANGE));
                });
        CHECKS.put(
                "rename.whiteout",
                p -> {
                    p.make("f", "moved");
                    p.step(p.rename("f", "g", RENAME_WHITEOUT));
                    p.say("%o".formatted(p.look("f").mode() & 0170000));
                    p.say((p.look("f").rdev() >>> 8) + ":" + (p.look("f").rdev() & 0xff));
                    p.show("g");
                    p.make("h", "old");
                    p.make("i", "new");
                    p.step(p.rename("i", "h", RENAME_WHITEOUT));
                    p.show("h");
                });
        CHECKS.put(
                "rename.wrong-flags",
                p -> {
                    p.make("f", "");
                    p.make("g", "");
                    p.step(p.rename("f", "g", RENAME_NOREPLACE | RENAME_EXCHANGE));
                    p.step(p.rename("f", "g", RENAME_WHITEOUT | RENAME_EXCHANGE));
                    p.step(p.rename("f", "g", 1 << 10));
                });
    }

    /** A file of this many pages, each filled with its own letter. */
    private static File pages(InProcessCalls p, int count) {
        File file = InProcessCalls.created(p.create("f", O_RDWR | O_TRUNC, 0644).ok());
        for (int i = 0; i < count; i++) {
            p.write(file, String.valueOf((char) ('a' + i)).repeat(PAGE), (long) i * PAGE).ok();
        }
        return file;
    }

    private static void letters(InProcessCalls p, File file) {
        StringBuilder text = new StringBuilder();
        for (int i = 0; ; i++) {
            String c = p.read(file, (long) i * PAGE, 1);
            if (c.isEmpty()) {
                break;
            }
            text.append(c.charAt(0) == 0 ? '.' : c.charAt(0));
        }
        p.say(text);
    }

    private static void content() {
        CHECKS.put(
                "data.two-descriptors",
                p -> {
                    p.make("f", "aaaa");
                    File a = p.open("f", O_RDWR);
                    File b = p.open("f", O_RDWR);
                    p.value(p.write(a, "b", 1));
                    p.say(p.read(b, 0, 4).length());
                    p.say(p.read(b, 0, 4));
                    p.step(p.truncate("f", 2));
                    p.say(p.read(a, 0, 4).length());
                });
        CHECKS.put(
                "copy.2-mebibytes",
                p -> {
                    String bytes = "0123456789abcdef".repeat(1 << 17);
                    File in = InProcessCalls.created(p.create("f", O_RDWR, 0644).ok());
                    File out = InProcessCalls.created(p.create("g", O_RDWR, 0644).ok());
                    int written = 0;
                    for (int at = 0; at < bytes.length(); at += 1 << 17) {
                        written += p.write(in, bytes.substring(at, at + (1 << 17)), at).ok().u32(0);
                    }
                    p.say(written);
                    p.say(0); // lseek, which is the guest's
                    long done = 0;
                    for (int n = 1; n > 0 && done < bytes.length(); done += n) {
                        n = p.copy(in, done, out, done, bytes.length() - done).ok().u32(0);
                    }
                    p.say(done);
                    StringBuilder copied = new StringBuilder();
                    for (int at = 0; at < bytes.length(); at += 1 << 17) {
                        copied.append(p.read(out, at, 1 << 17));
                    }
                    p.say(copied.length());
                    p.say(bytes.contentEquals(copied) ? 1 : 0);
                });
        CHECKS.put(
                "seek.hole-of-full-file",
                p -> {
                    File file = pages(p, 2);
                    p.lseek(file, 0, SEEK_HOLE);
                    p.lseek(file, 100, SEEK_DATA);
                });
        CHECKS.put(
                "seek.hole-data",
                p -> {
                    File file = InProcessCalls.created(p.create("f", O_RDWR, 0644).ok());
                    p.step(p.truncate("f", 1 << 20));
                    p.value(p.write(file, "x", 0));
                    p.value(p.write(file, "x", 512 * 1024 + 100));
                    p.say("OK"); // fsync
                    p.lseek(file, 0, SEEK_DATA);
                    p.lseek(file, 0, SEEK_HOLE);
                    p.lseek(file, PAGE, SEEK_DATA);
                    p.lseek(file, 512 * 1024, SEEK_HOLE);
                    p.lseek(file, 600 * 1024, SEEK_DATA);
                    p.lseek(file, 700 * 1024, SEEK_HOLE);
                    p.lseek(file, 1 << 20, SEEK_HOLE);
                    p.lseek(file, 1 << 20, SEEK_DATA);
                    p.lseek(file, -1, SEEK_DATA);
                });
        CHECKS.put(
                "fallocate.punch-within-page",
                p -> {
                    File file = pages(p, 1);
                    p.step(p.fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 10, 3));
                    String read = p.read(file, 9, 5);
                    p.say(read.length());
                    read.chars().forEach(p::say);
                });
        CHECKS.put(
                "fallocate.zero",
                p -> {
                    File file = pages(p, 3);
                    p.step(p.fallocate(file, FALLOC_FL_ZERO_RANGE, PAGE, PAGE));
                    letters(p, file);
                    p.step(p.fallocate(file, FALLOC_FL_ZERO_RANGE, 2 * PAGE, 3 * PAGE));
                    p.say(p.look("f").size());
                    letters(p, file);
                    p.step(
                            p.fallocate(
                                    file, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, 0, 9 * PAGE));
                    p.say(p.look("f").size());
                    letters(p, file);
                });
        CHECKS.put(
                "fallocate.collapse",
                p -> {
                    File file = pages(p, 4);
                    p.step(p.fallocate(file, FALLOC_FL_COLLAPSE_RANGE, PAGE, 2 * PAGE));
                    letters(p, file);
                });
        CHECKS.put(
                "fallocate.insert",
                p -> {
                    File file = pages(p, 3);
                    p.step(p.fallocate(file, FALLOC_FL_INSERT_RANGE, PAGE, 2 * PAGE));
                    letters(p, file);
                });
    }

    private static void attributes() {
        CHECKS.put(
                "chown.clears-setuid",
                p -> {
                    p.make("f", "");
                    p.step(p.chmod("f", 06755));
                    p.step(p.chown("f", 1, 1));
                    p.say("%o".formatted(p.look("f").mode() & 07777));
                    p.step(p.chmod("f", 06644));
                    p.step(p.chown("f", 2, 2));
                    p.say("%o".formatted(p.look("f").mode() & 07777));
                    p.step(p.mkdir("d", 0755));
                    p.step(p.chmod("d", 07755));
                    p.step(p.chown("d", 1, 1));
                    p.say("%o".formatted(p.look("d").mode() & 07777));
                });
        CHECKS.put(
                "time.nanoseconds",
                p -> {
                    p.make("f", "");
                    p.times("f", 1, 999999999, 1000000000, 123456789);
                    p.times("f", 1700000000, 1, 1700000001, 0);
                });
        CHECKS.put(
                "time.2106",
                p -> {
                    p.make("f", "");
                    p.times("f", 4294967295L, 5, 4294967396L, 6);
                    p.times("f", 2147483648L, 0, 2147483647L, 999999999);
                });
        CHECKS.put(
                "time.before-1970",
                p -> {
                    p.make("f", "");
                    p.times("f", -1, 0, -1000, 500000000);
                    p.times("f", -2147483648L, 0, -2147483648L, 1);
                });
        CHECKS.put(
                "time.2446",
                p -> {
                    p.make("f", "");
                    p.times("f", 15032385535L, 0, 15032385535L, 999999999);
                });
        CHECKS.put(
                "stat.inode-kept",
                p -> {
                    p.make("f", "");
                    long inode = p.look("f").ino();
                    p.make("f", "again");
                    p.step(p.chmod("f", 0600));
                    p.step(p.rename("f", "g", 0));
                    p.say(p.look("g").ino() == inode ? 1 : 0);
                    p.make("f", "");
                    p.say(p.look("f").ino() == inode ? 1 : 0);
                });
        CHECKS.put(
                "xattr.link-rename",
                p -> {
                    p.make("f", "");
                    p.step(p.setxattr("f", "user.a", "1", 0));
                    p.step(p.link("f", "g"));
                    p.step(p.rename("f", "h", 0));
                    p.getxattr("g", "user.a", 1);
                    p.getxattr("h", "user.a", 1);
                    p.make("g", "changed");
                    p.getxattr("h", "user.a", 1);
                });
        CHECKS.put(
                "xattr.create-replace",
                p -> {
                    int create = 1;
                    int replace = 2;
                    p.make("f", "");
                    p.step(p.setxattr("f", "user.a", "1", replace));
                    p.step(p.setxattr("f", "user.a", "1", create));
                    p.step(p.setxattr("f", "user.a", "2", create));
                    p.step(p.setxattr("f", "user.a", "3", replace));
                    p.say(new String(p.getxattr("f", "user.a", 1).bytes(), StandardCharsets.UTF_8));
                    p.step(p.setxattr("f", "user.a", "1", 8));
                });
        CHECKS.put(
                "xattr.namespaces",
                p -> {
                    p.make("f", "");
                    p.step(p.setxattr("f", "trusted.a", "t", 0));
                    p.getxattr("f", "trusted.a", 8);
                    p.step(p.setxattr("f", "security.a", "s", 0));
                    p.getxattr("f", "security.a", 8);
                    p.step(p.removexattr("f", "trusted.a"));
                    p.step(p.setxattr("f", "system.nonsense", "s", 0));
                });
    }

    private static void directories() {
        CHECKS.put(
                "dir.40000-entries",
                p -> {
                    p.step(p.mkdir("d", 0755));
                    p.populate("d", 0, 40_000);
                    var names = p.names("d");
                    var distinct = new TreeSet<>(names);
                    p.say(names.size());
                    p.say(names.size() - distinct.size());
                    p.say(distinct.stream().filter(n -> !n.matches("n[0-9]{1,5}")).count());
                    p.say(p.names("d").size());
                    p.access("d/n39999");
                    p.access("d/n40000");
                });
        CHECKS.put(
                "dir.change-after-list",
                p -> {
                    p.step(p.mkdir("d", 0755));
                    p.populate("d", 0, 10);
                    p.say(p.names("d").size());
                    p.step(p.unlink("d/n3"));
                    p.say(p.names("d").size());
                    p.access("d/n3");
                    p.step(p.rename("d/n4", "d/m4", 0));
                    p.access("d/n4");
                    p.access("d/m4");
                    p.step(p.chmod("d/n5", 0600));
                    p.say("%o".formatted(p.look("d/n5").mode()));
                    p.make("d/n3", "back");
                    p.show("d/n3");
                    p.say(p.names("d").size());
                });
        CHECKS.put(
                "dir.of-file",
                p -> {
                    p.make("f", "");
                    p.step(p.tryOpendir("f"));
                    p.step(p.tryOpendir("missing"));
                });
    }
}
