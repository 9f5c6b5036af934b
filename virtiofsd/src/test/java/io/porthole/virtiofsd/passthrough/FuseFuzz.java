package io.porthole.virtiofsd.passthrough;

import io.porthole.fuse.Opcode;
import io.porthole.fuse.Request;
import io.porthole.fuse.testing.InMemoryExchange;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;

/**
 * Requests made of any bytes, to a server over a real directory. What must hold: no handler throws,
 * no request stays without its end, every reply is as long as it says (the exchange checks), and
 * what lies beside the share is as it was.
 *
 * <p>A fuzzer calls {@link #fuzzerTestOneInput}; {@link FuzzSeedsTest} does so with seeds and with
 * what fuzzers have found. The input is a sequence of records: opcode, node, how it is sent, length
 * of the argument, argument. So that inputs get beyond the first check, node ids and handles are
 * mostly ones that the server has given.
 */
public final class FuseFuzz {
    private static final String SECRET = "outside of the share";

    private static final int MAX_REQUESTS = 64;
    private static final int KEPT = 16;

    private static FuseFuzz instance;

    private final Path outside;
    private final Guest guest;
    private final InMemoryExchange exchange = new InMemoryExchange(256 << 10);
    private final Request request = new Request(exchange);
    private final long[] nodes = new long[KEPT];
    private final long[] handles = new long[KEPT];
    private final Path share;
    private int nodeCount;
    private int handleCount;
    private long unique;

    private FuseFuzz() throws IOException {
        Path base = Files.createTempDirectory(Path.of("/dev/shm"), "porthole-fuzz");
        share = Files.createDirectory(base.resolve("share"));
        outside = Files.createDirectory(base.resolve("outside"));
        Files.writeString(outside.resolve("file"), SECRET);
        furnish();
        guest =
                new Guest(
                        share,
                        PassthroughOptions.builder()
                                .xattr(true)
                                .posixLock(true)
                                .flock(true)
                                .build());
        Runtime.getRuntime().addShutdownHook(new Thread(() -> remove(base)));
    }

    private void furnish() throws IOException {
        if (!Files.isDirectory(share.resolve("d"))) {
            Files.createDirectory(share.resolve("d"));
        }
        for (String name : new String[] {"f", "d/g"}) {
            if (Files.notExists(share.resolve(name))) {
                Files.write(share.resolve(name), new byte[10_000]);
            }
        }
        if (!Files.isSymbolicLink(share.resolve("l"))) {
            Files.createSymbolicLink(share.resolve("l"), Path.of("../outside/file"));
        }
    }

    private static void remove(Path base) {
        // Names of any bytes: more than Path can hold in every locale.
        try {
            new ProcessBuilder("rm", "-rf", base.toString()).inheritIO().start().waitFor();
        } catch (IOException | InterruptedException e) {
            System.err.println("left behind: " + base + " (" + e.getMessage() + ")");
        }
    }

    /** What Jazzer calls. */
    public static void fuzzerTestOneInput(byte[] input) throws IOException {
        if (instance == null) {
            instance = new FuseFuzz();
        }
        // A request thread has credentials and a working directory of its own.
        instance.guest.queue.run(() -> {
            instance.run(input);
            return null;
        });
    }

