/**
 * The passthrough file system: a directory of the host, served to a guest that is not trusted.
 *
 * <p>Purpose: {@link io.porthole.virtiofsd.passthrough.PassthroughFileSystem} implements {@link
 * io.porthole.fuse.FileSystem} on {@link io.porthole.linux.Syscalls}. It knows no transport: the
 * same object serves virtqueues, /dev/fuse and tests.
 *
 * <p>Containment: no path with more than one component ever reaches the kernel. Every object is
 * named by a descriptor (O_PATH) that was reached from the share's root one name at a time with
 * O_NOFOLLOW, so neither a symbolic link nor ".." nor a rename on the host leads out. Data is
 * opened by the file handle of such a descriptor or through its /proc/self/fd/N, and only for
 * regular files and directories.
 *
 * <p>Threading: every request thread calls {@link
 * io.porthole.virtiofsd.passthrough.PassthroughFileSystem#threadStarted} once before its first
 * request, and then runs one request at a time; a virtqueue's calls {@link
 * io.porthole.virtiofsd.passthrough.PassthroughFileSystem#queueThreadStarted}, and says before it
 * waits that it {@link io.porthole.virtiofsd.passthrough.PassthroughFileSystem#threadRests rests}.
 * What the guest forgets or releases while another request uses it stays alive until that request
 * has ended ({@link io.porthole.virtiofsd.passthrough.Reclaimer}). Locks, in order: the advisory
 * locks' ({@link io.porthole.virtiofsd.passthrough.Locks}, under which the lock board's is tried
 * and never waited for), a directory stream's, then a slot table's, then the reclaimer's; none is
 * held across another request.
 *
 * <p>Ownership: the file system duplicates nothing that it is given; the two descriptors of the
 * constructor stay the caller's. It closes what it opened, at FORGET, RELEASE, DESTROY or close.
 */
@NullMarked
package io.porthole.virtiofsd.passthrough;

import org.jspecify.annotations.NullMarked;
