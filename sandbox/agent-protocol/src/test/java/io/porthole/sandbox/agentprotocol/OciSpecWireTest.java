package io.porthole.sandbox.agentprotocol;

import static io.porthole.sandbox.agentprotocol.WireBytes.assertWire;
import static io.porthole.sandbox.agentprotocol.WireBytes.bytes;

import io.porthole.sandbox.agentprotocol.grpc.Box;
import io.porthole.sandbox.agentprotocol.grpc.Hook;
import io.porthole.sandbox.agentprotocol.grpc.Hooks;
import io.porthole.sandbox.agentprotocol.grpc.Linux;
import io.porthole.sandbox.agentprotocol.grpc.LinuxCPU;
import io.porthole.sandbox.agentprotocol.grpc.LinuxCapabilities;
import io.porthole.sandbox.agentprotocol.grpc.LinuxDevice;
import io.porthole.sandbox.agentprotocol.grpc.LinuxDeviceCgroup;
import io.porthole.sandbox.agentprotocol.grpc.LinuxMemory;
import io.porthole.sandbox.agentprotocol.grpc.LinuxNamespace;
import io.porthole.sandbox.agentprotocol.grpc.LinuxPids;
import io.porthole.sandbox.agentprotocol.grpc.LinuxResources;
import io.porthole.sandbox.agentprotocol.grpc.LinuxSeccomp;
import io.porthole.sandbox.agentprotocol.grpc.LinuxSeccompArg;
import io.porthole.sandbox.agentprotocol.grpc.LinuxSyscall;
import io.porthole.sandbox.agentprotocol.grpc.Mount;
import io.porthole.sandbox.agentprotocol.grpc.POSIXRlimit;
import io.porthole.sandbox.agentprotocol.grpc.Process;
import io.porthole.sandbox.agentprotocol.grpc.Root;
import io.porthole.sandbox.agentprotocol.grpc.Spec;
import io.porthole.sandbox.agentprotocol.grpc.User;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The OCI specification in its protobuf form, as {@link AgentProtocolTest} does. */
class OciSpecWireTest {
    @Test
    void theProcessOfASpecIsAsPublished() throws Exception {
        assertWire(
                bytes().number(1, 1)
                        .message(2, bytes().number(1, 25).number(2, 80))
                        .message(
                                3,
                                bytes().number(1, 1000)
                                        .number(2, 100)
                                        .bytes(3, new byte[] {5, 6})
                                        .text(4, "me"))
                        .text(4, "sh")
                        .text(5, "A=b")
                        .text(6, "/")
                        .message(
                                7,
                                bytes().text(1, "B")
                                        .text(2, "E")
                                        .text(3, "I")
                                        .text(4, "P")
                                        .text(5, "A"))
                        .message(8, bytes().text(1, "RLIMIT_CORE").number(2, 2).number(3, 1))
                        .number(9, 1)
                        .text(10, "aa")
                        .number(11, -500)
                        .text(12, "se"),
                Process.newBuilder()
                        .setTerminal(true)
                        .setConsoleSize(Box.newBuilder().setHeight(25).setWidth(80))
                        .setUser(
                                User.newBuilder()
                                        .setUID(1000)
                                        .setGID(100)
                                        .addAllAdditionalGids(List.of(5, 6))
                                        .setUsername("me"))
                        .addArgs("sh")
                        .addEnv("A=b")
                        .setCwd("/")
                        .setCapabilities(
                                LinuxCapabilities.newBuilder()
                                        .addBounding("B")
                                        .addEffective("E")
                                        .addInheritable("I")
                                        .addPermitted("P")
                                        .addAmbient("A"))
                        .addRlimits(
                                POSIXRlimit.newBuilder()
                                        .setType("RLIMIT_CORE")
                                        .setHard(2)
                                        .setSoft(1))
                        .setNoNewPrivileges(true)
                        .setApparmorProfile("aa")
                        .setOOMScoreAdj(-500)
                        .setSelinuxLabel("se")
                        .build());
    }