    private void run(byte[] input) throws IOException {
        guest.server.endSession();
        nodeCount = 0;
        handleCount = 0;
        keepNode(Guest.ROOT);
        send(Opcode.INIT.code(), 0, init(), 4096);
        long failures = guest.server.counters().failures();
        ByteBuffer in = ByteBuffer.wrap(input).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < MAX_REQUESTS && in.remaining() >= 5; i++) {
            int code = in.get() & 0xff;
            int node = in.get() & 0xff;
            int how = in.get() & 0xff;
            byte[] argument = new byte[Math.min(in.getShort() & 0x3ff, in.remaining())];
            in.get(argument);
            if ((how & 1) == 0 && handleCount > 0 && argument.length >= 8) {
                ByteBuffer.wrap(argument)
                        .order(ByteOrder.LITTLE_ENDIAN)
                        .putLong(0, handles[how / 8 % handleCount]);
            }
            long nodeId = node < 0xe0 ? nodes[node % nodeCount] : node;
            int room = (how & 2) == 0 ? 8192 : how * 8;
            if ((how & 4) == 0) {
                code %= 54;
            }
            send(code, nodeId, argument, room);
        }
        if (guest.server.counters().failures() != failures) {
            throw new AssertionError("a handler threw; the line is in the log above");
        }
        if (!Files.readString(outside.resolve("file")).equals(SECRET)) {
            throw new AssertionError("a file beside the share was written");
        }
        try (var there = Files.list(outside)) {
            if (there.count() != 1) {
                throw new AssertionError("a file was made beside the share");
            }
        }
        furnish();
    }

    private static byte[] init() {
        ByteBuffer body = ByteBuffer.allocate(64).order(ByteOrder.LITTLE_ENDIAN);
        return body.putInt(7)
                .putInt(45)
                .putInt(1 << 17)
                .putInt((int) Guest.ALL_FLAGS)
                .putInt((int) (Guest.ALL_FLAGS >>> 32))
                .array();
    }

    private void send(int code, long nodeId, byte[] argument, int room) {
        int bytes = 40 + argument.length;
        ByteBuffer message = ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
        int extensions = argument.length > 2 && argument[0] == (byte) 0xee ? argument[1] & 0xff : 0;
        message.putInt(bytes)
                .putInt(code)
                .putLong(++unique)
                .putLong(nodeId)
                .putInt(0)
                .putInt(0)
                .putInt(1)
                .putShort((short) extensions)
                .putShort((short) 0)
                .put(argument);
        exchange.send(message.array(), room);
        guest.server.dispatch(exchange, request);
        if (!exchange.ended()) {
            throw new AssertionError("opcode " + code + " was neither answered nor dropped");
        }
        exchange.checkBounds();
        exchange.late().clear();
        byte[] reply = exchange.replyBytes();
        if (reply.length >= 24) {
            remember(Opcode.of(code), ByteBuffer.wrap(reply).order(ByteOrder.LITTLE_ENDIAN));
        }
    }

    private void remember(Opcode opcode, ByteBuffer reply) {
        if (opcode == null || reply.getInt(4) != 0) {
            return;
        }
        switch (opcode) {
            case LOOKUP, MKDIR, MKNOD, SYMLINK, LINK -> keepNode(reply.getLong(16));
            case CREATE, TMPFILE -> {
                keepNode(reply.getLong(16));
                keepHandle(reply.getLong(16 + 128));
            }
            case OPEN, OPENDIR -> keepHandle(reply.getLong(16));
            default -> {}
        }
    }

    private void keepNode(long id) {
        nodes[nodeCount < KEPT ? nodeCount++ : (int) (unique % KEPT)] = id;
    }

    private void keepHandle(long fh) {
        handles[handleCount < KEPT ? handleCount++ : (int) (unique % KEPT)] = fh;
    }

    /** Inputs to start from: each opcode once, with plausible arguments, on what was found. */
    static byte[][] seeds() {
        byte[][] names = {
            "f\0".getBytes(java.nio.charset.StandardCharsets.US_ASCII),
            "d\0".getBytes(java.nio.charset.StandardCharsets.US_ASCII),
            "l\0".getBytes(java.nio.charset.StandardCharsets.US_ASCII),
            "../outside/file\0".getBytes(java.nio.charset.StandardCharsets.US_ASCII),
        };
        byte[][] all = new byte[54 * names.length][];
        for (int code = 0; code < 54; code++) {
            for (int n = 0; n < names.length; n++) {
                ByteBuffer seed = ByteBuffer.allocate(1024).order(ByteOrder.LITTLE_ENDIAN);
                record(seed, Opcode.LOOKUP.code(), 0, 1, names[n]);
                record(seed, Opcode.OPEN.code(), 1, 1, new byte[] {2, 0, 0, 0, 0, 0, 0, 0});
                record(seed, Opcode.OPENDIR.code(), 0, 1, new byte[8]);
                byte[] argument = Arrays.copyOf(new byte[0], 64 + names[n].length);
                System.arraycopy(names[n], 0, argument, 64, names[n].length);
                record(seed, code, 1, 0, argument);
                record(seed, code, 0, 1, names[n]);
                record(seed, code, 1, 2, Arrays.copyOf(argument, 24));
                all[code * names.length + n] = Arrays.copyOf(seed.array(), seed.position());
            }
        }
        return all;
    }

    private static void record(ByteBuffer to, int code, int node, int how, byte[] argument) {
        to.put((byte) code)
                .put((byte) node)
                .put((byte) how)
                .putShort((short) argument.length)
                .put(argument);
    }

    /** Puts the seeds into the directory that is named, for {@code dev/fuzz}. */
    public static void main(String[] args) throws java.io.IOException {
        byte[][] seeds = seeds();
        for (int i = 0; i < seeds.length; i++) {
            java.nio.file.Files.write(java.nio.file.Path.of(args[0], "seed-" + i), seeds[i]);
        }
    }
}
