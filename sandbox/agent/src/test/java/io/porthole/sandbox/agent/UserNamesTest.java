package io.porthole.sandbox.agent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.porthole.sandbox.agentprotocol.grpc.Process;
import io.porthole.sandbox.agentprotocol.grpc.StringUser;
import io.porthole.sandbox.agentprotocol.grpc.User;
import io.porthole.sandbox.agentprotocol.ttrpc.StatusCode;
import io.porthole.sandbox.agentprotocol.ttrpc.TtrpcException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class UserNamesTest {
    @TempDir Path root;

    @BeforeEach
    void writeUsers() throws IOException {
        Files.createDirectory(root.resolve("etc"));
        Files.writeString(
                root.resolve("etc/passwd"),
                "root:x:0:0:root:/root:/bin/sh\nweb:x:33:44:web:/:/bin/sh\n7:x:70:71:odd:/:\n");
        Files.writeString(root.resolve("etc/group"), "root:x:0:\nvideo:x:27:web\n");
    }

    private User resolve(StringUser.Builder wanted) throws IOException {
        return UserNames.resolve(Process.getDefaultInstance(), wanted.build(), root).getUser();
    }

    @Test
    void aNameBringsItsGroup() throws Exception {
        User user = resolve(StringUser.newBuilder().setUid("web"));
        assertEquals(33, user.getUID());
        assertEquals(44, user.getGID());
    }

    @Test
    void aGivenGroupWinsAndAdditionalOnesAreLookedUp() throws Exception {
        User user =
                resolve(
                        StringUser.newBuilder()
                                .setUid("web")
                                .setGid("video")
                                .addAdditionalGids("root")
                                .addAdditionalGids("900"));
        assertEquals(27, user.getGID());
        assertEquals(List.of(0, 900), user.getAdditionalGidsList());
    }

    @Test
    void aNumberNeedsNoEntryAndAnEntryBringsItsGroup() throws Exception {
        assertEquals(1234, resolve(StringUser.newBuilder().setUid("1234")).getUID());
        assertEquals(44, resolve(StringUser.newBuilder().setUid("33")).getGID());
        assertEquals(70, resolve(StringUser.newBuilder().setUid("7")).getUID());
    }

    @Test
    void anUnknownNameIsNotFound() {
        assertEquals(
                StatusCode.NOT_FOUND,
                assertThrows(
                                TtrpcException.class,
                                () -> resolve(StringUser.newBuilder().setUid("nobody")))
                        .code());
    }

    @Test
    void aLinkOutOfTheContainerIsNotFollowed() throws Exception {
        Path outside = root.resolve("outside");
        Files.writeString(outside, "evil:x:0:0::/:\n");
        Files.delete(root.resolve("etc/passwd"));
        Files.createSymbolicLink(root.resolve("etc/passwd"), outside);
        assertThrows(TtrpcException.class, () -> resolve(StringUser.newBuilder().setUid("evil")));
    }
}