    @Test
    void theRestOfASpecIsAsPublished() throws Exception {
        WireBytes resources =
                bytes().message(
                                1,
                                bytes().number(1, 1)
                                        .text(2, "c")
                                        .number(3, 1)
                                        .number(4, 3)
                                        .text(5, "rwm"))
                        .message(2, bytes().number(1, 64).number(2, 32).number(3, 128))
                        .message(
                                3,
                                bytes().number(1, 512)
                                        .number(2, 50)
                                        .number(3, 100)
                                        .text(6, "0-1")
                                        .text(7, "0"))
                        .message(4, bytes().number(1, 99));
        WireBytes seccomp =
                bytes().text(1, "SCMP_ACT_ERRNO")
                        .text(2, "SCMP_ARCH_X86_64")
                        .text(3, "f")
                        .message(
                                4,
                                bytes().text(1, "read")
                                        .text(2, "SCMP_ACT_ALLOW")
                                        .number(3, 38)
                                        .message(
                                                4,
                                                bytes().number(1, 1)
                                                        .number(2, 2)
                                                        .number(3, 3)
                                                        .text(4, "op")));
        WireBytes linux =
                bytes().message(3, bytes().text(1, "net.x").text(2, "1"))
                        .message(4, resources)
                        .text(5, "/cg")
                        .message(6, bytes().text(1, "pid").text(2, "/p"))
                        .message(
                                7,
                                bytes().text(1, "/dev/x")
                                        .text(2, "c")
                                        .number(3, 1)
                                        .number(4, 2)
                                        .number(5, 0666)
                                        .number(6, 3)
                                        .number(7, 4))
                        .message(8, seccomp)
                        .text(9, "rslave")
                        .text(10, "/m")
                        .text(11, "/r");
        assertWire(
                bytes().text(1, "1.0.2")
                        .message(3, bytes().text(1, "/rootfs").number(2, 1))
                        .text(4, "host")
                        .message(
                                5, bytes().text(1, "/d").text(2, "s").text(3, "bind").text(4, "ro"))
                        .message(
                                6,
                                bytes().message(
                                                1,
                                                bytes().text(1, "/h")
                                                        .text(2, "a")
                                                        .text(3, "e")
                                                        .number(4, 5))
                                        .message(4, bytes().text(1, "/cr")))
                        .message(7, bytes().text(1, "k").text(2, "v"))
                        .message(8, linux),
                Spec.newBuilder()
                        .setVersion("1.0.2")
                        .setRoot(Root.newBuilder().setPath("/rootfs").setReadonly(true))
                        .setHostname("host")
                        .addMounts(
                                Mount.newBuilder()
                                        .setDestination("/d")
                                        .setSource("s")
                                        .setType("bind")
                                        .addOptions("ro"))
                        .setHooks(
                                Hooks.newBuilder()
                                        .addPrestart(
                                                Hook.newBuilder()
                                                        .setPath("/h")
                                                        .addArgs("a")
                                                        .addEnv("e")
                                                        .setTimeout(5))
                                        .addCreateRuntime(Hook.newBuilder().setPath("/cr")))
                        .putAnnotations("k", "v")
                        .setLinux(linux())
                        .build());
    }

    private static Linux.Builder linux() {
        return Linux.newBuilder()
                .putSysctl("net.x", "1")
                .setResources(
                        LinuxResources.newBuilder()
                                .addDevices(
                                        LinuxDeviceCgroup.newBuilder()
                                                .setAllow(true)
                                                .setType("c")
                                                .setMajor(1)
                                                .setMinor(3)
                                                .setAccess("rwm"))
                                .setMemory(
                                        LinuxMemory.newBuilder()
                                                .setLimit(64)
                                                .setReservation(32)
                                                .setSwap(128))
                                .setCPU(
                                        LinuxCPU.newBuilder()
                                                .setShares(512)
                                                .setQuota(50)
                                                .setPeriod(100)
                                                .setCpus("0-1")
                                                .setMems("0"))
                                .setPids(LinuxPids.newBuilder().setLimit(99)))
                .setCgroupsPath("/cg")
                .addNamespaces(LinuxNamespace.newBuilder().setType("pid").setPath("/p"))
                .addDevices(
                        LinuxDevice.newBuilder()
                                .setPath("/dev/x")
                                .setType("c")
                                .setMajor(1)
                                .setMinor(2)
                                .setFileMode(0666)
                                .setUID(3)
                                .setGID(4))
                .setSeccomp(
                        LinuxSeccomp.newBuilder()
                                .setDefaultAction("SCMP_ACT_ERRNO")
                                .addArchitectures("SCMP_ARCH_X86_64")
                                .addFlags("f")
                                .addSyscalls(
                                        LinuxSyscall.newBuilder()
                                                .addNames("read")
                                                .setAction("SCMP_ACT_ALLOW")
                                                .setErrnoret(38)
                                                .addArgs(
                                                        LinuxSeccompArg.newBuilder()
                                                                .setIndex(1)
                                                                .setValue(2)
                                                                .setValueTwo(3)
                                                                .setOp("op"))))
                .setRootfsPropagation("rslave")
                .addMaskedPaths("/m")
                .addReadonlyPaths("/r");
    }
}
