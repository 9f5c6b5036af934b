/**
 * Deadlocks between shares: who waits for a fcntl(2) lock, and what they hold meanwhile.
 *
 * <p>A share sees the owners of its own guest only, and the kernel does not tell who holds
 * another's lock. So each owner that waits and holds something is written on a board ({@link
 * io.porthole.virtiofsd.lockboard.LockBoard}), a file that shares of one process, or of all
 * processes that are given the same file, have in common. Whoever writes there looks for a cycle
 * through its own record, so the one that closes it finds it, and only that one.
 *
 * <p>The file's content is hostile: another daemon may be in its guest's hands. It is read with
 * pread(2) into memory of this process and never mapped, because a mapped file that another process
 * cuts short ends its reader. What a liar can cause is an EDEADLK too many or one too few; never a
 * lock that does not hold. ADR 25 tells why it is so.
 *
 * <p>Threading: a board is safe for all threads. A {@link
 * io.porthole.virtiofsd.lockboard.BoardPlace} belongs to one share and is guarded by its caller. No
 * call waits for anybody: where another has the board, the answer is "later".
 *
 * <p>Ownership: whoever opens a board closes it, after the places on it.
 */
@NullMarked
package io.porthole.virtiofsd.lockboard;

import org.jspecify.annotations.NullMarked;
