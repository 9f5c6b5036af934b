/**
 * Figures of what the daemon does: counted on the request path, told as Prometheus text.
 *
 * <p>Counting: each queue has {@link io.porthole.virtiofsd.metrics.RequestCounters} of its own,
 * plain arrays that only its thread writes. No lock, no atomic, no allocation but one row for an
 * operation that is met first. Whoever reads adds the queues up and may see values that are a
 * moment old.
 *
 * <p>Telling: {@link io.porthole.virtiofsd.metrics.MetricsPage} makes the text on the thread of the
 * server that was asked, from {@link io.porthole.virtiofsd.metrics.ShareView}s.
 */
@NullMarked
package io.porthole.virtiofsd.metrics;

import org.jspecify.annotations.NullMarked;
