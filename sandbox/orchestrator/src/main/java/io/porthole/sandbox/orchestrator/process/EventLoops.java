package io.porthole.sandbox.orchestrator.process;

import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollIoHandler;
import java.util.concurrent.ThreadFactory;

/** The control plane's one event loop, shared by all sockets of this process. */
public final class EventLoops {
    private EventLoops() {}

    /** Started on first use; its thread is a daemon and ends with the process. */
    public static EventLoopGroup shared() {
        return Holder.GROUP;
    }

    private static final class Holder {
        private static final ThreadFactory THREADS =
                task -> Thread.ofPlatform().name("control-loop").daemon().unstarted(task);
        static final EventLoopGroup GROUP =
                new MultiThreadIoEventLoopGroup(1, THREADS, EpollIoHandler.newFactory());
    }
}
