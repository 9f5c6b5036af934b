/**
 * vhost-user devices in Java: the protocol's both ends, guest memory and split virtqueues.
 *
 * <p>Knows nothing of files, FUSE or any other device: a device implements {@link
 * io.porthole.vhostuser.VhostUserDevice} and {@link io.porthole.vhostuser.QueueHandler}, and {@link
 * io.porthole.vhostuser.VhostUserServer} serves it. {@link io.porthole.vhostuser.VhostUserFrontend}
 * is the other end, a VMM and guest driver in one process, for tests and load drivers.
 *
 * <p><b>Sources.</b> "vhost-user" means QEMU's specification of that protocol, "VIRTIO 1.3" OASIS'
 * specification; references are by section.
 *
 * <p><b>Threads.</b> One control thread reads the socket and answers messages; each running
 * virtqueue has a platform thread of its own, which alone touches its ring and runs its handler.
 * The control thread changes a ring only while that ring's thread is stopped (a handshake in {@code
 * QueueWorker}). Other threads reach a queue only by {@link
 * io.porthole.vhostuser.Detached#complete}.
 *
 * <p><b>Ownership.</b> Received descriptors are wrapped at once and closed in every error path; a
 * memory region's descriptor is closed as soon as the region is mapped. Guest memory is an
 * immutable snapshot; a replaced snapshot is unmapped when the last queue has left it, never
 * before.
 *
 * <p><b>Trust.</b> The guest writes rings and descriptors and may write anything, at any time:
 * every word is fetched once, checked, and named as a {@link io.porthole.vhostuser.QueueFault} when
 * bad. The front-end is trusted with our memory (it passes descriptors), but its messages are
 * checked in the same way and end at worst the connection.
 */
@NullMarked
package io.porthole.vhostuser;

import org.jspecify.annotations.NullMarked;
