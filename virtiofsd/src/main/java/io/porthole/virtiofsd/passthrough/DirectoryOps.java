package io.porthole.virtiofsd.passthrough;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import io.porthole.fuse.DirentWriter;
import io.porthole.fuse.FuseEntryOut;
import io.porthole.fuse.FuseOpenOut;
import io.porthole.linux.Dirent64;
import io.porthole.linux.Errno;
import io.porthole.linux.Fcntl;
import io.porthole.virtiofsd.dax.DaxWindow;
import java.lang.foreign.MemorySegment;

/** OPENDIR, READDIR, READDIRPLUS. Offsets in a directory are the host file system's cookies. */
final class DirectoryOps {
    /** FUSE_NAME_MAX of Linux: the guest refuses the whole reply for a longer name. */
    private static final int LONGEST_NAME_BYTES = 1024;

    private final Share share;
    private final Entries entries;

    /** The path of the directory itself, relative to its descriptor. */
    private final long dot;

    DirectoryOps(Share share, Entries entries, long dot) {
        this.share = share;
        this.entries = entries;
        this.dot = dot;
    }

    /** Writes fuse_open_out. */
    long opendir(Worker w, long nodeId, MemorySegment out, long at) {
        int inode = share.directory(nodeId);
        if (inode < 0) {
            return inode;
        }
        int inodeFd = share.fd(w, inode);
        if (inodeFd < 0) {
            return inodeFd;
        }
        long fd =
                share.sys.openat(
                        inodeFd, dot, Fcntl.O_RDONLY | Fcntl.O_DIRECTORY | Fcntl.O_CLOEXEC, 0);
        if (fd < 0) {
            return fd;
        }
        DirectoryStream stream = new DirectoryStream(share.directoryBuffers);
        long fh = share.handles.add(nodeId, (int) fd, 0, stream);
        if (fh == 0) {
            share.sys.close((int) fd);
            return -Errno.ENFILE;
        }
        FuseOpenOut.fh(out, at, fh);
        FuseOpenOut.openFlags(out, at, share.options.cache().directoryOpenFlags());
        return 0;
    }

    /** Returns bytes written, 0 at the end, or -errno. */
    long readdir(
            Worker w,
            long nodeId,
            long fh,
            long offset,
            boolean plus,
            MemorySegment out,
            long at,
            int maxBytes) {
        int handle = share.handles.slot(fh, nodeId);
        int inode = share.inodes.slot(nodeId);
        DirectoryStream stream = handle < 0 ? null : share.handles.stream(handle);
        if (stream == null || inode < 0) {
            return -Errno.EBADF;
        }
        int fd = share.handles.fd(handle);
        synchronized (stream) {
            if (offset != stream.next) {
                long result = share.sys.lseek(fd, offset, Fcntl.SEEK_SET);
                if (result < 0) {
                    return result;
                }
                stream.reset(offset);
            }
            long result = fill(w, stream, fd, inode, plus, out, at, at + maxBytes);
            if (!stream.ownsBuffer() && stream.position != stream.limit) {
                // The buffer is the thread's: the rest is read again when it is asked for.
                long next = stream.next;
                stream.reset(next);
                if (share.sys.lseek(fd, next, Fcntl.SEEK_SET) < 0) {
                    // Any other offset makes the next call seek, and meet the error.
                    stream.reset(~next);
                }
            }
            return result;
        }
    }

