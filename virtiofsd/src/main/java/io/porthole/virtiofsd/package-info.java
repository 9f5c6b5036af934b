/**
 * The daemon: {@link io.porthole.virtiofsd.Main} reads the command line, {@link
 * io.porthole.virtiofsd.Daemon} sets up, confines and serves one front-end, {@link
 * io.porthole.virtiofsd.Endpoint} owns the socket and the pid file.
 *
 * <p>Threading: the main thread does all of the set-up and then the vhost-user messages; requests
 * are served on one thread per virtqueue. Ownership: what the daemon opens lives until the process
 * ends, but files left on disk (socket, pid file) are removed on every orderly way out.
 */
@NullMarked
package io.porthole.virtiofsd;

import org.jspecify.annotations.NullMarked;
