package io.porthole.virtiofsd.guest;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * Where a way to reach files may differ from the file system below, by the ways' names in {@link
 * ConformanceIT}; docs/conformance.md has a reason for each, which a test demands. A difference
 * that is gone fails the tests, too.
 */
final class PosixDifferences {
    /** What is not decided by the daemon, but by FUSE in the guest's kernel. */
    private static final Map<String, String> OF_FUSE =
            Map.of(
                    "fallocate.collapse", "EOPNOTSUPP abcd",
                    "fallocate.insert", "EOPNOTSUPP abc",
                    "user.setgid-without-execution", "OK OK 1 OK 2766 0:0");

    private static final Map<String, Map<String, String>> OF_WAYS =
            Map.of(
                    "mount-auto",
                    Map.of("user.set-bits-root-empties", "OK OK OK 777 1000:1000"),
                    "mount-never",
                    Map.of("user.set-bits-root-empties", "OK OK OK 777 1000:1000"),
                    "mount-plain",
                    plain(),
                    "mount-writeback",
                    writeback(),
                    "guest-LINUX_6_1",
                    Map.of(
                            "statx.birth",
                            "OK 0 0",
                            "user.group-inherited-by-member",
                            "OK OK OK OK 775 1000:3000"),
                    "guest-LINUX_7",
                    Map.of("user.set-bits-root-empties", "OK OK OK 777 1000:1000"));

    private PosixDifferences() {}

    private static Map<String, String> plain() {
        return Map.of(
                "mmap.shared", "OK ENODEV",
                "mmap.read-only", "EACCES ENODEV",
                "mmap.behind-end", "ENODEV",
                "mmap.after-unlink", "ENODEV OK OK",
                "mmap.between-processes", "OK ENODEV 5 ",
                "mmap.times", "OK ENODEV",
                "xattr.kinds", "OK OK OK EPERM EPERM ENODATA OK EPERM EPERM ENOENT",
                "xattr.namespaces", "EPERM ENODATA EPERM ENODATA EPERM EOPNOTSUPP",
                "user.trusted-xattr", "OK OK EPERM OK EPERM ENODATA EINVAL",
                "user.set-bits-root-empties", "OK OK OK 777 1000:1000");
    }

    private static Map<String, String> writeback() {
        return Map.of(
                "write.size-limit",
                "EINVAL 1 1152921504606846977",
                "sync.all",
                "1 OK OK OK OK EFBIG OK OK 1 1",
                "space.sparse",
                "OK 0 1 OK 0",
                "fallocate.punch",
                "OK a..d 16384 0 4096 12288 EOPNOTSUPP",
                "time.before-1970",
                "OK -1.000000000 -1000.500000000 OK -2147483648.000000000 -2147483648.000000001",
                "time.2446",
                "OK 15032385535.000000000 15032385535.999999999",
                "time.read",
                "OK 100.000000000 200.000000000 1 OK 0 200",
                "user.set-bits-root-allocates",
                "OK OK OK 777 1000:1000");
    }

    /** All checks that have one. */
    static Set<String> checks() {
        Set<String> names = new TreeSet<>(OF_FUSE.keySet());
        OF_WAYS.values().forEach(of -> names.addAll(of.keySet()));
        return names;
    }

    /** Check and transcript for a way. */
    static Map<String, String> of(String way) {
        Map<String, String> found = new LinkedHashMap<>(OF_FUSE);
        found.putAll(OF_WAYS.getOrDefault(way, Map.of()));
        return found;
    }
}
