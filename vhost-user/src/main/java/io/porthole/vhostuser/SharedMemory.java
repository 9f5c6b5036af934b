package io.porthole.vhostuser;

/**
 * A device's shared memory regions (VIRTIO 1.3 2.10) as the front-end maps them for the guest:
 * BACKEND_SHMEM_MAP and BACKEND_SHMEM_UNMAP.
 *
 * <p>Calls wait for the front-end, so they are for a thread that no control message waits for:
 * neither the control thread nor a queue's, because a front-end that stops the device answers
 * nothing before its GET_VRING_BASE is answered. From that message on until a queue runs again a
 * call waits and sends nothing: QEMU 11.1 crashes on a request for a stopped device. Several
 * threads may call; their requests go out one after the other.
 */
public interface SharedMemory {
    /**
     * Whether the front-end does this: SHMEM, BACKEND_REQ, REPLY_ACK and CONFIGURE_MEM_SLOTS are
     * agreed on, and the channel is there. Without memory slots QEMU 11.1 loses the device at the
     * ninth region.
     */
    boolean available();

    /**
     * Maps a piece of a file. When this returns 0 the guest can reach it: what QEMU does after its
     * acknowledgement is waited for.
     *
     * @param region shared memory region id
     * @param fd open for reading and writing, whatever {@code writable} (QEMU 11.1 maps it so);
     *     stays the caller's, who may close it afterwards
     * @param fileOffset where in the file; {@code fileOffset + bytes} rounded up to pages must not
     *     be beyond the file's end (QEMU 11.1 refuses, or makes the file longer)
     * @param regionOffset where in the region; nothing may be mapped there
     * @param bytes a multiple of the page size
     * @return 0; -EIO if the front-end refused; -ENOTCONN if the connection has ended, or ended the
     *     channel
     */
    long map(int region, int fd, long fileOffset, long regionOffset, long bytes, boolean writable);

    /**
     * Unmaps what one {@link #map} has mapped, exactly.
     *
     * @return as {@link #map}
     */
    long unmap(int region, long regionOffset, long bytes);

    /** Pieces that are mapped now. */
    int mappedPieces();
}
