package io.porthole.vhostuser;

/** The connection to a front-end, as a device sees it. Safe for use by any thread. */
public interface FrontendLink {
    /** The protocol features both ends agreed on (bits 1 &lt;&lt; VhostUser.PF_...), so far. */
    long protocolFeatures();

    /** The front-end's shared memory regions; see {@link SharedMemory#available}. */
    SharedMemory sharedMemory();

    /** Ends the connection. Returns at once; {@link VhostUserDevice#disconnected} follows. */
    void close();
}
