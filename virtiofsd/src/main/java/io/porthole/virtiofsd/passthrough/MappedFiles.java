package io.porthole.virtiofsd.passthrough;

import io.porthole.linux.SyscallException;
import io.porthole.virtiofsd.dax.DaxFiles;

/** The share's files as the DAX mapper opens them. */
record MappedFiles(PassthroughFileSystem files) implements DaxFiles {
    @Override
    public void mapperStarted() throws SyscallException {
        files.threadStarted();
    }

    @Override
    public void mapperStopped() {
        files.threadStopped();
    }

    @Override
    public long open(long nodeId) {
        return files.openForMapping(nodeId);
    }
}
