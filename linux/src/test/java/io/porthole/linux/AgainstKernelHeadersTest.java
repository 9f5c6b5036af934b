package io.porthole.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemoryLayout.PathElement;
import java.lang.foreign.StructLayout;
import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Layouts and constants against gcc and linux-libc-dev; without gcc these tests fail. */
class AgainstKernelHeadersTest {
    private static final String HEADERS =
            """
            #define _GNU_SOURCE
            #include <errno.h>
            #include <fcntl.h>
            #include <unistd.h>
            #include <dirent.h>
            #include <poll.h>
            #include <sched.h>
            #include <sys/stat.h>
            #include <sys/statfs.h>
            #include <sys/socket.h>
            #include <sys/un.h>
            #include <netinet/in.h>
            #include <sys/uio.h>
            #include <sys/mman.h>
            #include <sys/mount.h>
            #include <sys/eventfd.h>
            #include <sys/file.h>
            #include <sys/xattr.h>
            #include <sys/time.h>
            #include <sys/resource.h>
            #include <sys/sysmacros.h>
            #include <sys/prctl.h>
            #include <linux/openat2.h>
            #include <linux/fs.h>
            #include <linux/falloc.h>
            #include <linux/capability.h>
            #include <linux/seccomp.h>
            """;

    private static final List<StructLayout> LAYOUTS =
            List.of(
                    FileStat.LAYOUT,
                    Statx.LAYOUT,
                    Statx.TIMESTAMP,
                    Timespec.LAYOUT,
                    Iovec.LAYOUT,
                    PollFd.LAYOUT,
                    StatFs.LAYOUT,
                    OpenHow.LAYOUT,
                    Msghdr.LAYOUT,
                    Cmsghdr.LAYOUT,
                    Rlimit64.LAYOUT,
                    Ucred.LAYOUT,
                    FlockRange.LAYOUT,
                    FileHandle.LAYOUT,
                    SockaddrUn.LAYOUT,
                    SockaddrIn.LAYOUT,
                    MountAttr.LAYOUT);

    private static final List<Class<?>> CONSTANTS =
            List.of(
                    Errno.class,
                    Fcntl.class,
                    StatMode.class,
                    Statx.class,
                    Dirent64.class,
                    PollFd.class,
                    OpenHow.class,
                    FileHandle.class,
                    Mman.class,
                    Sockets.class,
                    Mounts.class,
                    Sched.class,
                    Prctl.class,
                    Capabilities.class,
                    EventFd.class,
                    Rlimit64.class);

    /** Fields that are ours, in those classes. */
    private static final Set<String> NOT_IN_C =
            Set.of("BYTES", "HEADER_BYTES", "DATA_BYTES", "MAX_BYTES", "NAME", "PERMISSIONS");

    /** Newer than the oldest headers we build with (6.1). */
    private static final Set<String> NEWER_THAN_HEADERS =
            Set.of("AT_HANDLE_FID", "ENOATTR", "STATX_DIOALIGN");

    @TempDir Path dir;

    @Test
    void layoutsHaveTheSizesAndOffsetsOfTheirCStructures() throws Exception {
        Map<String, Long> ours = new LinkedHashMap<>();
        for (StructLayout layout : LAYOUTS) {
            String name = "struct " + layout.name().orElseThrow();
            ours.put("sizeof(" + name + ")", layout.byteSize());
            for (MemoryLayout member : layout.memberLayouts()) {
                member.name()
                        .ifPresent(field ->
                                ours.put(
                                        "offsetof(" + name + ", " + field + ")",
                                        layout.byteOffset(PathElement.groupElement(field))));
            }
        }
        // Ours take the names of newer members from the padding of older headers.
        ours.keySet().removeIf(key -> key.contains("stx_dio_"));
        assertTrue(ours.size() > 80, "members found: " + ours.size());
        assertEquals(ours, CCompiler.evaluate(dir, HEADERS, List.of(), List.copyOf(ours.keySet())));
    }

    /** Whose struct stat differs; it is the generic one. */
    @Test
    void layoutOfStatOnArm64IsThatOfItsHeader() throws Exception {
        StructLayout layout = FileStat.arm64();
        Map<String, Long> ours = new LinkedHashMap<>();
        ours.put("sizeof(struct stat)", layout.byteSize());
        for (MemoryLayout member : layout.memberLayouts()) {
            member.name()
                    .ifPresent(field ->
                            ours.put(
                                    "offsetof(struct stat, " + field.replace("tim", "time") + ")",
                                    layout.byteOffset(PathElement.groupElement(field))));
        }
        assertEquals(14, ours.size(), "the size and the members");
        String header = "#include <asm-generic/stat.h>\n";
        assertEquals(ours, CCompiler.evaluate(dir, header, List.of(), List.copyOf(ours.keySet())));
    }

