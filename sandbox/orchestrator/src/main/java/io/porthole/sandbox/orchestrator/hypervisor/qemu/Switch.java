package io.porthole.sandbox.orchestrator.hypervisor.qemu;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * One switch of QEMU's command line (qemu(1)). {@link #arguments} gives the words for it; a comma
 * inside a value is doubled, as QEMU's option parser wants it.
 */
sealed interface Switch {
    List<String> arguments();

    /** {@code -M TYPE,...}. */
    record Machine(String type, Map<String, String> properties) implements Switch {
        @Override
        public List<String> arguments() {
            return List.of("-M", options(type, properties));
        }
    }

    /** {@code -accel NAME,...}. */
    record Accel(String name, Map<String, String> properties) implements Switch {
        @Override
        public List<String> arguments() {
            return List.of("-accel", options(name, properties));
        }
    }

    /** {@code -cpu MODEL}. */
    record Cpu(String model) implements Switch {
        @Override
        public List<String> arguments() {
            return List.of("-cpu", model);
        }
    }

    /** {@code -smp N}. */
    record Smp(int processors) implements Switch {
        @Override
        public List<String> arguments() {
            return List.of("-smp", Integer.toString(processors));
        }
    }

    /**
     * {@code -m SIZE[,maxmem=...]}.
     *
     * @param deviceBytes room for memory devices beside the guest's memory, or 0
     */
    record Memory(long bytes, long deviceBytes) implements Switch {
        @Override
        public List<String> arguments() {
            String size = (bytes >> 20) + "M";
            return List.of(
                    "-m",
                    deviceBytes == 0
                            ? size
                            : "size="
                                    + size
                                    + ",slots=1,maxmem="
                                    + ((bytes + deviceBytes) >> 20)
                                    + "M");
        }
    }

    /** {@code -object memory-backend-memfd}: guest memory that vhost-user daemons can map. */
    record MemfdBackend(String id, long bytes) implements Switch {
        @Override
        public List<String> arguments() {
            return List.of(
                    "-object",
                    "memory-backend-memfd,id=" + id + ",size=" + (bytes >> 20) + "M,share=on");
        }
    }

    /** {@code -object memory-backend-file}: a file as read-only memory, for a pmem device. */
    record FileBackend(String id, Path file, long bytes) implements Switch {
        @Override
        public List<String> arguments() {
            return List.of(
                    "-object",
                    "memory-backend-file,id="
                            + id
                            + ",mem-path="
                            + escape(file.toString())
                            + ",size="
                            + bytes
                            + ",share=on,readonly=on");
        }
    }

    /** {@code -chardev socket}, QEMU listening and not waiting, or connecting. */
    record SocketChardev(String id, Path path, boolean server) implements Switch {
        @Override
        public List<String> arguments() {
            String base = "socket,id=" + id + ",path=" + escape(path.toString());
            return List.of("-chardev", server ? base + ",server=on,wait=off" : base);
        }
    }

    /** {@code -chardev stdio}: QEMU's own standard input and output. */
    record StdioChardev(String id) implements Switch {
        @Override
        public List<String> arguments() {
            return List.of("-chardev", "stdio,id=" + id + ",signal=off");
        }
    }

    /** {@code -serial chardev:ID}: the guest's first serial port. */
    record Serial(String chardev) implements Switch {
        @Override
        public List<String> arguments() {
            return List.of("-serial", "chardev:" + chardev);
        }
    }

    /** {@code -mon}: a QMP monitor on a character device. */
    record QmpMonitor(String chardev) implements Switch {
        @Override
        public List<String> arguments() {
            return List.of("-mon", "chardev=" + chardev + ",mode=control");
        }
    }

    /** {@code -device DRIVER,...}. */
    record Device(String driver, Map<String, String> properties) implements Switch {
        @Override
        public List<String> arguments() {
            return List.of("-device", options(driver, properties));
        }
    }

    /** {@code -netdev TYPE,...}. Properties may repeat (hostfwd), hence the list. */
    record Netdev(String type, List<Map.Entry<String, String>> properties) implements Switch {
        @Override
        public List<String> arguments() {
            StringBuilder text = new StringBuilder(type);
            properties.forEach(p ->
                    text.append(',').append(p.getKey()).append('=').append(escape(p.getValue())));
            return List.of("-netdev", text.toString());
        }
    }

    /** {@code -blockdev} of a read-only raw file. */
    record ReadOnlyFile(String nodeName, Path file) implements Switch {
        @Override
        public List<String> arguments() {
            return List.of(
                    "-blockdev",
                    "driver=raw,node-name="
                            + nodeName
                            + ",read-only=on,file.driver=file,file.filename="
                            + escape(file.toString()));
        }
    }

    /** {@code -bios FILE}: a path, or a name in QEMU's data folder. */
    record Firmware(String file) implements Switch {
        @Override
        public List<String> arguments() {
            return List.of("-bios", file);
        }
    }

    /** {@code -kernel FILE}. */
    record Kernel(Path file) implements Switch {
        @Override
        public List<String> arguments() {
            return List.of("-kernel", file.toString());
        }
    }

    /** {@code -initrd FILE}. */
    record Initrd(Path file) implements Switch {
        @Override
        public List<String> arguments() {
            return List.of("-initrd", file.toString().replace(",", ",,"));
        }
    }

    /** {@code -append WORDS}. */
    record Append(List<String> parameters) implements Switch {
        @Override
        public List<String> arguments() {
            return List.of("-append", String.join(" ", parameters));
        }
    }

    /** {@code -name NAME,process=...}. */
    record Name(String name) implements Switch {
        @Override
        public List<String> arguments() {
            return List.of("-name", "porthole-" + name);
        }
    }

    /** Switches without a value. */
    enum Flag implements Switch {
        NO_DEFAULTS("-nodefaults"),
        NO_USER_CONFIG("-no-user-config"),
        NO_REBOOT("-no-reboot");

        private final String word;

        Flag(String word) {
            this.word = word;
        }

        @Override
        public List<String> arguments() {
            return List.of(word);
        }
    }

    /** {@code -display none}. */
    record Display(String kind) implements Switch {
        @Override
        public List<String> arguments() {
            return List.of("-display", kind);
        }
    }

    /** {@code -sandbox on,...}: QEMU's own seccomp filter. */
    record Sandbox() implements Switch {
        @Override
        public List<String> arguments() {
            return List.of(
                    "-sandbox",
                    "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny");
        }
    }

    private static String options(String head, Map<String, String> properties) {
        List<String> parts = new ArrayList<>(List.of(head));
        properties.forEach((key, value) -> parts.add(key + "=" + escape(value)));
        return String.join(",", parts);
    }

    private static String escape(String value) {
        return value.replace(",", ",,");
    }
}
