/**
 * How a guest reaches a network: not at all, through a user-mode stack, or in place of the
 * interfaces of a given network namespace.
 */
@NullMarked
package io.porthole.sandbox.orchestrator.network;

import org.jspecify.annotations.NullMarked;
