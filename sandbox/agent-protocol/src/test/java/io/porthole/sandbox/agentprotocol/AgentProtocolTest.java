package io.porthole.sandbox.agentprotocol;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import com.google.protobuf.MessageLite;
import io.porthole.sandbox.agentprotocol.grpc.ARPNeighbors;
import io.porthole.sandbox.agentprotocol.grpc.AddARPNeighborsRequest;
import io.porthole.sandbox.agentprotocol.grpc.AgentDetails;
import io.porthole.sandbox.agentprotocol.grpc.Box;
import io.porthole.sandbox.agentprotocol.grpc.CgroupStats;
import io.porthole.sandbox.agentprotocol.grpc.CheckRequest;
import io.porthole.sandbox.agentprotocol.grpc.CopyFileRequest;
import io.porthole.sandbox.agentprotocol.grpc.CpuStats;
import io.porthole.sandbox.agentprotocol.grpc.CpuUsage;
import io.porthole.sandbox.agentprotocol.grpc.CreateContainerRequest;
import io.porthole.sandbox.agentprotocol.grpc.CreateSandboxRequest;
import io.porthole.sandbox.agentprotocol.grpc.Device;
import io.porthole.sandbox.agentprotocol.grpc.ExecProcessRequest;
import io.porthole.sandbox.agentprotocol.grpc.GuestDetailsResponse;
import io.porthole.sandbox.agentprotocol.grpc.HealthCheckResponse;
import io.porthole.sandbox.agentprotocol.grpc.Hook;
import io.porthole.sandbox.agentprotocol.grpc.Hooks;
import io.porthole.sandbox.agentprotocol.grpc.KernelModule;
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
import io.porthole.sandbox.agentprotocol.grpc.MemoryData;
import io.porthole.sandbox.agentprotocol.grpc.MemoryStats;
import io.porthole.sandbox.agentprotocol.grpc.Mount;
import io.porthole.sandbox.agentprotocol.grpc.NetworkStats;
import io.porthole.sandbox.agentprotocol.grpc.OOMEvent;
import io.porthole.sandbox.agentprotocol.grpc.OnlineCPUMemRequest;
import io.porthole.sandbox.agentprotocol.grpc.POSIXRlimit;
import io.porthole.sandbox.agentprotocol.grpc.PidsStats;
import io.porthole.sandbox.agentprotocol.grpc.Process;
import io.porthole.sandbox.agentprotocol.grpc.ReadStreamRequest;
import io.porthole.sandbox.agentprotocol.grpc.ReadStreamResponse;
import io.porthole.sandbox.agentprotocol.grpc.RemoveContainerRequest;
import io.porthole.sandbox.agentprotocol.grpc.ReseedRandomDevRequest;
import io.porthole.sandbox.agentprotocol.grpc.Root;
import io.porthole.sandbox.agentprotocol.grpc.Routes;
import io.porthole.sandbox.agentprotocol.grpc.SetGuestDateTimeRequest;
import io.porthole.sandbox.agentprotocol.grpc.SignalProcessRequest;
import io.porthole.sandbox.agentprotocol.grpc.Spec;
import io.porthole.sandbox.agentprotocol.grpc.StatsContainerResponse;
import io.porthole.sandbox.agentprotocol.grpc.Storage;
import io.porthole.sandbox.agentprotocol.grpc.StringUser;
import io.porthole.sandbox.agentprotocol.grpc.ThrottlingData;
import io.porthole.sandbox.agentprotocol.grpc.TtyWinResizeRequest;
import io.porthole.sandbox.agentprotocol.grpc.UpdateContainerRequest;
import io.porthole.sandbox.agentprotocol.grpc.UpdateInterfaceRequest;
import io.porthole.sandbox.agentprotocol.grpc.UpdateRoutesRequest;
import io.porthole.sandbox.agentprotocol.grpc.User;
import io.porthole.sandbox.agentprotocol.grpc.VersionCheckResponse;
import io.porthole.sandbox.agentprotocol.grpc.WaitProcessResponse;
import io.porthole.sandbox.agentprotocol.grpc.WriteStreamRequest;
import io.porthole.sandbox.agentprotocol.grpc.WriteStreamResponse;
import io.porthole.sandbox.agentprotocol.types.ARPNeighbor;
import io.porthole.sandbox.agentprotocol.types.IPAddress;
import io.porthole.sandbox.agentprotocol.types.IPFamily;
import io.porthole.sandbox.agentprotocol.types.Interface;
import io.porthole.sandbox.agentprotocol.types.Route;
import java.io.ByteArrayOutputStream;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * The messages against bytes put together by hand, with the field numbers of the published protocol
 * (kata-containers, src/libs/protocols/protos) written out at each.
 */
