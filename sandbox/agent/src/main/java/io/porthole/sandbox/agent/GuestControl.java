package io.porthole.sandbox.agent;

import io.porthole.sandbox.agentprotocol.grpc.AgentDetails;
import io.porthole.sandbox.agentprotocol.grpc.CopyFileRequest;
import io.porthole.sandbox.agentprotocol.grpc.GuestDetailsRequest;
import io.porthole.sandbox.agentprotocol.grpc.GuestDetailsResponse;
import io.porthole.sandbox.agentprotocol.grpc.NetworkStats;
import io.porthole.sandbox.agentprotocol.grpc.OnlineCPUMemRequest;
import io.porthole.sandbox.agentprotocol.grpc.VolumeStatsResponse;
import io.porthole.sandbox.agentprotocol.grpc.VolumeUsage;
import io.porthole.sandbox.agentprotocol.ttrpc.StatusCode;
import io.porthole.sandbox.agentprotocol.ttrpc.TtrpcException;
import java.io.File;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Calls about the guest itself: processors, memory, clock, random numbers, files. */
final class GuestControl {
    private static final long RNDADDENTROPY = 0x40085203;
    private static final int S_IFMT = 0170000;
    private static final int S_IFDIR = 0040000;
    private static final int S_IFLNK = 0120000;
    private static final Path MEMORY = Path.of("/sys/devices/system/memory");
    private static final Path CPUS = Path.of("/sys/devices/system/cpu");

    private GuestControl() {}

    static GuestDetailsResponse details(GuestDetailsRequest request, boolean init)
            throws IOException {
        GuestDetailsResponse.Builder details = GuestDetailsResponse.newBuilder();
        Path blockSize = MEMORY.resolve("block_size_bytes");
        if (request.getMemBlockSize() && Files.exists(blockSize)) {
            details.setMemBlockSizeBytes(
                    Long.parseUnsignedLong(Files.readString(blockSize).strip(), 16));
        }
        if (request.getMemHotplugProbe()) {
            details.setSupportMemHotplugProbe(Files.exists(MEMORY.resolve("probe")));
        }
        return details.setAgentDetails(
                        AgentDetails.newBuilder()
                                .setVersion(AgentService.VERSION)
                                .setInitDaemon(init)
                                .addDeviceHandlers("blk")
                                .addStorageHandlers("virtio-fs")
                                .addStorageHandlers("ephemeral")
                                .addStorageHandlers("local")
                                .addStorageHandlers("bind")
                                .addStorageHandlers("blk")
                                .addStorageHandlers("overlayfs")
                                .setSupportsSeccomp(true))
                .build();
    }

    /** Switches on what was plugged in. A processor that is on already has nothing to write. */
    static void online(OnlineCPUMemRequest request) throws IOException {
        long deadline = System.nanoTime() + 10_000_000_000L;
        while (true) {
            int on = onlineAll(CPUS, "cpu");
            if (!request.getCpuOnly()) {
                var _ = onlineAll(MEMORY, "memory");
            }
            if (!request.getWait() || on >= request.getNbCpus()) {
                return;
            }
            if (System.nanoTime() > deadline) {
                throw new TtrpcException(
                        StatusCode.DEADLINE_EXCEEDED,
                        "only " + on + " of " + request.getNbCpus() + " processors are online");
            }
            try {
                Thread.sleep(20);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return;
            }
        }
    }

    private static int onlineAll(Path folder, String prefix) throws IOException {
        File[] entries = folder.toFile().listFiles();
        int count = 0;
        if (entries == null) {
            return 0;
        }
        for (File entry : entries) {
            String name = entry.getName();
            if (!name.startsWith(prefix)
                    || name.length() == prefix.length()
                    || !Character.isDigit(name.charAt(prefix.length()))) {
                continue;
            }
            Path online = entry.toPath().resolve("online");
            if (!Files.exists(online)) {
                // The boot processor has no switch.
                count++;
                continue;
            }
            if (Files.readString(online).startsWith("0")) {
                Files.writeString(online, "1");
            }
            count++;
        }
        return count;
    }

    static void probeMemory(List<Long> addresses) throws IOException {
        for (long address : addresses) {
            Files.writeString(MEMORY.resolve("probe"), "0x" + Long.toHexString(address));
        }
    }

