package io.porthole.vhostuser;

/** The numbers of the vhost-user protocol, in one place. Section names are the specification's. */
public final class VhostUser {
    /** Virtio feature bit 30: the protocol features below can be negotiated. */
    public static final long F_PROTOCOL_FEATURES = 1L << 30;

    // Message header: u32 request, u32 flags, u32 size of the payload that follows.
    public static final int HEADER_BYTES = 12;

    /** Header flags, bits 0 and 1: the protocol version. */
    public static final int VERSION_MASK = 0x3;

    /** The only protocol version. */
    public static final int VERSION = 0x1;

    /** Header flag: this message is a reply. */
    public static final int FLAG_REPLY = 1 << 2;

    /**
     * Header flag: the sender wants an answer to a message that has none of its own (REPLY_ACK).
     */
    public static final int FLAG_NEED_REPLY = 1 << 3;

    /** Largest payload that either end of this library sends or takes: GET_SHMEM_CONFIG's reply. */
    public static final int MAX_PAYLOAD_BYTES = 4096;

    /** Descriptors that one message can carry (SET_MEM_TABLE). */
    public static final int MAX_FDS = 8;

    /** Regions in a SET_MEM_TABLE message. */
    public static final int MAX_TABLE_REGIONS = 8;

    /** Regions that the back-end takes by ADD_MEM_REG: as many as QEMU has. */
    public static final int MAX_MEM_SLOTS = 512;

    /** Queues that can be named: kick, call and err messages have 8 bits for the index. */
    public static final int MAX_QUEUES = 256;

    /** Largest configuration space that a CONFIG message can carry. */
    public static final int MAX_CONFIG_BYTES = 256;

    /** GET_CONFIG and SET_CONFIG: u32 offset, u32 size, u32 flags, before the bytes. */
    public static final int CONFIG_HEADER_BYTES = 12;

    /** u64 guest address, u64 size, u64 user address, u64 mmap offset ("Memory region"). */
    public static final int REGION_BYTES = 32;

    /** SET_VRING_KICK, _CALL, _ERR: the queue index. */
    public static final int VRING_INDEX_MASK = 0xff;

    /** SET_VRING_KICK, _CALL, _ERR: no descriptor comes with the message. */
    public static final int VRING_NOFD = 1 << 8;

    // Front-end requests ("Front-end message types").
    /** Reply u64: virtio feature bits on offer. */
    public static final int GET_FEATURES = 1;

    /** u64: virtio feature bits chosen. */
    public static final int SET_FEATURES = 2;

    /** Nothing: this front-end owns the session. */
    public static final int SET_OWNER = 3;

    /** Nothing: deprecated; ignored, as the specification advises. */
    public static final int RESET_OWNER = 4;

    /** u32 count, u32 padding, regions; a descriptor each. */
    public static final int SET_MEM_TABLE = 5;

    /** u64 size, u64 offset; a descriptor: the dirty log. */
    public static final int SET_LOG_BASE = 6;

    /** Nothing; an eventfd. */
    public static final int SET_LOG_FD = 7;

    /** u32 queue, u32 size. */
    public static final int SET_VRING_NUM = 8;

    /** u32 queue, u32 flags, u64 descriptors, u64 used, u64 available, u64 log: user addresses. */
    public static final int SET_VRING_ADDR = 9;

    /** u32 queue, u32 next available index. */
    public static final int SET_VRING_BASE = 10;

    /** u32 queue, u32 0; reply the same with the next available index. Stops the ring. */
    public static final int GET_VRING_BASE = 11;

    /** u64 queue and NOFD; an eventfd by which the driver wakes the device. */
    public static final int SET_VRING_KICK = 12;

    /** u64 queue and NOFD; an eventfd by which the device wakes the driver. */
    public static final int SET_VRING_CALL = 13;

    /** u64 queue and NOFD; an eventfd that signals a broken ring. */
    public static final int SET_VRING_ERR = 14;

    /** Reply u64: protocol feature bits on offer. */
    public static final int GET_PROTOCOL_FEATURES = 15;

    /** u64: protocol feature bits chosen. */
    public static final int SET_PROTOCOL_FEATURES = 16;

    /** Reply u64: number of queues (MQ). */
    public static final int GET_QUEUE_NUM = 17;

    /** u32 queue, u32 0 or 1. */
    public static final int SET_VRING_ENABLE = 18;

    /** Nothing; a socket for back-end requests (BACKEND_REQ). */
    public static final int SET_BACKEND_REQ_FD = 21;

    /** Config header; reply the same with bytes (CONFIG). */
    public static final int GET_CONFIG = 24;

    /** Config header and bytes (CONFIG). */
    public static final int SET_CONFIG = 25;

    /** Inflight description; reply the same with a descriptor (INFLIGHT_SHMFD). */
    public static final int GET_INFLIGHT_FD = 31;

    /** Inflight description; a descriptor (INFLIGHT_SHMFD). */
    public static final int SET_INFLIGHT_FD = 32;

    /** Nothing: stop all rings and forget all state of the driver (RESET_DEVICE). */
    public static final int RESET_DEVICE = 34;

    /** Reply u64: regions that the back-end can take (CONFIGURE_MEM_SLOTS). */
    public static final int GET_MAX_MEM_SLOTS = 36;

    /** u64 padding, region; a descriptor (CONFIGURE_MEM_SLOTS). */
    public static final int ADD_MEM_REG = 37;

    /** u64 padding, region (CONFIGURE_MEM_SLOTS). */
    public static final int REM_MEM_REG = 38;

