package io.porthole.virtiofsd.passthrough;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.porthole.virtiofsd.guest.PosixChecks;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The POSIX checks as requests, without any kernel's FUSE, against the file system below. */
class InProcessConformanceIT {
    @TempDir Path dir = Path.of("unset");

    @Test
    void requestsDoWhatTheFileSystemBelowDoes() throws Exception {
        Path program = dir.resolve("posix");
        PosixChecks.compile(program);
        List<String> names = PosixChecks.names(program);
        Map<String, String> below =
                PosixChecks.run(program, Files.createDirectory(dir.resolve("below")));
        Path share = Files.createDirectory(dir.resolve("share"));
        Map<String, String> seen = new LinkedHashMap<>();
        for (var check : InProcessChecks.CHECKS.entrySet()) {
            Path own = Files.createDirectory(share.resolve(check.getKey()));
            try (Guest guest = new Guest(own)) {
                InProcessCalls calls = new InProcessCalls(guest.queue, Guest.ROOT);
                check.getValue().accept(calls);
                seen.put(check.getKey(), calls.transcript());
            }
        }
        Map<String, String> notApplicable = new LinkedHashMap<>();
        for (String name : names) {
            if (!seen.containsKey(name)) {
                notApplicable.put(name, InProcessChecks.whyNot(name));
            }
        }
        assertTrue(seen.size() >= 40, seen.keySet()::toString);
        PosixChecks.compare("in-process", names, below, seen, Map.of(), notApplicable);
    }
}
