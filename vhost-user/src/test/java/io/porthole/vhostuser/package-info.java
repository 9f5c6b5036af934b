/** Tests of both ends of vhost-user, mostly against each other. */
@NullMarked
package io.porthole.vhostuser;

import org.jspecify.annotations.NullMarked;
