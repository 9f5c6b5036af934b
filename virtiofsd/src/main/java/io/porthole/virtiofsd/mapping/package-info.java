/**
 * What a share shows under other names and numbers than the host: names of extended attributes and
 * user and group ids.
 *
 * <p>Purpose: the rules of {@code --xattrmap}, {@code --translate-uid} and {@code --translate-gid},
 * read once and then only looked up, and the check of those of {@code --uid-map}. Threading:
 * immutable. Ownership: none; nothing here calls the system.
 */
@NullMarked
package io.porthole.virtiofsd.mapping;

import org.jspecify.annotations.NullMarked;
