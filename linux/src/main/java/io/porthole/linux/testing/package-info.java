/**
 * Substitutes of {@link io.porthole.linux.Syscalls} for tests, here and in the modules above.
 *
 * <p>Safe for use by many threads; owns nothing.
 */
@NullMarked
package io.porthole.linux.testing;

import org.jspecify.annotations.NullMarked;
