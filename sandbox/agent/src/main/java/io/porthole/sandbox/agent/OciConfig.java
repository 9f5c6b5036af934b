package io.porthole.sandbox.agent;

import io.porthole.sandbox.agentprotocol.grpc.Hook;
import io.porthole.sandbox.agentprotocol.grpc.Hooks;
import io.porthole.sandbox.agentprotocol.grpc.Linux;
import io.porthole.sandbox.agentprotocol.grpc.LinuxCapabilities;
import io.porthole.sandbox.agentprotocol.grpc.LinuxDevice;
import io.porthole.sandbox.agentprotocol.grpc.LinuxIDMapping;
import io.porthole.sandbox.agentprotocol.grpc.LinuxNamespace;
import io.porthole.sandbox.agentprotocol.grpc.LinuxSeccomp;
import io.porthole.sandbox.agentprotocol.grpc.LinuxSeccompArg;
import io.porthole.sandbox.agentprotocol.grpc.LinuxSyscall;
import io.porthole.sandbox.agentprotocol.grpc.Mount;
import io.porthole.sandbox.agentprotocol.grpc.POSIXRlimit;
import io.porthole.sandbox.agentprotocol.grpc.Process;
import io.porthole.sandbox.agentprotocol.grpc.Spec;
import java.util.List;

/** The protobuf form of the OCI runtime specification as the config.json that crun reads. */
final class OciConfig {
    private OciConfig() {}

    static String config(Spec spec) {
        JsonWriter json = new JsonWriter().beginObject();
        json.name("ociVersion").value(spec.getVersion().isEmpty() ? "1.0.2" : spec.getVersion());
        if (spec.hasProcess()) {
            json.name("process");
            process(json, spec.getProcess());
        }
        if (spec.hasRoot()) {
            json.name("root").beginObject();
            json.member("path", spec.getRoot().getPath());
            json.member("readonly", spec.getRoot().getReadonly());
            json.endObject();
        }
        json.member("hostname", spec.getHostname());
        mounts(json, spec.getMountsList());
        if (spec.hasHooks()) {
            hooks(json, spec.getHooks());
        }
        json.member("annotations", spec.getAnnotationsMap());
        if (spec.hasLinux()) {
            json.name("linux");
            linux(json, spec.getLinux());
        }
        return json.endObject().toString();
    }

    /** The file that {@code crun exec --process} reads. */
    static String process(Process process) {
        JsonWriter json = new JsonWriter();
        process(json, process);
        return json.toString();
    }

    private static void process(JsonWriter json, Process process) {
        json.beginObject();
        json.member("terminal", process.getTerminal());
        if (process.hasConsoleSize()) {
            json.name("consoleSize").beginObject();
            json.name("height").value(process.getConsoleSize().getHeight());
            json.name("width").value(process.getConsoleSize().getWidth());
            json.endObject();
        }
        json.name("user").beginObject();
        json.name("uid").value(process.getUser().getUID() & 0xffff_ffffL);
        json.name("gid").value(process.getUser().getGID() & 0xffff_ffffL);
        if (process.getUser().getAdditionalGidsCount() > 0) {
            json.name("additionalGids").beginArray();
            for (int gid : process.getUser().getAdditionalGidsList()) {
                json.value(gid & 0xffff_ffffL);
            }
            json.endArray();
        }
        json.endObject();
        json.member("args", process.getArgsList());
        json.member("env", process.getEnvList());
        json.name("cwd").value(process.getCwd().isEmpty() ? "/" : process.getCwd());
        if (process.hasCapabilities()) {
            LinuxCapabilities capabilities = process.getCapabilities();
            json.name("capabilities").beginObject();
            json.member("bounding", capabilities.getBoundingList());
            json.member("effective", capabilities.getEffectiveList());
            json.member("inheritable", capabilities.getInheritableList());
            json.member("permitted", capabilities.getPermittedList());
            json.member("ambient", capabilities.getAmbientList());
            json.endObject();
        }
        if (process.getRlimitsCount() > 0) {
            json.name("rlimits").beginArray();
            for (POSIXRlimit limit : process.getRlimitsList()) {
                json.beginObject().member("type", limit.getType());
                json.name("hard").unsigned(limit.getHard());
                json.name("soft").unsigned(limit.getSoft());
                json.endObject();
            }
            json.endArray();
        }
        json.member("noNewPrivileges", process.getNoNewPrivileges());
        json.member("apparmorProfile", process.getApparmorProfile());
        json.member("oomScoreAdj", process.getOOMScoreAdj());
        json.member("selinuxLabel", process.getSelinuxLabel());
        json.endObject();
    }

    private static void mounts(JsonWriter json, List<Mount> mounts) {
        if (mounts.isEmpty()) {
            return;
        }
        json.name("mounts").beginArray();
        for (Mount mount : mounts) {
            json.beginObject();
            json.member("destination", mount.getDestination());
            json.member("type", mount.getType());
            json.member("source", mount.getSource());
            json.member("options", mount.getOptionsList());
            json.endObject();
        }
        json.endArray();
    }

