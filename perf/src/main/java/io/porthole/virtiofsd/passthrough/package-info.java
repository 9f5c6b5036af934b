/** Benchmarks of the daemon's tables, which are visible in their package only. */
@NullMarked
package io.porthole.virtiofsd.passthrough;

import org.jspecify.annotations.NullMarked;