class AgentProtocolTest {
    /** An encoded message, field by field in the order of the numbers. */
    private static final class Bytes {
        private final ByteArrayOutputStream out = new ByteArrayOutputStream();

        Bytes number(int field, long value) {
            varint((long) field << 3);
            varint(value);
            return this;
        }

        Bytes text(int field, String value) {
            return bytes(field, value.getBytes(UTF_8));
        }

        Bytes message(int field, Bytes inner) {
            return bytes(field, inner.out.toByteArray());
        }

        Bytes bytes(int field, byte[] value) {
            varint((long) field << 3 | 2);
            varint(value.length);
            out.writeBytes(value);
            return this;
        }

        private void varint(long value) {
            long rest = value;
            while ((rest & ~0x7fL) != 0) {
                out.write((int) ((rest & 0x7f) | 0x80));
                rest >>>= 7;
            }
            out.write((int) rest);
        }
    }

    private static Bytes bytes() {
        return new Bytes();
    }

    private static void assertWire(Bytes expected, MessageLite message) throws Exception {
        byte[] wanted = expected.out.toByteArray();
        assertEquals(
                HexFormat.of().formatHex(wanted),
                HexFormat.of().formatHex(message.toByteArray()),
                message.getClass().getSimpleName());
        assertEquals(message, message.getParserForType().parseFrom(wanted));
    }

    @Test
    void oneMessageIsCheckedAgainstBytesWrittenOut() throws Exception {
        // ReadStreamRequest: container_id = 1 "c", exec_id = 2 "e", len = 3 300
        byte[] wire = HexFormat.of().parseHex("0a016312016518ac02");
        ReadStreamRequest message = ReadStreamRequest.parseFrom(wire);
        assertEquals("c", message.getContainerId());
        assertEquals("e", message.getExecId());
        assertEquals(300, message.getLen());
        assertTrue(Arrays.equals(wire, message.toByteArray()));
    }

    @Test
    void healthMessagesAreAsPublished() throws Exception {
        assertWire(bytes().text(1, "s"), CheckRequest.newBuilder().setService("s").build());
        assertWire(
                bytes().number(1, 1),
                HealthCheckResponse.newBuilder()
                        .setStatus(HealthCheckResponse.ServingStatus.SERVING)
                        .build());
        assertWire(
                bytes().text(1, "g").text(2, "a"),
                VersionCheckResponse.newBuilder().setGrpcVersion("g").setAgentVersion("a").build());
    }

    @Test
    void storagesAndDevicesAreAsPublished() throws Exception {
        assertWire(
                bytes().text(1, "virtio-fs")
                        .text(2, "opt")
                        .text(3, "kataShared")
                        .text(4, "virtiofs")
                        .text(5, "ro")
                        .text(6, "/m")
                        .number(8, 1),
                Storage.newBuilder()
                        .setDriver("virtio-fs")
                        .addDriverOptions("opt")
                        .setSource("kataShared")
                        .setFstype("virtiofs")
                        .addOptions("ro")
                        .setMountPoint("/m")
                        .setShared(true)
                        .build());
        assertWire(
                bytes().text(1, "i").text(2, "t").text(3, "v").text(4, "c").text(5, "o"),
                Device.newBuilder()
                        .setId("i")
                        .setType("t")
                        .setVmPath("v")
                        .setContainerPath("c")
                        .addOptions("o")
                        .build());
    }

