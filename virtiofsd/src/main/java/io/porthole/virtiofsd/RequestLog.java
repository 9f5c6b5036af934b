package io.porthole.virtiofsd;

import io.porthole.fuse.Exchange;
import io.porthole.fuse.Opcode;
import io.porthole.fuse.Request;
import io.porthole.fuse.RequestDescriber;
import io.porthole.fuse.ServerObserver;
import io.porthole.linux.Errno;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A line for every request, for {@code --log-level=debug}. It shows no file contents. */
final class RequestLog implements ServerObserver {
    private static final Logger log = LoggerFactory.getLogger(RequestLog.class);

    private final String prefix;

    /**
     * @param tag of the share, in front of every line; empty where there is one share
     */
    RequestLog(String tag) {
        prefix = tag.isEmpty() ? "" : tag + ": ";
    }

    @Override
    public void served(
            @Nullable Opcode opcode, Request request, Exchange exchange, long result, long nanos) {
        if (log.isDebugEnabled()) {
            log.debug(
                    "{}{}, {} us",
                    prefix,
                    RequestDescriber.describe(opcode, request, exchange, result),
                    nanos / 1000);
        }
    }

    @Override
    public void completed(@Nullable Opcode opcode, long unique, long result, long nanos) {
        log.debug(
                "{}{} unique={} answered later -> {}, {} us",
                prefix,
                opcode,
                Long.toUnsignedString(unique),
                result < 0 ? Errno.name(-result) : "ok",
                nanos / 1000);
    }
}
