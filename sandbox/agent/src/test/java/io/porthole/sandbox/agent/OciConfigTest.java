package io.porthole.sandbox.agent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.porthole.sandbox.agentprotocol.grpc.Device;
import io.porthole.sandbox.agentprotocol.grpc.Linux;
import io.porthole.sandbox.agentprotocol.grpc.LinuxCPU;
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
import io.porthole.sandbox.agentprotocol.ttrpc.StatusCode;
import io.porthole.sandbox.agentprotocol.ttrpc.TtrpcException;
import java.util.List;
import java.util.Map;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;

class OciConfigTest {
    private static Spec.Builder spec() {
        return Spec.newBuilder()
                .setVersion("1.0.2")
                .setProcess(Process.newBuilder().addArgs("sh"))
                .setRoot(Root.newBuilder().setPath("/r"));
    }

    @Test
    void aSmallSpecBecomesConfigJson() {
        Spec spec =
                spec().addMounts(
                                Mount.newBuilder()
                                        .setDestination("/proc")
                                        .setType("proc")
                                        .setSource("proc")
                                        .addOptions("nosuid"))
                        .putAnnotations("a", "b")
                        .build();
        assertEquals(
                "{\"ociVersion\":\"1.0.2\",\"process\":{\"user\":{\"uid\":0,\"gid\":0},"
                        + "\"args\":[\"sh\"],\"cwd\":\"/\"},\"root\":{\"path\":\"/r\"},"
                        + "\"mounts\":[{\"destination\":\"/proc\",\"type\":\"proc\","
                        + "\"source\":\"proc\",\"options\":[\"nosuid\"]}],"
                        + "\"annotations\":{\"a\":\"b\"}}",
                OciConfig.config(spec));
    }

    @Test
    void numbersAboveTheSignedRangeStayAsTheyAre() {
        Process process =
                Process.newBuilder()
                        .setUser(User.newBuilder().setUID(-2).setGID(-1).addAdditionalGids(-3))
                        .addRlimits(POSIXRlimit.newBuilder().setType("RLIMIT_AS").setHard(-1))
                        .build();
        assertEquals(
                "{\"user\":{\"uid\":4294967294,\"gid\":4294967295,\"additionalGids\":[4294967293]},"
                        + "\"cwd\":\"/\",\"rlimits\":[{\"type\":\"RLIMIT_AS\","
                        + "\"hard\":18446744073709551615,\"soft\":0}]}",
                OciConfig.process(process));
    }

    @Test
    void resourcesKeepWhatCgroup2HasAndDropTheRest() {
        LinuxResources resources =
                LinuxResources.newBuilder()
                        .addDevices(LinuxDeviceCgroup.newBuilder().setAccess("rwm"))
                        .addDevices(
                                LinuxDeviceCgroup.newBuilder()
                                        .setAllow(true)
                                        .setType("c")
                                        .setMajor(136)
                                        .setMinor(-1)
                                        .setAccess("rw"))
                        .setMemory(
                                LinuxMemory.newBuilder()
                                        .setLimit(1024)
                                        .setSwap(-1)
                                        .setKernel(5)
                                        .setSwappiness(60))
                        .setCPU(LinuxCPU.newBuilder().setQuota(-1).setPeriod(100000))
                        .setPids(LinuxPids.newBuilder().setLimit(10))
                        .build();
        assertEquals(
                "{\"devices\":[{\"allow\":false,\"access\":\"rwm\"},"
                        + "{\"allow\":true,\"type\":\"c\",\"major\":136,\"access\":\"rw\"}],"
                        + "\"memory\":{\"limit\":1024,\"swap\":-1},"
                        + "\"cpu\":{\"quota\":-1,\"period\":100000},\"pids\":{\"limit\":10}}",
                OciResources.json(resources));
    }

    @Test
    void seccompKeepsAnErrnoOfZeroAndUnsignedValues() {
        Spec spec =
                spec().setLinux(
                                Linux.newBuilder()
                                        .setSeccomp(
                                                LinuxSeccomp.newBuilder()
                                                        .setDefaultAction("SCMP_ACT_ERRNO")
                                                        .addSyscalls(
                                                                LinuxSyscall.newBuilder()
                                                                        .addNames("clone")
                                                                        .setAction("A")
                                                                        .setErrnoret(0)
                                                                        .addArgs(
                                                                                LinuxSeccompArg
                                                                                        .newBuilder()
                                                                                        .setValue(
                                                                                                -2)
                                                                                        .setOp(
                                                                                                "EQ")))))
                        .build();
        assertTrue(
                OciConfig.config(spec)
                        .contains(
                                "{\"names\":[\"clone\"],\"action\":\"A\",\"errnoRet\":0,\"args\":"
                                        + "[{\"index\":0,\"value\":18446744073709551614,"
                                        + "\"op\":\"EQ\"}]}"),
                () -> OciConfig.config(spec));
    }

    @Property
    void anyStringIsWrittenAsOneJsonString(@ForAll String text) {
        String json = new JsonWriter().value(text).toString();
        assertEquals(text, unquote(json));
    }