    @Test
    void sandboxMessagesAreAsPublished() throws Exception {
        assertWire(
                bytes().text(1, "h")
                        .text(2, "d")
                        .message(3, bytes().text(1, "x"))
                        .number(4, 1)
                        .text(5, "id")
                        .text(6, "/hooks")
                        .message(7, bytes().text(1, "mod").text(2, "p=1")),
                CreateSandboxRequest.newBuilder()
                        .setHostname("h")
                        .addDns("d")
                        .addStorages(Storage.newBuilder().setDriver("x"))
                        .setSandboxPidns(true)
                        .setSandboxId("id")
                        .setGuestHookPath("/hooks")
                        .addKernelModules(
                                KernelModule.newBuilder().setName("mod").addParameters("p=1"))
                        .build());
        assertWire(
                bytes().number(1, 1).number(2, 4).number(3, 1),
                OnlineCPUMemRequest.newBuilder()
                        .setWait(true)
                        .setNbCpus(4)
                        .setCpuOnly(true)
                        .build());
        assertWire(
                bytes().bytes(2, new byte[] {1, 2}),
                ReseedRandomDevRequest.newBuilder()
                        .setData(ByteString.copyFrom(new byte[] {1, 2}))
                        .build());
        assertWire(
                bytes().number(1, 5).number(2, 6),
                SetGuestDateTimeRequest.newBuilder().setSec(5).setUsec(6).build());
        assertWire(
                bytes().number(1, 128)
                        .message(
                                2,
                                bytes().text(1, "v")
                                        .number(2, 1)
                                        .text(3, "d")
                                        .text(4, "s")
                                        .number(5, 1)
                                        .text(6, "x"))
                        .number(3, 1),
                GuestDetailsResponse.newBuilder()
                        .setMemBlockSizeBytes(128)
                        .setAgentDetails(
                                AgentDetails.newBuilder()
                                        .setVersion("v")
                                        .setInitDaemon(true)
                                        .addDeviceHandlers("d")
                                        .addStorageHandlers("s")
                                        .setSupportsSeccomp(true)
                                        .addExtraFeatures("x"))
                        .setSupportMemHotplugProbe(true)
                        .build());
        assertWire(bytes().text(1, "c"), OOMEvent.newBuilder().setContainerId("c").build());
    }

    @Test
    void containerAndProcessMessagesAreAsPublished() throws Exception {
        assertWire(
                bytes().text(1, "c")
                        .text(2, "e")
                        .message(3, bytes().text(1, "u").text(2, "g").text(3, "a"))
                        .message(4, bytes().text(1, "d"))
                        .message(5, bytes().text(1, "s"))
                        .message(6, bytes().text(1, "1.0.2"))
                        .number(7, 1)
                        .number(9, 1)
                        .number(10, 2)
                        .number(11, 3),
                CreateContainerRequest.newBuilder()
                        .setContainerId("c")
                        .setExecId("e")
                        .setStringUser(
                                StringUser.newBuilder()
                                        .setUid("u")
                                        .setGid("g")
                                        .addAdditionalGids("a"))
                        .addDevices(Device.newBuilder().setId("d"))
                        .addStorages(Storage.newBuilder().setDriver("s"))
                        .setOCI(Spec.newBuilder().setVersion("1.0.2"))
                        .setSandboxPidns(true)
                        .setStdinPort(1)
                        .setStdoutPort(2)
                        .setStderrPort(3)
                        .build());
        assertWire(
                bytes().text(1, "c")
                        .text(2, "e")
                        .message(4, bytes().text(4, "sh"))
                        .number(5, 1)
                        .number(6, 2)
                        .number(7, 3),
                ExecProcessRequest.newBuilder()
                        .setContainerId("c")
                        .setExecId("e")
                        .setProcess(Process.newBuilder().addArgs("sh"))
                        .setStdinPort(1)
                        .setStdoutPort(2)
                        .setStderrPort(3)
                        .build());
        assertWire(
                bytes().text(1, "c").number(2, 9),
                RemoveContainerRequest.newBuilder().setContainerId("c").setTimeout(9).build());
        assertWire(
                bytes().text(1, "c").text(2, "e").number(3, 15),
                SignalProcessRequest.newBuilder()
                        .setContainerId("c")
                        .setExecId("e")
                        .setSignal(15)
                        .build());
        assertWire(bytes().number(1, 137), WaitProcessResponse.newBuilder().setStatus(137).build());
        assertWire(
                bytes().text(1, "c").message(2, bytes().message(4, bytes().number(1, 7))),
                UpdateContainerRequest.newBuilder()
                        .setContainerId("c")
                        .setResources(
                                LinuxResources.newBuilder()
                                        .setPids(LinuxPids.newBuilder().setLimit(7)))
                        .build());
    }

