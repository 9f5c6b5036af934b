package io.porthole.sandbox.agentprotocol;

import static io.porthole.sandbox.agentprotocol.WireBytes.assertWire;
import static io.porthole.sandbox.agentprotocol.WireBytes.bytes;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import com.google.protobuf.MessageLite;
import io.porthole.sandbox.agentprotocol.grpc.ARPNeighbors;
import io.porthole.sandbox.agentprotocol.grpc.AddARPNeighborsRequest;
import io.porthole.sandbox.agentprotocol.grpc.AgentDetails;
import io.porthole.sandbox.agentprotocol.grpc.CgroupStats;
import io.porthole.sandbox.agentprotocol.grpc.CheckRequest;
import io.porthole.sandbox.agentprotocol.grpc.CloseStdinRequest;
import io.porthole.sandbox.agentprotocol.grpc.CopyFileRequest;
import io.porthole.sandbox.agentprotocol.grpc.CpuStats;
import io.porthole.sandbox.agentprotocol.grpc.CpuUsage;
import io.porthole.sandbox.agentprotocol.grpc.CreateContainerRequest;
import io.porthole.sandbox.agentprotocol.grpc.CreateSandboxRequest;
import io.porthole.sandbox.agentprotocol.grpc.DestroySandboxRequest;
import io.porthole.sandbox.agentprotocol.grpc.Device;
import io.porthole.sandbox.agentprotocol.grpc.ExecProcessRequest;
import io.porthole.sandbox.agentprotocol.grpc.FSGroup;
import io.porthole.sandbox.agentprotocol.grpc.GetMetricsRequest;
import io.porthole.sandbox.agentprotocol.grpc.GetOOMEventRequest;
import io.porthole.sandbox.agentprotocol.grpc.GuestDetailsRequest;
import io.porthole.sandbox.agentprotocol.grpc.GuestDetailsResponse;
import io.porthole.sandbox.agentprotocol.grpc.HealthCheckResponse;
import io.porthole.sandbox.agentprotocol.grpc.Interfaces;
import io.porthole.sandbox.agentprotocol.grpc.KernelModule;
import io.porthole.sandbox.agentprotocol.grpc.LinuxPids;
import io.porthole.sandbox.agentprotocol.grpc.LinuxResources;
import io.porthole.sandbox.agentprotocol.grpc.ListInterfacesRequest;
import io.porthole.sandbox.agentprotocol.grpc.ListRoutesRequest;
import io.porthole.sandbox.agentprotocol.grpc.MemHotplugByProbeRequest;
import io.porthole.sandbox.agentprotocol.grpc.MemoryData;
import io.porthole.sandbox.agentprotocol.grpc.MemoryStats;
import io.porthole.sandbox.agentprotocol.grpc.Metrics;
import io.porthole.sandbox.agentprotocol.grpc.NetworkStats;
import io.porthole.sandbox.agentprotocol.grpc.OOMEvent;
import io.porthole.sandbox.agentprotocol.grpc.OnlineCPUMemRequest;
import io.porthole.sandbox.agentprotocol.grpc.PauseContainerRequest;
import io.porthole.sandbox.agentprotocol.grpc.PidsStats;
import io.porthole.sandbox.agentprotocol.grpc.Process;
import io.porthole.sandbox.agentprotocol.grpc.ReadStreamRequest;
import io.porthole.sandbox.agentprotocol.grpc.ReadStreamResponse;
import io.porthole.sandbox.agentprotocol.grpc.RemoveContainerRequest;
import io.porthole.sandbox.agentprotocol.grpc.ReseedRandomDevRequest;
import io.porthole.sandbox.agentprotocol.grpc.ResumeContainerRequest;
import io.porthole.sandbox.agentprotocol.grpc.Routes;
import io.porthole.sandbox.agentprotocol.grpc.SetGuestDateTimeRequest;
import io.porthole.sandbox.agentprotocol.grpc.SharedMount;
import io.porthole.sandbox.agentprotocol.grpc.SignalProcessRequest;
import io.porthole.sandbox.agentprotocol.grpc.Spec;
import io.porthole.sandbox.agentprotocol.grpc.StartContainerRequest;
import io.porthole.sandbox.agentprotocol.grpc.StatsContainerRequest;
import io.porthole.sandbox.agentprotocol.grpc.StatsContainerResponse;
import io.porthole.sandbox.agentprotocol.grpc.Storage;
import io.porthole.sandbox.agentprotocol.grpc.StringUser;
import io.porthole.sandbox.agentprotocol.grpc.ThrottlingData;
import io.porthole.sandbox.agentprotocol.grpc.TtyWinResizeRequest;
import io.porthole.sandbox.agentprotocol.grpc.UpdateContainerRequest;
import io.porthole.sandbox.agentprotocol.grpc.UpdateEphemeralMountsRequest;
import io.porthole.sandbox.agentprotocol.grpc.UpdateInterfaceRequest;
import io.porthole.sandbox.agentprotocol.grpc.UpdateRoutesRequest;
import io.porthole.sandbox.agentprotocol.grpc.VersionCheckResponse;
import io.porthole.sandbox.agentprotocol.grpc.VolumeCondition;
import io.porthole.sandbox.agentprotocol.grpc.VolumeStatsRequest;
import io.porthole.sandbox.agentprotocol.grpc.VolumeStatsResponse;
import io.porthole.sandbox.agentprotocol.grpc.VolumeUsage;
import io.porthole.sandbox.agentprotocol.grpc.WaitProcessRequest;
import io.porthole.sandbox.agentprotocol.grpc.WaitProcessResponse;
import io.porthole.sandbox.agentprotocol.grpc.WriteStreamRequest;
import io.porthole.sandbox.agentprotocol.grpc.WriteStreamResponse;
import io.porthole.sandbox.agentprotocol.types.ARPNeighbor;
import io.porthole.sandbox.agentprotocol.types.FSGroupChangePolicy;
import io.porthole.sandbox.agentprotocol.types.IPAddress;
import io.porthole.sandbox.agentprotocol.types.IPFamily;
import io.porthole.sandbox.agentprotocol.types.Interface;
import io.porthole.sandbox.agentprotocol.types.Route;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * The messages against bytes put together by hand, with the field numbers of the published protocol
 * (kata-containers, src/libs/protocols/protos) written out at each.
 */
