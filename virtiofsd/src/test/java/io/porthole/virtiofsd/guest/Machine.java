package io.porthole.virtiofsd.guest;

import java.util.ArrayList;
import java.util.List;

/** One of the machines a test runs on. */
record Machine(GuestKernel kernel, Qemu qemu, int requestQueues) {
    /** Every kernel under every QEMU with one and with four request queues. */
    static List<Machine> all() {
        List<Machine> machines = new ArrayList<>();
        for (GuestKernel kernel : GuestKernel.values()) {
            for (Qemu qemu : Qemu.values()) {
                machines.add(new Machine(kernel, qemu, 1));
                machines.add(new Machine(kernel, qemu, 4));
            }
        }
        return machines;
    }

    /** Two that together have both of everything: for long tests. */
    static List<Machine> pair() {
        return List.of(
                new Machine(GuestKernel.LINUX_6_1, Qemu.V7_2, 1),
                new Machine(GuestKernel.LINUX_7, Qemu.V11_1, 4));
    }

    @Override
    public String toString() {
        return kernel + ", " + qemu + ", request queues: " + requestQueues;
    }
}
