package io.porthole.fuse;

import static io.porthole.linux.Errno.EINVAL;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;

import java.lang.foreign.MemorySegment;

/**
 * Decodes the extensions that a request which creates an inode carries behind its names: security
 * contexts and a supplementary group. fuse.h 7.45, struct fuse_ext_header.
 */
final class Extensions {
    private Extensions() {}

    /**
     * Reads {@code [at, end)} of the scratch memory into {@code r}. Extensions of unknown type are
     * passed over.
     *
     * @return 0, or -EINVAL if a length lies, or if there is more than one context or group
     */
    static long decode(Request r, MemorySegment in, int at, int end) {
        while (at < end) {
            if (end - at < FuseExtHeader.BYTES) {
                return -EINVAL;
            }
            long bytes = Integer.toUnsignedLong(FuseExtHeader.size(in, at));
            if (bytes < FuseExtHeader.BYTES || bytes > end - at) {
                return -EINVAL;
            }
            int type = FuseExtHeader.type(in, at);
            int body = at + FuseExtHeader.BYTES;
            int bodyEnd = at + (int) bytes;
            long error = 0;
            if (type >= 0 && type <= FuseExtHeader.FUSE_MAX_NR_SECCTX) {
                error = securityContext(r, in, body, bodyEnd, type);
            } else if (type == FuseExtHeader.FUSE_EXT_GROUPS) {
                error = supplementaryGroup(r, in, body, bodyEnd);
            }
            if (error < 0) {
                return error;
            }
            at += ((int) bytes + 7) & ~7;
        }
        return 0;
    }

    private static long securityContext(Request r, MemorySegment in, int at, int end, int count) {
        if (count == 0) {
            return 0;
        }
        if (count > 1 || end - at < FuseSecctx.BYTES) {
            return -EINVAL;
        }
        long valueBytes = Integer.toUnsignedLong(FuseSecctx.size(in, at));
        int nameAt = at + FuseSecctx.BYTES;
        int nul = nameAt;
        while (nul < end && in.get(JAVA_BYTE, nul) != 0) {
            nul++;
        }
        int nameBytes = nul - nameAt;
        if (nul == end || nameBytes == 0 || nameBytes > Arguments.NAME_MAX) {
            return -EINVAL;
        }
        if (valueBytes > end - (nul + 1)) {
            return -EINVAL;
        }
        r.securityContext(nameAt, nameBytes, nul + 1, (int) valueBytes);
        return 0;
    }

    private static long supplementaryGroup(Request r, MemorySegment in, int at, int end) {
        if (end - at < FuseSuppGroups.BYTES) {
            return -EINVAL;
        }
        int count = FuseSuppGroups.nrGroups(in, at);
        if (count == 0) {
            return 0;
        }
        if (count != 1 || end - at < FuseSuppGroups.BYTES + Integer.BYTES) {
            return -EINVAL;
        }
        r.supplementaryGroup(in.get(JAVA_INT_UNALIGNED, at + FuseSuppGroups.BYTES));
        return 0;
    }
}
