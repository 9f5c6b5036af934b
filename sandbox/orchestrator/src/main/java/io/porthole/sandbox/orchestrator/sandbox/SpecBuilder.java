package io.porthole.sandbox.orchestrator.sandbox;

import io.porthole.sandbox.agentprotocol.grpc.Linux;
import io.porthole.sandbox.agentprotocol.grpc.LinuxCPU;
import io.porthole.sandbox.agentprotocol.grpc.LinuxCapabilities;
import io.porthole.sandbox.agentprotocol.grpc.LinuxDeviceCgroup;
import io.porthole.sandbox.agentprotocol.grpc.LinuxMemory;
import io.porthole.sandbox.agentprotocol.grpc.LinuxNamespace;
import io.porthole.sandbox.agentprotocol.grpc.LinuxPids;
import io.porthole.sandbox.agentprotocol.grpc.LinuxResources;
import io.porthole.sandbox.agentprotocol.grpc.Mount;
import io.porthole.sandbox.agentprotocol.grpc.POSIXRlimit;
import io.porthole.sandbox.agentprotocol.grpc.Process;
import io.porthole.sandbox.agentprotocol.grpc.Root;
import io.porthole.sandbox.agentprotocol.grpc.Spec;
import io.porthole.sandbox.agentprotocol.grpc.User;
import io.porthole.sandbox.orchestrator.share.ShareTree;
import io.porthole.sandbox.orchestrator.state.ContainerSpec;
import io.porthole.sandbox.orchestrator.state.ProcessSpec;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The OCI specification of a container, as the agent takes it (OCI runtime specification,
 * "config.md" and "config-linux.md").
 */
final class SpecBuilder {
    /** One tmpfs for all containers of a sandbox; Kata's place. */
    static final String SANDBOX_SHM = "/run/kata-containers/sandbox/shm";

    private static final long CPU_PERIOD_MICROS = 100_000;
    private static final List<String> MASKED =
            List.of(
                    "/proc/acpi",
                    "/proc/asound",
                    "/proc/kcore",
                    "/proc/keys",
                    "/proc/latency_stats",
                    "/proc/timer_list",
                    "/proc/timer_stats",
                    "/proc/sched_debug",
                    "/proc/scsi",
                    "/sys/firmware");
    private static final List<String> READ_ONLY =
            List.of("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger");

    private SpecBuilder() {}

    static Spec container(
            ContainerSpec c, ShareTree.Prepared prepared, User user, String home, String hostname) {
        return Spec.newBuilder()
                .setVersion("1.0.2")
                .setProcess(
                        Process.newBuilder()
                                .setTerminal(c.terminal())
                                .setUser(user)
                                .addAllArgs(c.args())
                                .addAllEnv(environment(c.env(), home, hostname, c.terminal()))
                                .setCwd(c.cwd().isEmpty() ? "/" : c.cwd())
                                .setCapabilities(
                                        capabilities(
                                                c.privileged(),
                                                c.capAdd(),
                                                c.capDrop(),
                                                user.getUID()))
                                .addRlimits(
                                        POSIXRlimit.newBuilder()
                                                .setType("RLIMIT_NOFILE")
                                                .setHard(1 << 20)
                                                .setSoft(1 << 20)))
                .setRoot(Root.newBuilder().setPath(prepared.rootfs()).setReadonly(c.readOnly()))
                .setHostname(hostname)
                .addAllMounts(mounts(c, prepared))
                .setLinux(linux(c))
                .build();
    }

    static Process process(
            ContainerSpec c, ProcessSpec p, User user, String home, String hostname) {
        List<String> env = new ArrayList<>(c.env());
        env.addAll(p.env());
        return Process.newBuilder()
                .setTerminal(p.terminal())
                .setUser(user)
                .addAllArgs(p.args())
                .addAllEnv(environment(env, home, hostname, p.terminal()))
                .setCwd(!p.cwd().isEmpty() ? p.cwd() : c.cwd().isEmpty() ? "/" : c.cwd())
                .setCapabilities(
                        capabilities(
                                p.privileged() || c.privileged(),
                                c.capAdd(),
                                c.capDrop(),
                                user.getUID()))
                .build();
    }

