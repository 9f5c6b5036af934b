package io.porthole.sandbox.agent;

import io.porthole.sandbox.agentprotocol.grpc.Device;
import io.porthole.sandbox.agentprotocol.grpc.Linux;
import io.porthole.sandbox.agentprotocol.grpc.LinuxDevice;
import io.porthole.sandbox.agentprotocol.grpc.LinuxNamespace;
import io.porthole.sandbox.agentprotocol.grpc.Spec;
import io.porthole.sandbox.agentprotocol.ttrpc.StatusCode;
import io.porthole.sandbox.agentprotocol.ttrpc.TtrpcException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Turns the specification that a host's container engine wrote into the one that holds in the
 * guest.
 *
 * <p>The guest is the pod: its own network, IPC and UTS namespaces are the ones that the pod's
 * containers share, so these are left out of the specification, whatever paths of the host they
 * name. The PID namespace is the container's own or, on request, the sandbox's. Mount and cgroup
 * namespaces stay as asked for.
 */
final class PodSpec {
    /** Where all containers' cgroups are, below the mount of cgroup2. */
    static final String CGROUP_PARENT = "/containers";

    private PodSpec() {}

    static String cgroupPath(String containerId) {
        return CGROUP_PARENT + "/" + containerId;
    }

    /**
     * @param pidNamespace the path of the PID namespace to join, null for one of its own
     * @throws TtrpcException INVALID_ARGUMENT for a specification that no container can be made of
     */
    static Spec forGuest(
            String containerId, Spec spec, List<Device> devices, @Nullable String pidNamespace) {
        if (!spec.hasProcess() || spec.getProcess().getArgsCount() == 0) {
            throw invalid("the container's process has no arguments");
        }
        if (!spec.getRoot().getPath().startsWith("/")) {
            throw invalid("root.path must be an absolute path in the guest");
        }
        Linux.Builder linux = spec.getLinux().toBuilder();
        linux.setCgroupsPath(cgroupPath(containerId));
        namespaces(linux, pidNamespace);
        linux.clearSysctl().putAllSysctl(containerSysctls(spec.getLinux().getSysctlMap()));
        devices(linux, devices);
        // The UTS namespace is the sandbox's, and so is the name.
        return spec.toBuilder().clearHostname().setLinux(linux).build();
    }

    private static void namespaces(Linux.Builder linux, @Nullable String pidNamespace) {
        List<LinuxNamespace> kept = new ArrayList<>();
        boolean mount = false;
        for (LinuxNamespace namespace : linux.getNamespacesList()) {
            switch (namespace.getType()) {
                case "network", "ipc", "uts", "pid" -> {
                    // The guest's own, or decided below.
                }
                case "mount" -> {
                    mount = true;
                    kept.add(namespace.toBuilder().clearPath().build());
                }
                default -> kept.add(namespace.toBuilder().clearPath().build());
            }
        }
        if (!mount) {
            kept.add(LinuxNamespace.newBuilder().setType("mount").build());
        }
        LinuxNamespace.Builder pid = LinuxNamespace.newBuilder().setType("pid");
        if (pidNamespace != null) {
            pid.setPath(pidNamespace);
        }
        kept.add(pid.build());
        linux.clearNamespaces().addAllNamespaces(kept);
    }

    /** Those of namespaces that are the guest's are set in the guest, see {@link #guestSysctls}. */
    private static Map<String, String> containerSysctls(Map<String, String> all) {
        Map<String, String> own = new TreeMap<>(all);
        own.keySet().removeIf(PodSpec::isGuestSysctl);
        return own;
    }

    /** What crun would refuse to set, as the container has no such namespace of its own. */
    static Map<String, String> guestSysctls(Spec spec) {
        Map<String, String> guest = new TreeMap<>(spec.getLinux().getSysctlMap());
        guest.keySet().removeIf(name -> !isGuestSysctl(name));
        return guest;
    }

    private static boolean isGuestSysctl(String name) {
        return name.startsWith("net.")
                || name.startsWith("kernel.shm")
                || name.startsWith("kernel.msg")
                || name.startsWith("fs.mqueue.")
                || name.equals("kernel.sem")
                || name.equals("kernel.domainname");
    }

    /** Gives devices that came with the virtual machine the numbers that they have in the guest. */
    private static void devices(Linux.Builder linux, List<Device> devices) {
        for (Device device : devices) {
            if (device.getVmPath().isEmpty() || device.getContainerPath().isEmpty()) {
                continue;
            }
            long number = deviceNumber(device.getVmPath());
            for (int i = 0; i < linux.getDevicesCount(); i++) {
                LinuxDevice listed = linux.getDevices(i);
                if (listed.getPath().equals(device.getContainerPath())) {
                    linux.setDevices(
                            i, listed.toBuilder().setMajor(major(number)).setMinor(minor(number)));
                }
            }
        }
    }

    private static long deviceNumber(String path) {
        try {
            return ((Number) Files.getAttribute(Path.of(path), "unix:rdev")).longValue();
        } catch (IOException e) {
            throw new TtrpcException(StatusCode.NOT_FOUND, "the guest has no device " + path, e);
        }
    }

    // gnu_dev_major, gnu_dev_minor (makedev(3))

    private static long major(long number) {
        return ((number >> 8) & 0xfff) | ((number >> 32) & 0xfffff000L);
    }

    private static long minor(long number) {
        return (number & 0xff) | ((number >> 12) & 0xffffff00L);
    }

    private static TtrpcException invalid(String message) {
        return new TtrpcException(StatusCode.INVALID_ARGUMENT, message);
    }
}
