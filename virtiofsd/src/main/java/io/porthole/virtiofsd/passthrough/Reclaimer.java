package io.porthole.virtiofsd.passthrough;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Delays the end of a slot (its descriptor's close and its reuse) until no request can be using it:
 * reclamation by epochs.
 *
 * <p>Who retires a slot has made it unreachable before. If no other thread is present then, the
 * slot ends at once; else it waits in limbo until the global epoch has advanced twice, and
 * whichever request ends next tries to advance it.
 *
 * <p>A thread is present while it serves a request: it says so with a store and a fence, and that
 * it went with a store. One that {@link #join stays} is present from one request to the next, until
 * it {@linkplain #rest rests}. The beginning of a request then says that what came before is over,
 * and this needs no fence: it is a look at the epoch, and a store where that has advanced
 * (quiescent states). Nobody takes a lock or makes an atomic read-modify-write while nothing is in
 * limbo.
 */
final class Reclaimer {
    /** What ends a retired item. */
    @FunctionalInterface
    interface Disposal {
        void dispose(long item);
    }

    /** One request thread's announcement, on a cache line of its own. */
    static final class Participant {
        private final boolean stays;

        @SuppressWarnings("unused")
        private long before0, before1, before2, before3, before4, before5, before6;

        /**
         * 0 while not present, else {@code epoch << 1 | 1}: the epoch when it last held nothing.
         */
        private volatile long state;

        @SuppressWarnings("unused")
        private long after0, after1, after2, after3, after4, after5, after6;

        private Participant(boolean stays) {
            this.stays = stays;
        }
    }

    private static final class Limbo {
        private long[] items = NOTHING;
        private int count;

        private void add(long item) {
            if (count == items.length) {
                items = Arrays.copyOf(items, Math.max(64, 2 * count));
            }
            items[count++] = item;
        }
    }

    private static final int LARGEST_SPARE = 4096;
    private static final long[] NOTHING = {};
    private static final VarHandle STATE;

    static {
        try {
            STATE = MethodHandles.lookup().findVarHandle(Participant.class, "state", long.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final Disposal disposal;
    private final Object lock = new Object();
    private final Limbo[] limbo = {new Limbo(), new Limbo(), new Limbo()};
    private long[] spare = NOTHING;
    private volatile Participant[] participants = {};
    private volatile long epoch;

    /** Items in limbo: read without the lock as a hint whether there is something to do. */
    private volatile int pending;

    Reclaimer(Disposal disposal) {
        this.disposal = disposal;
    }

    /**
     * @param stays whether it stays present between requests; it then {@linkplain #rest rests}
     *     before it waits for the next one
     */
    Participant join(boolean stays) {
        synchronized (lock) {
            Participant joined = new Participant(stays);
            Participant[] old = participants;
            Participant[] grown = Arrays.copyOf(old, old.length + 1);
            grown[old.length] = joined;
            participants = grown;
            return joined;
        }
    }

    void quit(Participant participant) {
        rest(participant);
        synchronized (lock) {
            Participant[] old = participants;
            Participant[] shrunk = new Participant[Math.max(0, old.length - 1)];
            int n = 0;
            for (Participant p : old) {
                if (p != participant && n < shrunk.length) {
                    shrunk[n++] = p;
                }
            }
            participants = Arrays.copyOf(shrunk, n);
        }
        collect();
    }

    /** A request begins: from here on, what it finds in a table stays alive. */
    void enter(Participant self) {
        // Acquire: who sees an epoch also sees that what was retired before it is unreachable.
        long now = epoch << 1 | 1;
        long before = (long) STATE.get(self);
        if (before == 0) {
            STATE.setOpaque(self, now);
            // Orders the announcement before every look into a table: either the retiring thread
            // sees the announcement, or this one sees that the slot is gone.
            VarHandle.fullFence();
        } else if (before != now) {
            // Release: every use of a descriptor up to here is over before others see this.
            STATE.setRelease(self, now);
        }
    }

    /** The request ended. */
    void leave(Participant self) {
        if (!self.stays || pending != 0) {
            rest(self);
        }
    }

    /** The thread uses nothing until it enters again. */
    void rest(Participant self) {
        // Release: as in enter.
        STATE.setRelease(self, 0L);
        if (pending != 0) {
            collect();
        }
    }

    /**
     * Ends {@code item} once nobody uses it. The caller has made it unreachable, and uses it no
     * more itself.
     *
     * @param self the caller's own announcement, which does not count
     */
    void retire(@Nullable Participant self, long item) {
        // The other half of the fence in enter.
        VarHandle.fullFence();
        if (nobodyElsePresent(self)) {
            disposal.dispose(item);
            return;
        }
        synchronized (lock) {
            limbo[(int) (epoch % 3)].add(item);
            pending++;
        }
    }

    private boolean nobodyElsePresent(@Nullable Participant self) {
        for (Participant p : participants) {
            if (p != self && p.state != 0) {
                return false;
            }
        }
        return true;
    }

    /** Ends what can be ended now. Disposals run outside of the lock: close(2) may take long. */
    void collect() {
        while (true) {
            long[] items;
            int count;
            synchronized (lock) {
                if (pending == 0 || !everyoneHasSeen(epoch)) {
                    return;
                }
                long next = epoch + 1;
                epoch = next;
                // Retired in epoch next - 2: all who were present then have held nothing since.
                Limbo ripe = limbo[(int) ((next + 1) % 3)];
                items = ripe.items;
                count = ripe.count;
                ripe.items = spare;
                ripe.count = 0;
                spare = NOTHING;
                pending -= count;
            }
            for (int i = 0; i < count; i++) {
                disposal.dispose(items[i]);
            }
            synchronized (lock) {
                if (items.length > spare.length && items.length <= LARGEST_SPARE) {
                    spare = items;
                }
            }
        }
    }

    private boolean everyoneHasSeen(long current) {
        for (Participant p : participants) {
            long state = p.state;
            if (state != 0 && state >>> 1 != current) {
                return false;
            }
        }
        return true;
    }

    /** Items that wait for others' requests to end. */
    int pendingCount() {
        return pending;
    }
}
