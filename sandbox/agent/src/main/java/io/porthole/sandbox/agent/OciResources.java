package io.porthole.sandbox.agent;

import io.porthole.sandbox.agentprotocol.grpc.LinuxBlockIO;
import io.porthole.sandbox.agentprotocol.grpc.LinuxCPU;
import io.porthole.sandbox.agentprotocol.grpc.LinuxDeviceCgroup;
import io.porthole.sandbox.agentprotocol.grpc.LinuxHugepageLimit;
import io.porthole.sandbox.agentprotocol.grpc.LinuxMemory;
import io.porthole.sandbox.agentprotocol.grpc.LinuxResources;
import io.porthole.sandbox.agentprotocol.grpc.LinuxThrottleDevice;
import io.porthole.sandbox.agentprotocol.grpc.LinuxWeightDevice;
import java.util.List;

/**
 * The {@code resources} object of config.json, which {@code crun update} reads as well. What only
 * cgroup v1 has (kernel memory, swappiness, real-time, network classes) is left out: the guest has
 * cgroup2 alone.
 */
final class OciResources {
    private static final long ALL_DEVICES = -1;

    private OciResources() {}

    static String json(LinuxResources resources) {
        JsonWriter json = new JsonWriter();
        write(json, resources);
        return json.toString();
    }

    static void write(JsonWriter json, LinuxResources resources) {
        json.beginObject();
        devices(json, resources.getDevicesList());
        if (resources.hasMemory()) {
            memory(json, resources.getMemory());
        }
        if (resources.hasCPU()) {
            cpu(json, resources.getCPU());
        }
        if (resources.hasPids() && resources.getPids().getLimit() != 0) {
            json.name("pids").beginObject();
            json.name("limit").value(resources.getPids().getLimit()).endObject();
        }
        if (resources.hasBlockIO()) {
            blockIo(json, resources.getBlockIO());
        }
        if (resources.getHugepageLimitsCount() > 0) {
            json.name("hugepageLimits").beginArray();
            for (LinuxHugepageLimit limit : resources.getHugepageLimitsList()) {
                json.beginObject().member("pageSize", limit.getPagesize());
                json.name("limit").unsigned(limit.getLimit()).endObject();
            }
            json.endArray();
        }
        json.endObject();
    }

    private static void devices(JsonWriter json, List<LinuxDeviceCgroup> devices) {
        if (devices.isEmpty()) {
            return;
        }
        json.name("devices").beginArray();
        for (LinuxDeviceCgroup device : devices) {
            json.beginObject();
            json.name("allow").value(device.getAllow());
            json.member("type", device.getType());
            // A rule for all types names no device: zeroes there are protobuf's, not the caller's.
            boolean anyType = device.getType().isEmpty() || device.getType().equals("a");
            if (!anyType && device.getMajor() != ALL_DEVICES) {
                json.name("major").value(device.getMajor());
            }
            if (!anyType && device.getMinor() != ALL_DEVICES) {
                json.name("minor").value(device.getMinor());
            }
            json.member("access", device.getAccess());
            json.endObject();
        }
        json.endArray();
    }

    private static void memory(JsonWriter json, LinuxMemory memory) {
        json.name("memory").beginObject();
        json.member("limit", memory.getLimit());
        json.member("reservation", memory.getReservation());
        json.member("swap", memory.getSwap());
        json.endObject();
    }

    private static void cpu(JsonWriter json, LinuxCPU cpu) {
        json.name("cpu").beginObject();
        json.unsignedMember("shares", cpu.getShares());
        json.member("quota", cpu.getQuota());
        json.unsignedMember("period", cpu.getPeriod());
        json.member("cpus", cpu.getCpus());
        json.member("mems", cpu.getMems());
        json.endObject();
    }

    private static void blockIo(JsonWriter json, LinuxBlockIO io) {
        json.name("blockIO").beginObject();
        json.member("weight", io.getWeight());
        if (io.getWeightDeviceCount() > 0) {
            json.name("weightDevice").beginArray();
            for (LinuxWeightDevice device : io.getWeightDeviceList()) {
                json.beginObject();
                json.name("major").value(device.getMajor());
                json.name("minor").value(device.getMinor());
                json.member("weight", device.getWeight());
                json.endObject();
            }
            json.endArray();
        }
        throttle(json, "throttleReadBpsDevice", io.getThrottleReadBpsDeviceList());
        throttle(json, "throttleWriteBpsDevice", io.getThrottleWriteBpsDeviceList());
        throttle(json, "throttleReadIOPSDevice", io.getThrottleReadIOPSDeviceList());
        throttle(json, "throttleWriteIOPSDevice", io.getThrottleWriteIOPSDeviceList());
        json.endObject();
    }

    private static void throttle(JsonWriter json, String name, List<LinuxThrottleDevice> devices) {
        if (devices.isEmpty()) {
            return;
        }
        json.name(name).beginArray();
        for (LinuxThrottleDevice device : devices) {
            json.beginObject();
            json.name("major").value(device.getMajor());
            json.name("minor").value(device.getMinor());
            json.name("rate").unsigned(device.getRate());
            json.endObject();
        }
        json.endArray();
    }
}
