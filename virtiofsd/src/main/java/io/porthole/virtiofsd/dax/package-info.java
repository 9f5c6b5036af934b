/**
 * DAX: files of the share mapped into the guest's window, so that the guest reads and writes the
 * host's page cache without a request.
 *
 * <p>{@link io.porthole.virtiofsd.dax.DaxWindow} is what request threads see. {@link
 * io.porthole.virtiofsd.dax.Ranges} keeps what is mapped where; it belongs to one thread, the
 * mapper, on which all that waits for the front-end is done: a queue's thread never waits, because
 * the front-end stops queues before it answers. So SETUPMAPPING, REMOVEMAPPING, DESTROY and
 * whatever makes a mapped file longer are answered by the mapper.
 *
 * <p>Ownership: the window owns the mapper, the memory file of the {@linkplain
 * io.porthole.virtiofsd.dax.TailPages tail pages}, and every mapping that it asked for; they end
 * with the session, and the front-end's at the latest with the connection. docs/dax.md tells users
 * when to use it; ADR 16 why it is so.
 */
@NullMarked
package io.porthole.virtiofsd.dax;

import org.jspecify.annotations.NullMarked;
