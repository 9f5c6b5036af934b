/**
 * Joins the FUSE server to what carries requests: the virtio-fs device on vhost-user queues, or
 * /dev/fuse for a mount of this host.
 *
 * <p>Threading: a {@link io.porthole.virtiofsd.transport.QueueExchange} belongs to one queue's
 * thread; {@link io.porthole.virtiofsd.transport.VirtioFsDevice} is called as {@link
 * io.porthole.vhostuser.VhostUserDevice} says. Ownership: an exchange owns its scratch memory; the
 * device owns neither the server nor the file system, which outlive a connection.
 */
@NullMarked
package io.porthole.virtiofsd.transport;

import org.jspecify.annotations.NullMarked;
