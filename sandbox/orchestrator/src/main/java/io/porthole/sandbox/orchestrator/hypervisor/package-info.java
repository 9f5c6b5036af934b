/**
 * The few things the sandbox asks of a hypervisor, in types that name no hypervisor.
 *
 * <p>{@link io.porthole.sandbox.orchestrator.hypervisor.Hypervisor} starts a {@link
 * io.porthole.sandbox.orchestrator.hypervisor.VirtualMachine} from a {@link
 * io.porthole.sandbox.orchestrator.hypervisor.VmConfig}; the machine reports what happens to it to
 * a listener and ends with one {@link io.porthole.sandbox.orchestrator.hypervisor.VmEnd}. QEMU is
 * the first implementation; Cloud Hypervisor and Firecracker have the same shape behind a REST
 * socket.
 *
 * <p>Threads: all methods may be called from any thread and block until done; listeners are called
 * on a thread of the machine and must not block. Ownership: whoever started a machine stops or
 * closes it; closing ends the hypervisor's process and removes the sockets it made.
 */
@NullMarked
package io.porthole.sandbox.orchestrator.hypervisor;

import org.jspecify.annotations.NullMarked;