    private long fill(
            Worker w,
            DirectoryStream stream,
            int fd,
            int inode,
            boolean plus,
            MemorySegment out,
            long start,
            long end) {
        MemorySegment buffer = stream.buffer(w.directoryBuffer);
        long at = start;
        while (true) {
            if (stream.position == stream.limit) {
                if (stream.atEnd) {
                    break;
                }
                long read = share.sys.getdents64(fd, buffer.address(), buffer.byteSize());
                if (read < 0) {
                    return at == start ? read : at - start;
                }
                stream.position = 0;
                stream.limit = (int) read;
                if (read == 0) {
                    stream.atEnd = true;
                    break;
                }
            }
            int record = stream.position;
            int nameBytes = Dirent64.nameBytes(buffer, record);
            int needed =
                    plus
                            ? DirentWriter.direntplusBytes(nameBytes)
                            : DirentWriter.direntBytes(nameBytes);
            if (needed > end - at) {
                if (at == start) {
                    return -Errno.EINVAL;
                }
                break;
            }
            if (nameBytes <= LONGEST_NAME_BYTES) {
                at +=
                        plus
                                ? appendPlus(w, inode, buffer, record, nameBytes, out, at, end)
                                : append(inode, buffer, record, nameBytes, out, at, end);
            }
            stream.next = Dirent64.next(buffer, record);
            stream.position = record + Dirent64.recordBytes(buffer, record);
        }
        return at - start;
    }

    private int append(
            int inode,
            MemorySegment buffer,
            int record,
            int nameBytes,
            MemorySegment out,
            long at,
            long end) {
        return DirentWriter.append(
                out,
                at,
                end,
                inodeNumber(inode, buffer, record, nameBytes),
                Dirent64.next(buffer, record),
                Dirent64.type(buffer, record),
                buffer,
                record + Dirent64.NAME,
                nameBytes);
    }

    private int appendPlus(
            Worker w,
            int inode,
            MemorySegment buffer,
            int record,
            int nameBytes,
            MemorySegment out,
            long at,
            long end) {
        long ino = inodeNumber(inode, buffer, record, nameBytes);
        if (isDots(buffer, record + Dirent64.NAME, nameBytes)) {
            clear(out, at);
        } else {
            // The record's inode number tells whether a look at the name alone could suffice.
            boolean likelyNew = !share.inodes.mayHold(ino, share.inodes.mount(inode));
            long name = buffer.address() + record + Dirent64.NAME;
            long nodeId = entries.find(w, inode, name, likelyNew, out, at);
            if (nodeId == -Errno.ENOENT) {
                return 0; // Removed since it was read.
            }
            DaxWindow dax = share.dax;
            if (nodeId > 0 && dax != null && dax.isOutgrown(nodeId, w.stat.size())) {
                // Its mappings must grow before the guest sees its size: by a LOOKUP, then.
                share.inodes.forget(nodeId, 1, w.presence);
                clear(out, at);
            } else if (nodeId > 0) {
                long nameAt = record + Dirent64.NAME;
                share.inodes.met(nodeId, NameHints.of(inode, buffer, nameAt, nameBytes));
            } else {
                clear(out, at); // A name without attributes; the guest looks it up if it cares.
            }
        }
        return DirentWriter.appendPlus(
                out,
                at,
                end,
                ino,
                Dirent64.next(buffer, record),
                Dirent64.type(buffer, record),
                buffer,
                record + Dirent64.NAME,
                nameBytes);
    }

    /** What lies above the share is none of the guest's business. */
    private long inodeNumber(int inode, MemorySegment buffer, int record, int nameBytes) {
        if (inode == InodeTable.ROOT_SLOT
                && nameBytes == 2
                && isDots(buffer, record + Dirent64.NAME, nameBytes)) {
            return share.inodes.ino(inode);
        }
        return Dirent64.inode(buffer, record);
    }

    private static void clear(MemorySegment out, long at) {
        for (int i = 0; i < FuseEntryOut.BYTES; i += Long.BYTES) {
            out.set(JAVA_LONG_UNALIGNED, at + i, 0);
        }
    }

    private static boolean isDots(MemorySegment buffer, long nameAt, int nameBytes) {
        return nameBytes <= 2
                && buffer.get(JAVA_BYTE, nameAt) == '.'
                && buffer.get(JAVA_BYTE, nameAt + nameBytes - 1) == '.';
    }
}
