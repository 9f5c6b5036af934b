/**
 * Real guests against the real daemon: starts {@code virtiofsd} and QEMU as processes, talks to a
 * Linux guest over a virtio-serial port, and compares what the guest did with what the host finds
 * in the shared directory.
 *
 * <p>{@link io.porthole.virtiofsd.guest.GuestVm} and {@link
 * io.porthole.virtiofsd.guest.VirtiofsdProcess} own the processes, sockets and folders they make
 * and end them on close. Both are used from one thread. Everything needed (QEMU, kernels, guest
 * images) comes from the cache that {@code dev/setup} fills; {@link
 * io.porthole.virtiofsd.guest.Rig} finds it, and fails when it is not there.
 */
@NullMarked
package io.porthole.virtiofsd.guest;

import org.jspecify.annotations.NullMarked;
