package io.porthole.fuse;

import static io.porthole.fuse.FuseServer.ARGUMENT;
import static io.porthole.fuse.FuseServer.BODY;

import io.porthole.linux.Errno;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * Renders a served request as one line for a person, from scratch memory: operation, caller,
 * arguments, and what came of it.
 *
 * <pre>
 * LOOKUP unique=34 node=1 uid=1000 gid=1000 pid=77 name="a\x0ab" -> node=5 mode=0100644 size=12
 * </pre>
 *
 * <p>Safe on anything a guest may send: looks at nothing that was not fetched, and whatever could
 * end the line or move a terminal's cursor comes as {@code \xHH}. Allocates; for debug logs.
 */
public final class RequestDescriber {
    /** Where a long name or path is cut. */
    private static final int SHOWN_BYTES = 300;

    private final StringBuilder line = new StringBuilder(160);
    private final MemorySegment in;
    private final MemorySegment out;
    private final int end;
    private int at = ARGUMENT;

    private RequestDescriber(Exchange x) {
        in = x.in();
        out = x.out();
        end = x.fetchedBytes();
    }

    /**
     * The line, without its end. The parameters are those of {@link ServerObserver#served}, and
     * good only while it runs.
     */
    public static String describe(
            @Nullable Opcode opcode, Request request, Exchange exchange, long result) {
        RequestDescriber d = new RequestDescriber(exchange);
        if (d.end < FuseInHeader.BYTES) {
            return "request of " + exchange.requestBytes() + " bytes, too short for a header";
        }
        d.head(opcode, request);
        if (opcode != null && d.end >= ARGUMENT + opcode.argumentBytes()) {
            d.at = ARGUMENT + opcode.argumentBytes();
            d.arguments(opcode);
        }
        d.outcome(opcode, result);
        return d.line.toString();
    }

    private void head(@Nullable Opcode opcode, Request r) {
        line.append(opcode == null ? "opcode " + r.opcode() : opcode.name());
        line.append(" unique=").append(Long.toUnsignedString(r.unique()));
        line.append(" node=").append(Long.toUnsignedString(r.nodeId()));
        id("uid", r.uid());
        id("gid", r.gid());
        line.append(" pid=").append(Integer.toUnsignedString(r.pid()));
        if (r.supplementaryGroup() != -1) {
            line.append(" group=").append(Integer.toUnsignedString(r.supplementaryGroup()));
        }
    }

    /** The kernel sends no id where it does not matter, to a server with FUSE_ALLOW_IDMAP. */
    private void id(String label, int id) {
        line.append(' ').append(label).append('=');
        line.append(id == -1 ? "-" : Integer.toUnsignedString(id));
    }