class AgentProtocolTest {
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
        WireBytes cpu =
                bytes().message(1, bytes().number(1, 10).number(3, 4).number(4, 6))
                        .message(2, bytes().number(1, 1).number(2, 2).number(3, 3));
        WireBytes memory =
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

    /** Requests that name a container or a process and nothing else, and those that are empty. */
    @Test
    void requestsThatOnlyNameAreAsPublished() throws Exception {
        assertWire(
                bytes().text(1, "c"),
                StartContainerRequest.newBuilder().setContainerId("c").build());
        assertWire(
                bytes().text(1, "c"),
                StatsContainerRequest.newBuilder().setContainerId("c").build());
        assertWire(
                bytes().text(1, "c"),
                PauseContainerRequest.newBuilder().setContainerId("c").build());
        assertWire(
                bytes().text(1, "c"),
                ResumeContainerRequest.newBuilder().setContainerId("c").build());
        assertWire(
                bytes().text(1, "c").text(2, "e"),
                WaitProcessRequest.newBuilder().setContainerId("c").setExecId("e").build());
        assertWire(
                bytes().text(1, "c").text(2, "e"),
                CloseStdinRequest.newBuilder().setContainerId("c").setExecId("e").build());
        for (MessageLite empty :
                List.of(
                        DestroySandboxRequest.getDefaultInstance(),
                        ListInterfacesRequest.getDefaultInstance(),
                        ListRoutesRequest.getDefaultInstance(),
                        GetOOMEventRequest.getDefaultInstance(),
                        GetMetricsRequest.getDefaultInstance())) {
            assertWire(bytes(), empty);
        }
    }

    @Test
    void listsOfTheNetworkAreAsPublished() throws Exception {
        assertWire(
                bytes().message(1, bytes().text(1, "a")).message(1, bytes().text(1, "b")),
                Interfaces.newBuilder()
                        .addInterfaces(Interface.newBuilder().setDevice("a"))
                        .addInterfaces(Interface.newBuilder().setDevice("b"))
                        .build());
        assertWire(
                bytes().message(1, bytes().text(1, "d")),
                Routes.newBuilder().addRoutes(Route.newBuilder().setDest("d")).build());
    }

    @Test
    void volumesGroupsAndSharedMountsAreAsPublished() throws Exception {
        assertWire(
                bytes().text(1, "/v"),
                VolumeStatsRequest.newBuilder().setVolumeGuestPath("/v").build());
        assertWire(
                bytes().message(1, bytes().number(1, 1).number(2, 3).number(3, 2).number(4, 1))
                        .message(2, bytes().number(1, 1).text(2, "m")),
                VolumeStatsResponse.newBuilder()
                        .addUsage(
                                VolumeUsage.newBuilder()
                                        .setAvailable(1)
                                        .setTotal(3)
                                        .setUsed(2)
                                        .setUnit(VolumeUsage.Unit.BYTES))
                        .setVolumeCondition(
                                VolumeCondition.newBuilder().setAbnormal(true).setMessage("m"))
                        .build());
        assertWire(
                bytes().message(1, bytes().message(7, bytes().number(2, 9).number(3, 1))),
                UpdateEphemeralMountsRequest.newBuilder()
                        .addStorages(
                                Storage.newBuilder()
                                        .setFsGroup(
                                                FSGroup.newBuilder()
                                                        .setGroupId(9)
                                                        .setGroupChangePolicy(
                                                                FSGroupChangePolicy
                                                                        .OnRootMismatch)))
                        .build());
        assertWire(
                bytes().message(
                                8,
                                bytes().text(1, "n")
                                        .text(2, "sc")
                                        .text(3, "/s")
                                        .text(4, "dc")
                                        .text(5, "/d")),
                CreateContainerRequest.newBuilder()
                        .addSharedMounts(
                                SharedMount.newBuilder()
                                        .setName("n")
                                        .setSrcCtr("sc")
                                        .setSrcPath("/s")
                                        .setDstCtr("dc")
                                        .setDstPath("/d"))
                        .build());
    }

    @Test
    void questionsAboutTheGuestAreAsPublished() throws Exception {
        assertWire(
                bytes().number(1, 1).number(2, 1),
                GuestDetailsRequest.newBuilder()
                        .setMemBlockSize(true)
                        .setMemHotplugProbe(true)
                        .build());
        // Repeated numbers are packed: one field with all of them.
        assertWire(
                bytes().bytes(1, new byte[] {5, (byte) 0xac, 2}),
                MemHotplugByProbeRequest.newBuilder()
                        .addMemHotplugProbeAddr(5)
                        .addMemHotplugProbeAddr(300)
                        .build());
        assertWire(bytes().text(1, "m"), Metrics.newBuilder().setMetrics("m").build());
    }
}
