/**
 * Linux for the rest of Porthole: the only package that calls native code.
 *
 * <p>{@link io.porthole.linux.Syscalls} is the kernel; its calls are written once, and three
 * bindings can make them (docs/adr/0008, 0017). Around it stand owned resources ({@link
 * io.porthole.linux.Fd} and others, all AutoCloseable and idempotent), and the C structures that
 * the calls take, as static accessors over (segment, offset).
 *
 * <p><b>Threading.</b> {@code Syscalls} is safe for many threads. Owned resources may be closed by
 * any thread, once; a caller that closes while another thread is inside a call on the same
 * descriptor has to order the two itself, since the number can be reused at once.
 *
 * <p><b>Ownership.</b> Whoever opens closes. Addresses passed to {@code Syscalls} stay the
 * caller's.
 */
@NullMarked
package io.porthole.linux;

import org.jspecify.annotations.NullMarked;
