/**
 * QEMU: its command line as types, its control protocol (QMP), and the machine that joins them.
 *
 * <p>{@link io.porthole.sandbox.orchestrator.hypervisor.qemu.Switch} is one type per switch, {@link
 * io.porthole.sandbox.orchestrator.hypervisor.qemu.QemuCommandLine} says which switches a machine
 * needs and why, {@link io.porthole.sandbox.orchestrator.hypervisor.qemu.QmpClient} speaks to the
 * running process.
 */
@NullMarked
package io.porthole.sandbox.orchestrator.hypervisor.qemu;

import org.jspecify.annotations.NullMarked;
