/**
 * The {@code porthole} command line. Each command is a class; what several share is in mixins. Exit
 * codes are docker's: 125 for an error of porthole, 126 and 127 for a program that cannot be
 * executed or does not exist, else the container's own.
 */
@NullMarked
package io.porthole.sandbox.orchestrator.cli;

import org.jspecify.annotations.NullMarked;