    @Test
    void streamMessagesAreAsPublished() throws Exception {
        assertWire(
                bytes().text(1, "c").text(2, "e").text(3, "data"),
                WriteStreamRequest.newBuilder()
                        .setContainerId("c")
                        .setExecId("e")
                        .setData(ByteString.copyFromUtf8("data"))
                        .build());
        assertWire(bytes().number(1, 4), WriteStreamResponse.newBuilder().setLen(4).build());
        assertWire(
                bytes().text(1, "data"),
                ReadStreamResponse.newBuilder().setData(ByteString.copyFromUtf8("data")).build());
        assertWire(
                bytes().text(1, "c").text(2, "e").number(3, 24).number(4, 80),
                TtyWinResizeRequest.newBuilder()
                        .setContainerId("c")
                        .setExecId("e")
                        .setRow(24)
                        .setColumn(80)
                        .build());
        assertWire(
                bytes().text(1, "/p")
                        .number(2, 10)
                        .number(3, 0100644)
                        .number(4, 0755)
                        .number(5, 1)
                        .number(6, 2)
                        .number(7, 3)
                        .text(8, "d"),
                CopyFileRequest.newBuilder()
                        .setPath("/p")
                        .setFileSize(10)
                        .setFileMode(0100644)
                        .setDirMode(0755)
                        .setUid(1)
                        .setGid(2)
                        .setOffset(3)
                        .setData(ByteString.copyFromUtf8("d"))
                        .build());
    }

    @Test
    void networkMessagesAreAsPublished() throws Exception {
        assertWire(
                bytes().message(
                                1,
                                bytes().text(1, "d")
                                        .text(2, "n")
                                        .message(
                                                3,
                                                bytes().number(1, 1).text(2, "::1").text(3, "64"))
                                        .number(4, 1500)
                                        .text(5, "02:00")
                                        .text(6, "p")
                                        .text(7, "t")
                                        .number(8, 128)),
                UpdateInterfaceRequest.newBuilder()
                        .setInterface(
                                Interface.newBuilder()
                                        .setDevice("d")
                                        .setName("n")
                                        .addIPAddresses(
                                                IPAddress.newBuilder()
                                                        .setFamily(IPFamily.v6)
                                                        .setAddress("::1")
                                                        .setMask("64"))
                                        .setMtu(1500)
                                        .setHwAddr("02:00")
                                        .setDevicePath("p")
                                        .setType("t")
                                        .setRawFlags(128))
                        .build());
        assertWire(
                bytes().message(
                                1,
                                bytes().message(
                                                1,
                                                bytes().text(1, "d")
                                                        .text(2, "g")
                                                        .text(3, "v")
                                                        .text(4, "s")
                                                        .number(5, 253)
                                                        .number(6, 1)
                                                        .number(7, 4)
                                                        .number(8, 1400))),
                UpdateRoutesRequest.newBuilder()
                        .setRoutes(
                                Routes.newBuilder()
                                        .addRoutes(
                                                Route.newBuilder()
                                                        .setDest("d")
                                                        .setGateway("g")
                                                        .setDevice("v")
                                                        .setSource("s")
                                                        .setScope(253)
                                                        .setFamily(IPFamily.v6)
                                                        .setFlags(4)
                                                        .setMtu(1400)))
                        .build());
        assertWire(
                bytes().message(
                                1,
                                bytes().message(
                                                1,
                                                bytes().message(1, bytes().text(2, "a"))
                                                        .text(2, "d")
                                                        .text(3, "l")
                                                        .number(4, 128)
                                                        .number(5, 1))),
                AddARPNeighborsRequest.newBuilder()
                        .setNeighbors(
                                ARPNeighbors.newBuilder()
                                        .addARPNeighbors(
                                                ARPNeighbor.newBuilder()
                                                        .setToIPAddress(
                                                                IPAddress.newBuilder()
                                                                        .setAddress("a"))
                                                        .setDevice("d")
                                                        .setLladdr("l")
                                                        .setState(128)
                                                        .setFlags(1)))
                        .build());
    }

