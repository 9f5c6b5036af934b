package io.porthole.vhostuser;

/**
 * What one queue has done since its thread began. Written by that thread alone, with plain stores,
 * so that it costs next to nothing; read by any other, which may see a value that is a little old.
 */
public final class QueueStats {
    long chains;
    long batches;
    long interrupts;
    long sleeps;
    long spinHits;
    long spinMisses;
    long missedKicks;
    long missedCalls;

    QueueStats() {}

    /** Of a queue that does nothing. */
    public static QueueStats none() {
        return new QueueStats();
    }

    /** Requests taken from the ring. */
    public long chains() {
        return chains;
    }

    /** Times the driver was shown answers; {@link #chains} through this is the mean batch. */
    public long batches() {
        return batches;
    }

    /** Times the driver was interrupted for them. */
    public long interrupts() {
        return interrupts;
    }

    /** Times the thread waited for a kick. */
    public long sleeps() {
        return sleeps;
    }

    /** Looks at an empty ring that ended with work. */
    public long spinHits() {
        return spinHits;
    }

    /** And those that did not. */
    public long spinMisses() {
        return spinMisses;
    }

    /** Times the thread found requests whose kick was late or never came, although asked for. */
    public long missedKicks() {
        return missedKicks;
    }

    /** Times the driver was interrupted because it seemed to sleep over answers. */
    public long missedCalls() {
        return missedCalls;
    }
}
