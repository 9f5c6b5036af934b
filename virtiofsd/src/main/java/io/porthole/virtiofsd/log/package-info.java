/**
 * The daemon's SLF4J provider: one line per event on standard error or to syslog, in a form that
 * needs neither time zone data nor a formatter library, because after the pivot into the shared
 * directory the JDK can open no more files, and because it lies on the start-up path.
 *
 * <p>Threading: any thread may log; a line is one write(2), so lines do not mix. Ownership: the
 * syslog socket belongs to the process and lives as long.
 */
@NullMarked
package io.porthole.virtiofsd.log;

import org.jspecify.annotations.NullMarked;
