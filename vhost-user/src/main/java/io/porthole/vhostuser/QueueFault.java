package io.porthole.vhostuser;

/**
 * What can be wrong with what a driver put into a virtqueue. Section numbers are VIRTIO 1.3's.
 *
 * <p>A fault of one chain costs the driver that chain: it goes back in the used ring with length 0.
 * A fault of the ring itself stops the queue until the front-end sets it up again, and is signalled
 * on the vring's error descriptor.
 */
public enum QueueFault {
    /** 2.7.5: {@code next} is outside the table. */
    NEXT_OUT_OF_RANGE(false, "descriptor index outside the table"),
    /** 2.7.5.3.1: more descriptors than the table has, so the chain must be a loop. */
    CHAIN_LOOP(false, "descriptor chain is a loop or longer than its table"),
    /** 2.7.4.2: device-readable after device-writable. */
    READABLE_AFTER_WRITABLE(false, "device-readable descriptor after a writable one"),
    /** The address, or the end of the buffer, lies in no memory region. */
    BAD_ADDRESS(false, "buffer outside guest memory"),
    /** A descriptor of no bytes. */
    ZERO_LENGTH(false, "descriptor of length 0"),
    /** 2.7.5.2: the chain's buffers exceed 2^32 bytes. */
    CHAIN_TOO_LONG(false, "descriptor chain of more than 2^32 bytes"),
    /** More separate buffers than {@link DescriptorChain#MAX_BUFFERS}. */
    TOO_MANY_BUFFERS(false, "descriptor chain of too many buffers"),
    /** 2.7.5.3: an indirect descriptor without VIRTIO_F_INDIRECT_DESC. */
    INDIRECT_NOT_NEGOTIATED(false, "indirect descriptor without the feature"),
    /** 2.7.5.3.1: an indirect descriptor inside an indirect table. */
    INDIRECT_NESTED(false, "indirect descriptor inside an indirect table"),
    /** 2.7.5.3.1: both INDIRECT and NEXT. */
    INDIRECT_WITH_NEXT(false, "indirect descriptor with a next one"),
    /** 2.7.5.3: a table of no entries, of a part of an entry, or of too many entries. */
    INDIRECT_BAD_LENGTH(false, "indirect table of an impossible length"),
    /** An indirect table that is not in one piece of guest memory. */
    INDIRECT_BAD_ADDRESS(false, "indirect table outside guest memory"),
    /** The device failed (its handler threw); not the driver's fault. */
    HANDLER_FAILED(false, "the device failed to handle the request"),

    /** 2.7.6: the available ring names a descriptor that does not exist. */
    HEAD_OUT_OF_RANGE(true, "available ring holds an index outside the descriptor table"),
    /** 2.7.13.3: the available index went ahead by more than the queue size. */
    AVAIL_INDEX_JUMP(true, "available index moved by more than the queue size"),
    /** The ring's addresses are not, or no longer, in guest memory. */
    RING_UNMAPPED(true, "ring outside guest memory"),
    /** The kick descriptor cannot be read or waited for. */
    KICK_FAILED(true, "kick descriptor failed");

    private final boolean breaksRing;
    private final String text;

    QueueFault(boolean breaksRing, String text) {
        this.breaksRing = breaksRing;
        this.text = text;
    }

    /** Whether the queue stops; otherwise only the chain at hand is lost. */
    public boolean breaksRing() {
        return breaksRing;
    }

    @Override
    public String toString() {
        return text;
    }
}