    /** u64: virtio device status (STATUS). */
    public static final int SET_STATUS = 39;

    /** Reply u64: virtio device status (STATUS). */
    public static final int GET_STATUS = 40;

    /** u32 direction, u32 phase; a descriptor (DEVICE_STATE). */
    public static final int SET_DEVICE_STATE_FD = 42;

    /** Reply u64: 0 if the transfer went well (DEVICE_STATE). */
    public static final int CHECK_DEVICE_STATE = 43;

    /** Reply u32 count, u32 padding, u64 size[256] (SHMEM). */
    public static final int GET_SHMEM_CONFIG = 44;

    // Back-end requests ("Back-end message types"), on the channel of SET_BACKEND_REQ_FD.
    /** {@link #SHMEM_BYTES} of description; a descriptor: map a piece of it into a region. */
    public static final int BACKEND_SHMEM_MAP = 9;

    /** The same description of a piece that was mapped. */
    public static final int BACKEND_SHMEM_UNMAP = 10;

    /** u8 region, u8 padding[7], u64 file offset, u64 region offset, u64 length, u64 flags. */
    public static final int SHMEM_BYTES = 40;

    /** SHMEM_MAP's flags: map it writable. */
    public static final long SHMEM_WRITABLE = 1;

    /** Shared memory regions that GET_SHMEM_CONFIG can tell of. */
    public static final int MAX_SHMEM_REGIONS = 256;

    /** GET_SHMEM_CONFIG's reply: u32 count, u32 padding, u64 size[256]. */
    public static final int SHMEM_CONFIG_BYTES = 8 + 8 * MAX_SHMEM_REGIONS;

    // Protocol features, as bit numbers ("Protocol features").
    public static final int PF_MQ = 0;
    public static final int PF_LOG_SHMFD = 1;
    public static final int PF_REPLY_ACK = 3;
    public static final int PF_BACKEND_REQ = 5;
    public static final int PF_CONFIG = 9;
    public static final int PF_BACKEND_SEND_FD = 10;
    public static final int PF_INFLIGHT_SHMFD = 12;
    public static final int PF_RESET_DEVICE = 13;
    public static final int PF_CONFIGURE_MEM_SLOTS = 15;
    public static final int PF_STATUS = 16;
    public static final int PF_DEVICE_STATE = 19;
    public static final int PF_SHMEM = 22;

    private VhostUser() {}

    /** Whether a request is one whose reply is not just an acknowledgement. */
    static boolean hasOwnReply(int request) {
        return switch (request) {
            case GET_FEATURES,
                    GET_PROTOCOL_FEATURES,
                    GET_QUEUE_NUM,
                    GET_VRING_BASE,
                    GET_CONFIG,
                    GET_INFLIGHT_FD,
                    GET_MAX_MEM_SLOTS,
                    GET_STATUS,
                    CHECK_DEVICE_STATE,
                    SET_DEVICE_STATE_FD,
                    GET_SHMEM_CONFIG ->
                    true;
            default -> false;
        };
    }

    /** The name of a front-end request, for messages to people. */
    public static String requestName(int request) {
        return switch (request) {
            case GET_FEATURES -> "GET_FEATURES";
            case SET_FEATURES -> "SET_FEATURES";
            case SET_OWNER -> "SET_OWNER";
            case RESET_OWNER -> "RESET_OWNER";
            case SET_MEM_TABLE -> "SET_MEM_TABLE";
            case SET_LOG_BASE -> "SET_LOG_BASE";
            case SET_LOG_FD -> "SET_LOG_FD";
            case SET_VRING_NUM -> "SET_VRING_NUM";
            case SET_VRING_ADDR -> "SET_VRING_ADDR";
            case SET_VRING_BASE -> "SET_VRING_BASE";
            case GET_VRING_BASE -> "GET_VRING_BASE";
            case SET_VRING_KICK -> "SET_VRING_KICK";
            case SET_VRING_CALL -> "SET_VRING_CALL";
            case SET_VRING_ERR -> "SET_VRING_ERR";
            case GET_PROTOCOL_FEATURES -> "GET_PROTOCOL_FEATURES";
            case SET_PROTOCOL_FEATURES -> "SET_PROTOCOL_FEATURES";
            case GET_QUEUE_NUM -> "GET_QUEUE_NUM";
            case SET_VRING_ENABLE -> "SET_VRING_ENABLE";
            case SET_BACKEND_REQ_FD -> "SET_BACKEND_REQ_FD";
            case GET_CONFIG -> "GET_CONFIG";
            case SET_CONFIG -> "SET_CONFIG";
            case GET_INFLIGHT_FD -> "GET_INFLIGHT_FD";
            case SET_INFLIGHT_FD -> "SET_INFLIGHT_FD";
            case RESET_DEVICE -> "RESET_DEVICE";
            case GET_MAX_MEM_SLOTS -> "GET_MAX_MEM_SLOTS";
            case ADD_MEM_REG -> "ADD_MEM_REG";
            case REM_MEM_REG -> "REM_MEM_REG";
            case SET_STATUS -> "SET_STATUS";
            case GET_STATUS -> "GET_STATUS";
            case SET_DEVICE_STATE_FD -> "SET_DEVICE_STATE_FD";
            case CHECK_DEVICE_STATE -> "CHECK_DEVICE_STATE";
            case GET_SHMEM_CONFIG -> "GET_SHMEM_CONFIG";
            default -> "request " + request;
        };
    }
}