    private void arguments(Opcode opcode) {
        switch (opcode) {
            case LOOKUP, UNLINK, RMDIR, REMOVEXATTR -> string("name");
            case FORGET -> number("count", FuseForgetIn.nlookup(in, ARGUMENT));
            case BATCH_FORGET -> number("inodes", FuseBatchForgetIn.count(in, ARGUMENT));
            case GETATTR -> hex("fh", FuseGetattrIn.fh(in, ARGUMENT));
            case SETATTR -> {
                hex("valid", FuseSetattrIn.valid(in, ARGUMENT));
                number("size", FuseSetattrIn.size(in, ARGUMENT));
                octal("mode", FuseSetattrIn.mode(in, ARGUMENT));
                number("to_uid", FuseSetattrIn.uid(in, ARGUMENT));
                number("to_gid", FuseSetattrIn.gid(in, ARGUMENT));
            }
            case SYMLINK -> {
                string("name");
                string("target");
            }
            case MKNOD -> {
                octal("mode", FuseMknodIn.mode(in, ARGUMENT));
                hex("rdev", FuseMknodIn.rdev(in, ARGUMENT));
                string("name");
            }
            case MKDIR -> {
                octal("mode", FuseMkdirIn.mode(in, ARGUMENT));
                string("name");
            }
            case RENAME, RENAME2 -> {
                string("name");
                number("to_node", FuseRenameIn.newParent(in, ARGUMENT));
                string("to_name");
            }
            case LINK -> {
                number("inode", FuseLinkIn.oldNodeId(in, ARGUMENT));
                string("name");
            }
            case OPEN, OPENDIR -> hex("flags", FuseOpenIn.flags(in, ARGUMENT));
            case CREATE, TMPFILE -> {
                hex("flags", FuseCreateIn.flags(in, ARGUMENT));
                octal("mode", FuseCreateIn.mode(in, ARGUMENT));
                string("name");
            }
            case READ, READDIR, READDIRPLUS -> {
                hex("fh", FuseReadIn.fh(in, ARGUMENT));
                number("offset", FuseReadIn.offset(in, ARGUMENT));
                number("size", FuseReadIn.size(in, ARGUMENT));
            }
            case WRITE -> {
                hex("fh", FuseWriteIn.fh(in, ARGUMENT));
                number("offset", FuseWriteIn.offset(in, ARGUMENT));
                number("size", FuseWriteIn.size(in, ARGUMENT));
            }
            case RELEASE, RELEASEDIR -> hex("fh", FuseReleaseIn.fh(in, ARGUMENT));
            case FLUSH -> hex("fh", FuseFlushIn.fh(in, ARGUMENT));
            case FSYNC, FSYNCDIR -> hex("fh", FuseFsyncIn.fh(in, ARGUMENT));
            case SETXATTR -> number("size", FuseSetxattrIn.size(in, ARGUMENT));
            case GETXATTR -> {
                number("size", FuseGetxattrIn.size(in, ARGUMENT));
                string("name");
            }
            case LISTXATTR -> number("size", FuseGetxattrIn.size(in, ARGUMENT));
            case GETLK, SETLK, SETLKW -> {
                hex("fh", FuseLkIn.fh(in, ARGUMENT));
                hex("owner", FuseLkIn.owner(in, ARGUMENT));
                long lock = ARGUMENT + FuseLkIn.LK;
                number("type", FuseFileLock.type(in, lock));
                number("start", FuseFileLock.start(in, lock));
                number("end", FuseFileLock.end(in, lock));
            }
            case ACCESS -> octal("mask", FuseAccessIn.mask(in, ARGUMENT));
            case INTERRUPT -> number("of", FuseInterruptIn.unique(in, ARGUMENT));
            case BMAP -> number("block", FuseBmapIn.block(in, ARGUMENT));
            case IOCTL -> {
                hex("fh", FuseIoctlIn.fh(in, ARGUMENT));
                hex("command", FuseIoctlIn.cmd(in, ARGUMENT));
            }
            case FALLOCATE -> {
                hex("fh", FuseFallocateIn.fh(in, ARGUMENT));
                hex("mode", FuseFallocateIn.mode(in, ARGUMENT));
                number("offset", FuseFallocateIn.offset(in, ARGUMENT));
                number("length", FuseFallocateIn.length(in, ARGUMENT));
            }
            case LSEEK -> {
                hex("fh", FuseLseekIn.fh(in, ARGUMENT));
                number("offset", FuseLseekIn.offset(in, ARGUMENT));
                number("whence", FuseLseekIn.whence(in, ARGUMENT));
            }
            case COPY_FILE_RANGE, COPY_FILE_RANGE_64 -> {
                hex("fh", FuseCopyFileRangeIn.fhIn(in, ARGUMENT));
                number("offset", FuseCopyFileRangeIn.offIn(in, ARGUMENT));
                number("to_node", FuseCopyFileRangeIn.nodeIdOut(in, ARGUMENT));
                hex("to_fh", FuseCopyFileRangeIn.fhOut(in, ARGUMENT));
                number("to_offset", FuseCopyFileRangeIn.offOut(in, ARGUMENT));
                number("size", FuseCopyFileRangeIn.len(in, ARGUMENT));
            }
            case SETUPMAPPING -> {
                number("offset", FuseSetupmappingIn.foffset(in, ARGUMENT));
                number("size", FuseSetupmappingIn.len(in, ARGUMENT));
                hex("flags", FuseSetupmappingIn.flags(in, ARGUMENT));
                hex("window", FuseSetupmappingIn.moffset(in, ARGUMENT));
            }
            case REMOVEMAPPING -> number("ranges", FuseRemovemappingIn.count(in, ARGUMENT));
            case STATX -> hex("mask", FuseStatxIn.sxMask(in, ARGUMENT));
            case INIT -> {
                number("major", FuseInitIn.major(in, ARGUMENT));
                number("minor", FuseInitIn.minor(in, ARGUMENT));
            }
            case READLINK, STATFS, DESTROY, POLL, NOTIFY_REPLY, SYNCFS -> {}
        }
    }

