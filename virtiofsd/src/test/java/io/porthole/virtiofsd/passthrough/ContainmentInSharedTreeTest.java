package io.porthole.virtiofsd.passthrough;

import io.porthole.linux.Syscalls;
import io.porthole.virtiofsd.confine.SharedTree;
import java.io.IOException;
import java.nio.file.Path;

/** The same where the process's root is not the share: in a daemon with several. */
final class ContainmentInSharedTreeTest extends ContainmentTest {
    @Override
    Guest serve(Path directory) throws IOException {
        return new Guest(SharedTree.open(Syscalls.host(), directory.toString(), false));
    }
}
