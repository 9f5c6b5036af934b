package io.porthole.virtiofsd.passthrough;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.porthole.linux.Errno;
import io.porthole.linux.Fcntl;
import io.porthole.linux.StatMode;
import io.porthole.virtiofsd.passthrough.Guest.Dirent;
import io.porthole.virtiofsd.passthrough.Guest.Reply;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;

/**
 * Any sequence of operations has the same results, errors included, through the share and on a
 * plain directory beside it, and leaves the same tree.
 */
final class PassthroughModelProperties {
    enum Kind {
        MKDIR,
        CREATE,
        WRITE,
        APPEND,
        TRUNCATE,
        CHMOD,
        SYMLINK,
        LINK,
        RENAME,
        EXCHANGE,
        UNLINK,
        RMDIR,
        LIST,
        FORGET
    }

    record Operation(Kind kind, List<String> path, List<String> other, int number) {}

    @Provide
    Arbitrary<List<Operation>> operations() {
        Arbitrary<List<String>> path =
                Arbitraries.of("a", "b", "c", "d").list().ofMinSize(1).ofMaxSize(3);
        return Combinators.combine(
                        Arbitraries.of(Kind.class),
                        path,
                        path,
                        Arbitraries.integers().between(0, 5000))
                .as(Operation::new)
                .list()
                .ofMinSize(5)
                .ofMaxSize(80);
    }

    @Property(tries = 400)
    void aShareBehavesAsTheDirectoryItself(@ForAll("operations") List<Operation> operations)
            throws IOException {
        try (ServedDirectory both = ServedDirectory.inMemory()) {
            Path shared = Files.createDirectory(both.path.resolve("shared"));
            Path plain = Files.createDirectory(both.path.resolve("plain"));
            try (PlainDirectory reference = new PlainDirectory(plain);
                    Guest guest = new Guest(shared)) {
                Walker walker = new Walker(guest.queue);
                for (Operation o : operations) {
                    assertEquals(onPlain(reference, plain, o), walker.run(o), o.toString());
                }
                assertEquals(tree(plain), tree(shared));
                walker.forgetAll();
                assertEquals(1, guest.fileSystem.inodeCount());
                assertEquals(0, guest.fileSystem.handleCount());
            }
        }
    }

    private static byte[] content(Operation o) {
        return ("content " + o.number).repeat(1 + o.number % 50).getBytes(UTF_8);
    }

    /** Without the bits that this process' own umask would take from the plain directory. */
    private static int mode(Operation o) {
        return 0600 | (o.number & 0155);
    }

