/**
 * JMH benchmarks of the inner loops, run by {@code dev/jmh} with the gc profiler: a request path
 * allocates nothing. Benchmarks are driven by JMH's threads; each state object belongs to one.
 */
@NullMarked
package io.porthole.perf.jmh;

import org.jspecify.annotations.NullMarked;