    private static void hooks(JsonWriter json, Hooks hooks) {
        json.name("hooks").beginObject();
        hooks(json, "prestart", hooks.getPrestartList());
        hooks(json, "createRuntime", hooks.getCreateRuntimeList());
        hooks(json, "createContainer", hooks.getCreateContainerList());
        hooks(json, "startContainer", hooks.getStartContainerList());
        hooks(json, "poststart", hooks.getPoststartList());
        hooks(json, "poststop", hooks.getPoststopList());
        json.endObject();
    }

    private static void hooks(JsonWriter json, String name, List<Hook> hooks) {
        if (hooks.isEmpty()) {
            return;
        }
        json.name(name).beginArray();
        for (Hook hook : hooks) {
            json.beginObject();
            json.member("path", hook.getPath());
            json.member("args", hook.getArgsList());
            json.member("env", hook.getEnvList());
            json.member("timeout", hook.getTimeout());
            json.endObject();
        }
        json.endArray();
    }

    private static void linux(JsonWriter json, Linux linux) {
        json.beginObject();
        mappings(json, "uidMappings", linux.getUIDMappingsList());
        mappings(json, "gidMappings", linux.getGIDMappingsList());
        json.member("sysctl", linux.getSysctlMap());
        if (linux.hasResources()) {
            json.name("resources");
            OciResources.write(json, linux.getResources());
        }
        json.member("cgroupsPath", linux.getCgroupsPath());
        if (linux.getNamespacesCount() > 0) {
            json.name("namespaces").beginArray();
            for (LinuxNamespace namespace : linux.getNamespacesList()) {
                json.beginObject();
                json.member("type", namespace.getType());
                json.member("path", namespace.getPath());
                json.endObject();
            }
            json.endArray();
        }
        if (linux.getDevicesCount() > 0) {
            json.name("devices").beginArray();
            for (LinuxDevice device : linux.getDevicesList()) {
                device(json, device);
            }
            json.endArray();
        }
        if (linux.hasSeccomp()) {
            seccomp(json, linux.getSeccomp());
        }
        json.member("rootfsPropagation", linux.getRootfsPropagation());
        json.member("maskedPaths", linux.getMaskedPathsList());
        json.member("readonlyPaths", linux.getReadonlyPathsList());
        json.member("mountLabel", linux.getMountLabel());
        json.endObject();
    }

    private static void mappings(JsonWriter json, String name, List<LinuxIDMapping> mappings) {
        if (mappings.isEmpty()) {
            return;
        }
        json.name(name).beginArray();
        for (LinuxIDMapping mapping : mappings) {
            json.beginObject();
            json.name("containerID").value(mapping.getContainerID() & 0xffff_ffffL);
            json.name("hostID").value(mapping.getHostID() & 0xffff_ffffL);
            json.name("size").value(mapping.getSize() & 0xffff_ffffL);
            json.endObject();
        }
        json.endArray();
    }

    private static void device(JsonWriter json, LinuxDevice device) {
        json.beginObject();
        json.member("path", device.getPath());
        json.member("type", device.getType());
        // Numbers of 0 mean something here: a device without them is refused.
        json.name("major").value(device.getMajor());
        json.name("minor").value(device.getMinor());
        json.member("fileMode", device.getFileMode());
        json.name("uid").value(device.getUID() & 0xffff_ffffL);
        json.name("gid").value(device.getGID() & 0xffff_ffffL);
        json.endObject();
    }

    private static void seccomp(JsonWriter json, LinuxSeccomp seccomp) {
        json.name("seccomp").beginObject();
        json.member("defaultAction", seccomp.getDefaultAction());
        json.member("architectures", seccomp.getArchitecturesList());
        json.member("flags", seccomp.getFlagsList());
        if (seccomp.getSyscallsCount() > 0) {
            json.name("syscalls").beginArray();
            for (LinuxSyscall call : seccomp.getSyscallsList()) {
                json.beginObject();
                json.member("names", call.getNamesList());
                json.member("action", call.getAction());
                if (call.hasErrnoret()) {
                    json.name("errnoRet").value(call.getErrnoret());
                }
                seccompArguments(json, call.getArgsList());
                json.endObject();
            }
            json.endArray();
        }
        json.endObject();
    }

    private static void seccompArguments(JsonWriter json, List<LinuxSeccompArg> arguments) {
        if (arguments.isEmpty()) {
            return;
        }
        json.name("args").beginArray();
        for (LinuxSeccompArg argument : arguments) {
            json.beginObject();
            json.name("index").value(argument.getIndex());
            json.name("value").unsigned(argument.getValue());
            json.unsignedMember("valueTwo", argument.getValueTwo());
            json.member("op", argument.getOp());
            json.endObject();
        }
        json.endArray();
    }
}
