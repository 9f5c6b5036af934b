/**
 * The {@code porthole} command: boots sandboxes, shares directories into them, runs containers.
 *
 * <p>Layers, each calling only those to its right: {@code cli} (commands and terminal), {@code
 * monitor} (the background process of one sandbox and its socket), {@code sandbox} (life of a
 * sandbox and its containers), then the parts it is made of: {@code hypervisor}, {@code share},
 * {@code network}, {@code image}, {@code state}, {@code config}, {@code process}.
 */
@NullMarked
package io.porthole.sandbox.orchestrator;

import org.jspecify.annotations.NullMarked;
