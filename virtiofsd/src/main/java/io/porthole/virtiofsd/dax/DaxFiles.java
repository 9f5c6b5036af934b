package io.porthole.virtiofsd.dax;

import io.porthole.linux.SyscallException;

/** The share, as far as the mapper needs it. Called on the mapper's thread only. */
public interface DaxFiles {
    /** Called first on the mapper's thread. */
    void mapperStarted() throws SyscallException;

    /** Called last on it. */
    void mapperStopped();

    /**
     * Opens a regular file for reading and writing.
     *
     * @return a descriptor, which the caller closes, or -errno: -ESTALE where the guest does not
     *     know it, -ENODEV where it is no regular file
     */
    long open(long nodeId);
}