    /** The last of several values of one name counts. */
    static List<String> environment(
            List<String> given, String home, String hostname, boolean terminal) {
        Map<String, String> all = new LinkedHashMap<>();
        all.put("HOME", home);
        all.put("HOSTNAME", hostname);
        if (terminal) {
            all.put("TERM", "xterm");
        }
        for (String entry : given) {
            int equals = entry.indexOf('=');
            all.put(equals < 0 ? entry : entry.substring(0, equals), entry.substring(equals + 1));
        }
        return all.entrySet().stream().map(e -> e.getKey() + "=" + e.getValue()).toList();
    }

    private static LinuxCapabilities capabilities(
            boolean privileged, List<String> add, List<String> drop, int uid) {
        List<String> set = Capabilities.of(privileged, add, drop);
        LinuxCapabilities.Builder all = LinuxCapabilities.newBuilder().addAllBounding(set);
        // As the kernel would do at setuid(2): another user has none until a program gives them.
        return uid == 0 ? all.addAllEffective(set).addAllPermitted(set).build() : all.build();
    }

    private static List<Mount> mounts(ContainerSpec c, ShareTree.Prepared prepared) {
        List<Mount> all = new ArrayList<>();
        String write = c.privileged() ? "rw" : "ro";
        all.add(mount("/proc", "proc", "proc", "nosuid", "noexec", "nodev"));
        all.add(
                mount(
                        "/dev",
                        "tmpfs",
                        "tmpfs",
                        "nosuid",
                        "strictatime",
                        "mode=755",
                        "size=65536k"));
        all.add(
                mount(
                        "/dev/pts",
                        "devpts",
                        "devpts",
                        "nosuid",
                        "noexec",
                        "newinstance",
                        "ptmxmode=0666",
                        "mode=0620",
                        "gid=5"));
        all.add(mount("/dev/mqueue", "mqueue", "mqueue", "nosuid", "noexec", "nodev"));
        all.add(mount("/sys", "sysfs", "sysfs", "nosuid", "noexec", "nodev", write));
        all.add(
                mount(
                        "/sys/fs/cgroup",
                        "cgroup",
                        "cgroup",
                        "nosuid",
                        "noexec",
                        "nodev",
                        "relatime",
                        write));
        all.add(mount("/dev/shm", "bind", SANDBOX_SHM, "rbind"));
        // Parents before children, whatever the order on the command line.
        prepared.mounts().stream()
                .sorted(java.util.Comparator.comparing(ShareTree.GuestMount::target))
                .forEach(m ->
                        all.add(
                                mount(
                                        m.target(),
                                        "bind",
                                        m.guestSource(),
                                        "rbind",
                                        "rprivate",
                                        m.readOnly() ? "ro" : "rw")));
        return all;
    }

    private static Mount mount(String destination, String type, String source, String... options) {
        return Mount.newBuilder()
                .setDestination(destination)
                .setType(type)
                .setSource(source)
                .addAllOptions(List.of(options))
                .build();
    }

    private static Linux linux(ContainerSpec c) {
        Linux.Builder linux =
                Linux.newBuilder().setCgroupsPath("/porthole/" + c.id()).setResources(resources(c));
        // No network namespace: the containers of a sandbox share the guest's. The agent puts the
        // paths of the sandbox's own IPC and UTS namespaces in.
        for (String type : List.of("ipc", "uts", "mount", "pid", "cgroup")) {
            linux.addNamespaces(LinuxNamespace.newBuilder().setType(type));
        }
        if (!c.privileged()) {
            linux.addAllMaskedPaths(MASKED).addAllReadonlyPaths(READ_ONLY);
        }
        return linux.build();
    }

    private static LinuxResources resources(ContainerSpec c) {
        LinuxResources.Builder r = LinuxResources.newBuilder();
        if (c.privileged()) {
            r.addDevices(LinuxDeviceCgroup.newBuilder().setAllow(true).setAccess("rwm"));
        } else {
            r.addDevices(LinuxDeviceCgroup.newBuilder().setAllow(false).setAccess("rwm"));
        }
        if (c.memoryBytes() > 0) {
            // The same for memory and memory plus swap: no swap.
            r.setMemory(
                    LinuxMemory.newBuilder().setLimit(c.memoryBytes()).setSwap(c.memoryBytes()));
        }
        if (c.cpus() > 0) {
            r.setCPU(
                    LinuxCPU.newBuilder()
                            .setPeriod(CPU_PERIOD_MICROS)
                            .setQuota(Math.max(1000, Math.round(c.cpus() * CPU_PERIOD_MICROS))));
        }
        if (c.pidsLimit() > 0) {
            r.setPids(LinuxPids.newBuilder().setLimit(c.pidsLimit()));
        }
        return r.build();
    }
}
