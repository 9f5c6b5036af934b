/**
 * A FUSE transport without a transport, for the tests of this module and, as a test-jar, of others:
 * requests are built as bytes, served through an {@link io.porthole.fuse.testing.InMemoryExchange},
 * and looked at as bytes. Nothing here is safe for use by several threads.
 */
@NullMarked
package io.porthole.fuse.testing;

import org.jspecify.annotations.NullMarked;
