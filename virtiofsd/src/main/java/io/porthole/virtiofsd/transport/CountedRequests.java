package io.porthole.virtiofsd.transport;

import io.porthole.fuse.Exchange;
import io.porthole.fuse.FuseServer;
import io.porthole.fuse.Request;
import io.porthole.virtiofsd.metrics.RequestCounters;

/** Has the requests of one thread served, counts them, and looks at the clock for some. */
record CountedRequests(FuseServer server, RequestCounters counters) {
    void serve(Exchange exchange, Request request) {
        int weight = counters.weigh();
        long begin = weight == 0 ? 0 : System.nanoTime();
        long result = server.dispatch(exchange, request);
        long nanos = weight == 0 ? 0 : System.nanoTime() - begin;
        counters.count(request.opcode(), result, weight, nanos);
    }
}
