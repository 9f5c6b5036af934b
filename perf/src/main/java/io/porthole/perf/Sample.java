package io.porthole.perf;

/**
 * One daemon's turn at a row.
 *
 * @param opsPerSecond operations completed in the window
 * @param cpuNanosPerOp of all threads of the daemon
 * @param switchesPerOp context switches of all threads of the daemon
 * @param p50Nanos half of the operations took no longer; the others accordingly
 * @param driverBusy share of the window in which the driver was not waiting for the daemon: near 1,
 *     the driver is the limit
 * @param kicksPerOp how often the driver had to wake the daemon
 */
record Sample(
        String row,
        String target,
        int round,
        double opsPerSecond,
        double cpuNanosPerOp,
        double switchesPerOp,
        long p50Nanos,
        long p99Nanos,
        long p999Nanos,
        long maxNanos,
        double driverBusy,
        double kicksPerOp) {}