    @Test
    void statisticsAreAsPublished() throws Exception {
        Bytes cpu =
                bytes().message(1, bytes().number(1, 10).number(3, 4).number(4, 6))
                        .message(2, bytes().number(1, 1).number(2, 2).number(3, 3));
        Bytes memory =
                bytes().number(1, 1)
                        .message(2, bytes().number(1, 2).number(2, 3).number(3, 4).number(4, 5))
                        .message(3, bytes().number(1, 6))
                        .message(4, bytes().number(1, 7))
                        .number(5, 1)
                        .message(6, bytes().text(1, "anon").number(2, 8));
        assertWire(
                bytes().message(
                                1,
                                bytes().message(1, cpu)
                                        .message(2, memory)
                                        .message(3, bytes().number(1, 3).number(2, 64)))
                        .message(
                                2,
                                bytes().text(1, "eth0")
                                        .number(2, 1)
                                        .number(3, 2)
                                        .number(4, 3)
                                        .number(5, 4)
                                        .number(6, 5)
                                        .number(7, 6)
                                        .number(8, 7)
                                        .number(9, 8)),
                StatsContainerResponse.newBuilder()
                        .setCgroupStats(
                                CgroupStats.newBuilder()
                                        .setCpuStats(
                                                CpuStats.newBuilder()
                                                        .setCpuUsage(
                                                                CpuUsage.newBuilder()
                                                                        .setTotalUsage(10)
                                                                        .setUsageInKernelmode(4)
                                                                        .setUsageInUsermode(6))
                                                        .setThrottlingData(
                                                                ThrottlingData.newBuilder()
                                                                        .setPeriods(1)
                                                                        .setThrottledPeriods(2)
                                                                        .setThrottledTime(3)))
                                        .setMemoryStats(
                                                MemoryStats.newBuilder()
                                                        .setCache(1)
                                                        .setUsage(
                                                                MemoryData.newBuilder()
                                                                        .setUsage(2)
                                                                        .setMaxUsage(3)
                                                                        .setFailcnt(4)
                                                                        .setLimit(5))
                                                        .setSwapUsage(
                                                                MemoryData.newBuilder().setUsage(6))
                                                        .setKernelUsage(
                                                                MemoryData.newBuilder().setUsage(7))
                                                        .setUseHierarchy(true)
                                                        .putStats("anon", 8))
                                        .setPidsStats(
                                                PidsStats.newBuilder().setCurrent(3).setLimit(64)))
                        .addNetworkStats(
                                NetworkStats.newBuilder()
                                        .setName("eth0")
                                        .setRxBytes(1)
                                        .setRxPackets(2)
                                        .setRxErrors(3)
                                        .setRxDropped(4)
                                        .setTxBytes(5)
                                        .setTxPackets(6)
                                        .setTxErrors(7)
                                        .setTxDropped(8))
                        .build());
    }

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
        Bytes resources =
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
        Bytes seccomp =
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
        Bytes linux =
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