    @Test
    void constantsHaveTheValuesOfTheirMacros() throws Exception {
        Map<String, Long> ours = new LinkedHashMap<>();
        for (Class<?> group : CONSTANTS) {
            for (Field field : group.getFields()) {
                // Statx has offsets, too.
                boolean offset = group == Statx.class && !field.getName().startsWith("STATX_");
                if (field.getType().isPrimitive()
                        && !offset
                        && !NOT_IN_C.contains(field.getName())) {
                    ours.put(field.getName(), ((Number) field.get(null)).longValue());
                }
            }
        }
        List<String> macros = new ArrayList<>(ours.keySet());
        // Enumerators, which #ifdef does not see in every libc.
        macros.removeIf(name -> name.startsWith("DT_") || name.startsWith("SOCK_"));
        List<String> enumerators = new ArrayList<>(ours.keySet());
        enumerators.removeAll(macros);
        // glibc's O_LARGEFILE is 0 on 64-bit; the kernel's bit is what F_GETFL shows.
        ours.remove("O_LARGEFILE");
        macros.remove("O_LARGEFILE");

        Map<String, Long> theirs = CCompiler.evaluate(dir, HEADERS, macros, enumerators);

        Set<String> missing = new TreeSet<>(ours.keySet());
        missing.removeAll(theirs.keySet());
        missing.removeAll(NEWER_THAN_HEADERS);
        assertEquals(Set.of(), missing, "not defined in C");
        theirs.forEach((name, value) -> assertEquals(value, ours.get(name), name));
        assertTrue(theirs.size() > 300, "macros compared: " + theirs.size());
    }

    @Test
    void numbersOfSystemCallsAreThoseOfBothArchitectures() throws Exception {
        checkNumbers("amd64", "#include <asm/unistd_64.h>\n");
        // arm64 uses the generic table, with renameat and the old stat and rlimit calls.
        checkNumbers(
                "aarch64",
                """
                #define __ARCH_WANT_RENAMEAT
                #define __ARCH_WANT_NEW_STAT
                #define __ARCH_WANT_SET_GET_RLIMIT
                #include <asm-generic/unistd.h>
                """);
    }

    private void checkNumbers(String architecture, String prelude) throws Exception {
        Map<String, Long> ours = new LinkedHashMap<>();
        for (Field field : loadFor(architecture).getDeclaredFields()) {
            if (field.getType() == int.class && Modifier.isStatic(field.getModifiers())) {
                field.setAccessible(true);
                String macro = "__NR_" + field.getName().toLowerCase(Locale.ROOT);
                ours.put(macro, (long) field.getInt(null));
            }
        }
        assertTrue(ours.size() > 80, "numbers found: " + ours.size());
        List<String> macros = List.copyOf(ours.keySet());
        assertEquals(ours, CCompiler.evaluate(dir, prelude, macros, List.of()), architecture);
    }

    /** SyscallNumbers as a JVM of that architecture would initialise it. */
    private static Class<?> loadFor(String architecture) throws Exception {
        String name = SyscallNumbers.class.getName();
        URL classes = SyscallNumbers.class.getProtectionDomain().getCodeSource().getLocation();
        String real = System.getProperty("os.arch");
        try (URLClassLoader loader = new URLClassLoader(new URL[] {classes}, null)) {
            System.setProperty("os.arch", architecture);
            return Class.forName(name, true, loader);
        } finally {
            System.setProperty("os.arch", real);
        }
    }

    @Test
    void deviceNumbersAreEncodedAsMakedevDoes() throws Exception {
        int[][] pairs = {{0, 0}, {8, 1}, {259, 300}, {0xfff, 0xff}, {0x12345, 0x6789a}, {-1, -1}};
        List<String> expressions = new ArrayList<>();
        for (int[] pair : pairs) {
            expressions.add("makedev(" + pair[0] + "u, " + pair[1] + "u)");
        }
        expressions.replaceAll(e -> e.replace("-1u", "4294967295u"));
        Map<String, Long> theirs = CCompiler.evaluate(dir, HEADERS, List.of(), expressions);
        for (int i = 0; i < pairs.length; i++) {
            assertEquals(
                    theirs.get(expressions.get(i)),
                    StatMode.device(pairs[i][0], pairs[i][1]),
                    expressions.get(i));
        }
    }

    @Test
    void controlMessageSizesAreThoseOfTheMacros() throws Exception {
        Map<String, Long> theirs =
                CCompiler.evaluate(
                        dir,
                        HEADERS,
                        List.of(),
                        List.of("CMSG_LEN(4)", "CMSG_SPACE(4)", "CMSG_SPACE(8)", "CMSG_SPACE(20)"));
        assertEquals(theirs.get("CMSG_LEN(4)"), Cmsghdr.length(4));
        assertEquals(theirs.get("CMSG_SPACE(4)"), Cmsghdr.space(4));
        assertEquals(theirs.get("CMSG_SPACE(8)"), Cmsghdr.space(8));
        assertEquals(theirs.get("CMSG_SPACE(20)"), Cmsghdr.space(20));
    }
}