    /** A reader for what {@link JsonWriter} may write: fails on anything else. */
    private static String unquote(String json) {
        StringBuilder text = new StringBuilder();
        assertTrue(json.length() >= 2 && json.startsWith("\"") && json.endsWith("\""));
        int i = 1;
        while (i < json.length() - 1) {
            char c = json.charAt(i++);
            assertTrue(c >= 0x20 && c != '"');
            if (c != '\\') {
                text.append(c);
                continue;
            }
            char escaped = json.charAt(i++);
            if (escaped == 'u') {
                text.append((char) Integer.parseInt(json.substring(i, i + 4), 16));
                i += 4;
            } else {
                assertTrue(escaped == '"' || escaped == '\\');
                text.append(escaped);
            }
        }
        return text.toString();
    }

    // ---- what the guest makes of a specification

    private static Spec forGuest(Spec spec, boolean sharedPid) {
        return PodSpec.forGuest("c1", spec, List.of(), sharedPid ? "/proc/9/ns/pid" : null);
    }

    private static Linux.Builder withNamespaces(String... types) {
        Linux.Builder linux = Linux.newBuilder();
        for (String type : types) {
            linux.addNamespaces(LinuxNamespace.newBuilder().setType(type).setPath("/host/" + type));
        }
        return linux;
    }

    private static List<String> namespaces(Spec spec) {
        return spec.getLinux().getNamespacesList().stream()
                .map(namespace -> namespace.getType() + "=" + namespace.getPath())
                .toList();
    }

    @Test
    void thePodsNamespacesAreTheGuestsOwn() {
        Spec spec =
                spec().setLinux(withNamespaces("network", "ipc", "uts", "pid", "mount", "cgroup"))
                        .setHostname("h")
                        .build();
        assertEquals(List.of("mount=", "cgroup=", "pid="), namespaces(forGuest(spec, false)));
        assertEquals(
                List.of("mount=", "cgroup=", "pid=/proc/9/ns/pid"),
                namespaces(forGuest(spec, true)));
        assertEquals("", forGuest(spec, false).getHostname());
    }

    @Test
    void aContainerAlwaysHasAMountAndAPidNamespaceAndItsOwnCgroup() {
        Spec made = forGuest(spec().build(), false);
        assertEquals(List.of("mount=", "pid="), namespaces(made));
        assertEquals("/containers/c1", made.getLinux().getCgroupsPath());
        Spec elsewhere =
                forGuest(
                        spec().setLinux(Linux.newBuilder().setCgroupsPath("/kube/x")).build(),
                        false);
        assertEquals("/containers/c1", elsewhere.getLinux().getCgroupsPath());
    }

    @Test
    void sysctlsOfSharedNamespacesAreSetInTheGuest() {
        Spec spec =
                spec().setLinux(
                                Linux.newBuilder()
                                        .putSysctl("net.ipv4.ip_forward", "1")
                                        .putSysctl("kernel.shmmax", "2")
                                        .putSysctl("user.max_user_namespaces", "3"))
                        .build();
        assertEquals(
                Map.of("net.ipv4.ip_forward", "1", "kernel.shmmax", "2"),
                PodSpec.guestSysctls(spec));
        assertEquals(
                Map.of("user.max_user_namespaces", "3"),
                forGuest(spec, false).getLinux().getSysctlMap());
    }

    @Test
    void devicesGetTheNumbersThatTheyHaveInTheGuest() {
        Spec spec =
                spec().setLinux(
                                Linux.newBuilder()
                                        .addDevices(
                                                LinuxDevice.newBuilder()
                                                        .setPath("/dev/data")
                                                        .setType("c")
                                                        .setMajor(99)
                                                        .setMinor(98)))
                        .build();
        Device device =
                Device.newBuilder().setVmPath("/dev/null").setContainerPath("/dev/data").build();
        LinuxDevice made =
                PodSpec.forGuest("c1", spec, List.of(device), null).getLinux().getDevices(0);
        assertEquals(1, made.getMajor());
        assertEquals(3, made.getMinor());
        Device missing = device.toBuilder().setVmPath("/dev/none").build();
        assertEquals(
                StatusCode.NOT_FOUND,
                assertThrows(
                                TtrpcException.class,
                                () -> PodSpec.forGuest("c1", spec, List.of(missing), null))
                        .code());
    }

    @Test
    void aSpecThatNoContainerCanBeMadeOfIsRefused() {
        for (Spec bad :
                List.of(
                        Spec.getDefaultInstance(),
                        spec().clearProcess().build(),
                        spec().setRoot(Root.newBuilder().setPath("relative")).build())) {
            assertEquals(
                    StatusCode.INVALID_ARGUMENT,
                    assertThrows(TtrpcException.class, () -> forGuest(bad, false)).code());
        }
    }

    @Test
    void mountOptionsAreFlagsOrTheFileSystemsOwn() {
        Mounts.Options options =
                Mounts.Options.parse(
                        List.of(
                                "ro",
                                "nosuid",
                                "rw",
                                "size=1m",
                                "rbind",
                                "rslave",
                                "dax=inode",
                                ""));
        assertEquals(1 | 2 | 4096 | 16384, options.flags());
        assertEquals(1 << 19 | 16384, options.propagation());
        assertEquals("size=1m,dax=inode", options.data());
        assertEquals(null, Mounts.Options.parse(List.of("defaults")).data());
        assertFalse(options.flags() == 0);
    }
}