    private static Object onPlain(PlainDirectory d, Path root, Operation o) throws IOException {
        return switch (o.kind) {
            case MKDIR -> d.mkdir(o.path, mode(o) | 0100);
            case CREATE -> d.create(o.path, mode(o), content(o));
            case WRITE -> d.write(o.path, o.number, content(o));
            case APPEND -> {
                Path file = root.resolve(String.join("/", o.path));
                long size =
                        Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS) ? Files.size(file) : 0;
                yield d.write(o.path, size, content(o));
            }
            case TRUNCATE -> d.truncate(o.path, o.number);
            case CHMOD -> d.chmod(o.path, mode(o) | 0100);
            case SYMLINK -> d.symlink(o.path, String.join("/", o.other));
            case LINK -> d.link(o.path, o.other);
            case RENAME -> d.rename(o.path, o.other, 0);
            case EXCHANGE -> d.rename(o.path, o.other, Fcntl.RENAME_EXCHANGE);
            case UNLINK -> d.unlink(o.path, false);
            case RMDIR -> d.unlink(o.path, true);
            case LIST -> {
                try (Stream<Path> names = Files.list(root)) {
                    yield names.map(p -> p.getFileName().toString()).sorted().toList();
                }
            }
            case FORGET -> 0;
        };
    }

    /** Paths, types, modes, link counts, contents and targets. */
    private static Map<String, String> tree(Path root) throws IOException {
        Map<String, String> found = new TreeMap<>();
        try (Stream<Path> all = Files.walk(root)) {
            for (Path p : (Iterable<Path>) all::iterator) {
                if (p.equals(root)) {
                    continue;
                }
                int mode = (Integer) Files.getAttribute(p, "unix:mode", LinkOption.NOFOLLOW_LINKS);
                String what =
                        Integer.toOctalString(mode)
                                + " "
                                + Files.getAttribute(p, "unix:nlink", LinkOption.NOFOLLOW_LINKS);
                if (Files.isSymbolicLink(p)) {
                    what += " " + Files.readSymbolicLink(p);
                } else if (Files.isRegularFile(p, LinkOption.NOFOLLOW_LINKS)) {
                    what += " " + Files.readString(p);
                }
                found.put(root.relativize(p).toString(), what);
            }
        }
        return found;
    }

    /** Runs operations through a guest, and gives every lookup back in the end. */
    private static final class Walker {
        private final Guest.Queue q;
        private final List<Long> counted = new ArrayList<>();

        private Walker(Guest.Queue q) {
            this.q = q;
        }

        private void forgetAll() {
            counted.forEach(node -> q.forget(node, 1));
            counted.clear();
        }

        /** A node id, or a negated errno. */
        private long node(long parent, String name) {
            Reply reply = q.tryLookup(parent, name);
            if (reply.error() != 0) {
                return -reply.error();
            }
            if (reply.u64(0) == 0) {
                return -Errno.ENOENT;
            }
            counted.add(reply.u64(0));
            return reply.u64(0);
        }

        private long node(List<String> path) {
            long node = Guest.ROOT;
            for (String name : path) {
                node = node(node, name);
                if (node < 0) {
                    return node;
                }
            }
            return node;
        }

        /** The directory of the last name. The walk of a kernel refuses what is none. */
        private long parent(List<String> path) {
            long parent = node(path.subList(0, path.size() - 1));
            if (parent < 0) {
                return parent;
            }
            boolean directory = (q.getattr(parent).mode() & StatMode.S_IFMT) == StatMode.S_IFDIR;
            return directory ? parent : -Errno.ENOTDIR;
        }

        private int entry(Reply reply) {
            if (reply.error() == 0) {
                counted.add(reply.u64(0));
            }
            return reply.error();
        }

        private Object run(Operation o) {
            if (o.kind == Kind.LIST) {
                long fh = q.opendir(Guest.ROOT);
                List<Dirent> all = q.readWhole(Guest.ROOT, fh, 512, o.number % 2 == 0);
                q.releasedir(Guest.ROOT, fh).ok();
                all.stream().map(Dirent::nodeId).filter(n -> n != 0).forEach(counted::add);
                return all.stream()
                        .map(Dirent::name)
                        .filter(n -> !n.startsWith("."))
                        .sorted()
                        .toList();
            }
            if (o.kind == Kind.FORGET) {
                forgetAll();
                return 0;
            }
            long parent = parent(o.path);
            if (parent < 0) {
                return (int) -parent;
            }
            return inDirectory(o, parent, o.path.getLast());
        }

        private int inDirectory(Operation o, long parent, String name) {
            return switch (o.kind) {
                case MKDIR -> entry(q.mkdir(parent, name, mode(o) | 0100));
                case SYMLINK -> entry(q.symlink(parent, name, String.join("/", o.other)));
                case UNLINK -> q.unlink(parent, name).error();
                case RMDIR -> q.rmdir(parent, name).error();
                case RENAME, EXCHANGE -> {
                    long newParent = parent(o.other);
                    int flags = o.kind == Kind.EXCHANGE ? Fcntl.RENAME_EXCHANGE : 0;
                    yield newParent < 0
                            ? (int) -newParent
                            : q.rename(parent, name, newParent, o.other.getLast(), flags).error();
                }
                case LINK -> {
                    long newParent = parent(o.other);
                    if (newParent < 0) {
                        yield (int) -newParent;
                    }
                    long node = node(parent, name);
                    yield node < 0
                            ? (int) -node
                            : entry(q.link(node, newParent, o.other.getLast()));
                }
                case CREATE -> {
                    int flags = Fcntl.O_RDWR | Fcntl.O_EXCL;
                    Reply made = q.tryCreate(parent, name, flags, mode(o), 0);
                    if (entry(made) == 0) {
                        q.write(made.u64(0), made.u64(128), 0, content(o), 0, 0).ok();
                        q.release(made.u64(0), made.u64(128)).ok();
                    }
                    yield made.error();
                }
                default -> {
                    long node = node(parent, name);
                    yield node < 0 ? (int) -node : onInode(o, node);
                }
            };
        }

        private int onInode(Operation o, long node) {
            int type = q.getattr(node).mode() & StatMode.S_IFMT;
            if (type == StatMode.S_IFLNK) {
                return Errno.ELOOP;
            }
            return switch (o.kind) {
                case CHMOD -> q.setattr(node, 1, 0, mode(o) | 0100, 0, 0).error();
                case TRUNCATE -> q.setattr(node, 1 << 3, o.number, 0, 0, 0).error();
                case WRITE, APPEND -> {
                    int flags = Fcntl.O_WRONLY | (o.kind == Kind.APPEND ? Fcntl.O_APPEND : 0);
                    Reply opened = q.tryOpen(node, flags);
                    if (opened.error() == 0) {
                        q.write(node, opened.u64(0), o.number, content(o), 0, flags).ok();
                        q.release(node, opened.u64(0)).ok();
                    }
                    yield opened.error();
                }
                default -> throw new IllegalStateException(o.kind.name());
            };
        }
    }
}
