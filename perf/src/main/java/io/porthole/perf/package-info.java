/**
 * Measures virtiofs daemons from outside: a load driver that plays VMM and guest driver in this
 * process (no VM), a side-by-side comparison of several daemons with a report, and JMH benchmarks
 * of the inner loops.
 *
 * <p>What makes the figures honest: the daemons take turns within each row and round; the driver
 * polls on a processor of its own; requests lie in guest memory before they are needed, and nothing
 * is allocated per request; warm-up is outside the window; every reply is checked, and one wrong
 * reply fails the run. Processor time per operation, read from the scheduler's own account of all
 * threads of the daemon, is the figure to trust; throughput and latency spread more.
 *
 * <p><b>Threading.</b> One thread drives a {@link io.porthole.perf.Session} and everything below
 * it.
 *
 * <p><b>Ownership.</b> A {@link io.porthole.perf.Target} owns its daemon's process and its session;
 * the session owns the guest memory. Closing the target ends both.
 */
@NullMarked
package io.porthole.perf;

import org.jspecify.annotations.NullMarked;