    private void outcome(@Nullable Opcode opcode, long result) {
        line.append(" -> ");
        if (result == FileSystem.DEFERRED) {
            line.append("deferred");
        } else if (result < 0) {
            line.append(Errno.name(-result));
        } else if (opcode == null || !opcode.hasReply()) {
            line.append("no reply");
        } else {
            line.append("ok");
            reply(opcode, result);
        }
    }

    private void reply(Opcode opcode, long result) {
        switch (opcode) {
            case LOOKUP, MKNOD, MKDIR, SYMLINK, LINK -> entry();
            case CREATE, TMPFILE -> {
                entry();
                hex("fh", FuseOpenOut.fh(out, BODY + FuseEntryOut.BYTES));
            }
            case OPEN, OPENDIR -> {
                hex("fh", FuseOpenOut.fh(out, BODY));
                hex("open_flags", FuseOpenOut.openFlags(out, BODY));
            }
            case GETATTR, SETATTR -> attributes(BODY + FuseAttrOut.ATTR);
            case LSEEK -> number("offset", FuseLseekOut.offset(out, BODY));
            case INIT -> {
                long low = Integer.toUnsignedLong(FuseInitOut.flags(out, BODY));
                long high = Integer.toUnsignedLong(FuseInitOut.flags2(out, BODY));
                number("minor", FuseInitOut.minor(out, BODY));
                line.append(" flags=").append(InitFlags.names(high << 32 | low));
            }
            case READLINK -> {
                line.append(" target=");
                quote(out, BODY, BODY + result);
            }
            default -> {
                if (result > 0) {
                    line.append(' ').append(result).append(" bytes");
                }
            }
        }
    }

    private void entry() {
        if (FuseEntryOut.nodeId(out, BODY) == 0) {
            // The guest may remember for a while that there is none.
            line.append(", no such name");
            return;
        }
        number("node", FuseEntryOut.nodeId(out, BODY));
        attributes(BODY + FuseEntryOut.ATTR);
    }

    private void attributes(long attr) {
        octal("mode", FuseAttr.mode(out, attr));
        number("size", FuseAttr.size(out, attr));
    }

    private void number(String label, long value) {
        line.append(' ').append(label).append('=').append(Long.toUnsignedString(value));
    }

    private void number(String label, int value) {
        number(label, Integer.toUnsignedLong(value));
    }

    private void hex(String label, long value) {
        line.append(' ').append(label).append("=0x").append(Long.toHexString(value));
    }

    private void hex(String label, int value) {
        hex(label, Integer.toUnsignedLong(value));
    }

    private void octal(String label, int value) {
        line.append(' ').append(label).append("=0").append(Integer.toOctalString(value));
    }

    /** Takes the next string of the request. */
    private void string(String label) {
        int nul = at;
        while (nul < end && in.get(ValueLayout.JAVA_BYTE, nul) != 0) {
            nul++;
        }
        line.append(' ').append(label).append('=');
        quote(in, at, nul);
        if (nul == end) {
            line.append("(no end)");
        }
        at = Math.min(nul + 1, end);
    }

    private void quote(MemorySegment memory, long from, long to) {
        long shownTo = Math.min(to, from + SHOWN_BYTES);
        byte[] bytes = memory.asSlice(from, shownTo - from).toArray(ValueLayout.JAVA_BYTE);
        line.append('"');
        int i = 0;
        while (i < bytes.length) {
            int length = Math.min(sequenceLength(bytes[i]), bytes.length - i);
            String text = new String(bytes, i, length, StandardCharsets.UTF_8);
            int c = text.codePointAt(0);
            if (text.codePointCount(0, text.length()) == 1 && c != 0xFFFD && isHarmless(c)) {
                line.append(text);
                i += length;
            } else {
                line.append("\\x").append("%02x".formatted(bytes[i]));
                i++;
            }
        }
        line.append(shownTo < to ? "...\"" : "\"");
    }

    private static int sequenceLength(byte lead) {
        int b = lead & 0xff;
        if (b < 0xc0) {
            return 1;
        }
        return b < 0xe0 ? 2 : b < 0xf0 ? 3 : 4;
    }

    private static boolean isHarmless(int c) {
        return switch (Character.getType(c)) {
            case Character.CONTROL,
                    Character.FORMAT,
                    Character.SURROGATE,
                    Character.PRIVATE_USE,
                    Character.UNASSIGNED,
                    Character.LINE_SEPARATOR,
                    Character.PARAGRAPH_SEPARATOR ->
                    false;
            default -> c != '"' && c != '\\';
        };
    }
}