    static void setClock(long seconds, long micros) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment time = arena.allocate(16, 8);
            time.set(ValueLayout.JAVA_LONG, 0, seconds);
            time.set(ValueLayout.JAVA_LONG, 8, micros * 1000);
            int realtime = 0;
            check("clock_settime", Libc.callInt("clock_settime", realtime, time.address()));
        }
    }

    /** Credits the bytes as entropy (random(4)). */
    static void reseed(byte[] data) {
        int fd = Libc.open("/dev/random", Libc.O_WRONLY | Libc.O_CLOEXEC);
        check("/dev/random", fd);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment pool = arena.allocate(8L + data.length, 4);
            pool.set(ValueLayout.JAVA_INT, 0, data.length * 8);
            pool.set(ValueLayout.JAVA_INT, 4, data.length);
            MemorySegment.copy(data, 0, pool, ValueLayout.JAVA_BYTE, 8, data.length);
            check("RNDADDENTROPY", Libc.callInt("ioctl", fd, RNDADDENTROPY, pool.address()));
        } finally {
            var _ = Libc.close(fd);
        }
    }

    private static void check(String what, int result) {
        if (result < 0) {
            throw new TtrpcException(StatusCode.INTERNAL, what + ": " + Libc.describe(-result));
        }
    }

    /**
     * A part of a file, put together under a temporary name; or a directory, or a symbolic link.
     */
    static void copyFile(CopyFileRequest request) throws IOException {
        Path path = Path.of(request.getPath()).normalize();
        if (!path.startsWith(Sandbox.RUN) || path.equals(Sandbox.RUN)) {
            throw new TtrpcException(
                    StatusCode.INVALID_ARGUMENT,
                    "files can only be copied below " + Sandbox.RUN + ", not to " + path);
        }
        makeParents(path, request.getDirMode());
        int kind = request.getFileMode() & S_IFMT;
        int mode = request.getFileMode() & 07777;
        if (kind == S_IFDIR) {
            Files.createDirectories(path);
            setOwnerAndMode(path, request, mode);
            return;
        }
        if (kind == S_IFLNK) {
            Files.deleteIfExists(path);
            Files.createSymbolicLink(path, Path.of(request.getData().toStringUtf8()));
            check("lchown", Libc.chown(path.toString(), request.getUid(), request.getGid()));
            return;
        }
        Path part = path.resolveSibling(path.getFileName() + ".part");
        long size;
        try (RandomAccessFile file = new RandomAccessFile(part.toFile(), "rw")) {
            file.seek(request.getOffset());
            file.write(request.getData().toByteArray());
            size = file.length();
        }
        if (size < request.getFileSize()) {
            return;
        }
        setOwnerAndMode(part, request, mode);
        Files.move(part, path, java.nio.file.StandardCopyOption.ATOMIC_MOVE);
    }

    private static void setOwnerAndMode(Path path, CopyFileRequest request, int mode) {
        check("chown", Libc.chown(path.toString(), request.getUid(), request.getGid()));
        check("chmod", Libc.chmod(path.toString(), mode));
    }

    private static void makeParents(Path path, int mode) throws IOException {
        List<Path> missing = new ArrayList<>();
        for (Path parent = path.getParent();
                parent != null && !Files.exists(parent);
                parent = parent.getParent()) {
            missing.add(0, parent);
        }
        for (Path parent : missing) {
            Files.createDirectory(parent);
            if (mode != 0) {
                check("chmod", Libc.chmod(parent.toString(), mode & 07777));
            }
        }
    }

    static VolumeStatsResponse volumeStats(String path) throws IOException {
        FileStore store = Files.getFileStore(Path.of(path));
        long total = store.getTotalSpace();
        return VolumeStatsResponse.newBuilder()
                .addUsage(
                        VolumeUsage.newBuilder()
                                .setUnit(VolumeUsage.Unit.BYTES)
                                .setTotal(total)
                                .setAvailable(store.getUsableSpace())
                                .setUsed(total - store.getUnallocatedSpace()))
                .build();
    }

    /** The counters of /proc/net/dev, loopback left out. */
    static List<NetworkStats> networkStats() throws IOException {
        List<NetworkStats> all = new ArrayList<>();
        List<String> lines =
                Files.readAllLines(Path.of("/proc/net/dev"), StandardCharsets.US_ASCII);
        for (String line : lines.subList(2, lines.size())) {
            int colon = line.indexOf(':');
            String name = line.substring(0, colon).strip();
            String[] fields = line.substring(colon + 1).strip().split(" +", -1);
            if (name.equals("lo")) {
                continue;
            }
            all.add(
                    NetworkStats.newBuilder()
                            .setName(name)
                            .setRxBytes(Long.parseUnsignedLong(fields[0]))
                            .setRxPackets(Long.parseUnsignedLong(fields[1]))
                            .setRxErrors(Long.parseUnsignedLong(fields[2]))
                            .setRxDropped(Long.parseUnsignedLong(fields[3]))
                            .setTxBytes(Long.parseUnsignedLong(fields[8]))
                            .setTxPackets(Long.parseUnsignedLong(fields[9]))
                            .setTxErrors(Long.parseUnsignedLong(fields[10]))
                            .setTxDropped(Long.parseUnsignedLong(fields[11]))
                            .build());
        }
        return all;
    }

    /** Prometheus text. */
    static String metrics(int containers) throws IOException {
        StringBuilder text = new StringBuilder(512);
        gauge(text, "porthole_agent_containers", containers);
        String[] descriptors = new File("/proc/self/fd").list();
        gauge(
                text,
                "porthole_agent_open_descriptors",
                descriptors == null ? 0 : descriptors.length);
        status(text, "VmRSS:", "porthole_agent_resident_kibibytes", "/proc/self/status");
        status(
                text,
                "RssAnon:",
                "porthole_agent_resident_anonymous_kibibytes",
                "/proc/self/status");
        status(text, "Threads:", "porthole_agent_threads", "/proc/self/status");
        gauge(text, "porthole_guest_processes", processes());
        status(text, "MemTotal:", "porthole_guest_memory_total_kibibytes", "/proc/meminfo");
        status(text, "MemAvailable:", "porthole_guest_memory_available_kibibytes", "/proc/meminfo");
        return text.toString();
    }

    private static long processes() {
        String[] names = new File("/proc").list();
        long count = 0;
        for (String name : names == null ? new String[0] : names) {
            count += Character.isDigit(name.charAt(0)) ? 1 : 0;
        }
        return count;
    }

    private static void status(StringBuilder text, String key, String name, String file)
            throws IOException {
        for (String line : Files.readAllLines(Path.of(file), StandardCharsets.US_ASCII)) {
            if (line.startsWith(key)) {
                String[] words = line.substring(key.length()).strip().split(" ", -1);
                gauge(text, name, Long.parseLong(words[0]));
            }
        }
    }

    private static void gauge(StringBuilder text, String name, long value) {
        text.append("# TYPE ").append(name).append(" gauge\n");
        text.append(name).append(' ').append(value).append('\n');
    }
}
