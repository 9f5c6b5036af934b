/**
 * The FUSE protocol as a server sees it: the ABI of fuse.h 7.45 (down to 7.27), decoding,
 * validation, dispatch and replies. Knows no transport and no files: a transport hands in an {@link
 * io.porthole.fuse.Exchange}, a {@link io.porthole.fuse.FileSystem} does the work, and {@link
 * io.porthole.fuse.FuseServer} stands between them.
 *
 * <p><b>Structs.</b> One class per C struct, whose offset constants transcribe the declaration,
 * each from the field before it, and whose static accessors take (segment, offset). They are
 * compile-time constants, not {@link java.lang.foreign.MemoryLayout}s: those cost tens of
 * milliseconds at start-up. A test checks them against what the C compiler says of the kernel's
 * header. Integers have the byte order of the host; unsigned 32-bit fields come as {@code int},
 * 16-bit ones zero-extended. Flags keep their C names and live with the field that carries them.
 *
 * <p><b>Trust.</b> Everything in a request is hostile. Header, arguments and names are copied once
 * into scratch memory and only then looked at; every length is checked against what was delivered
 * before it is used, every reply against the room there is for it.
 *
 * <p><b>Threading.</b> A {@link io.porthole.fuse.FuseServer} is shared by all request threads of a
 * session. An {@code Exchange} and its {@link io.porthole.fuse.Request} belong to one thread, which
 * reuses them; a {@code FileSystem} is called by all threads at once. INIT and DESTROY are
 * serialised among themselves, not against requests under way.
 *
 * <p><b>Ownership.</b> The transport owns the exchange and its memory, the server borrows both for
 * the time of one dispatch. Whoever builds the file system closes it; the server never does.
 *
 * <p><b>Errors.</b> {@code long >= 0} is a value, {@code < 0} is {@code -errno}. Nothing that a
 * peer sends, and nothing that a file system throws, comes out of dispatch as an exception.
 */
@NullMarked
package io.porthole.fuse;

import org.jspecify.annotations.NullMarked;
