package io.porthole.linux.testing;

import io.porthole.linux.Errno;
import io.porthole.linux.Syscalls;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.Arrays;
import java.util.Deque;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * A kernel that fails on demand: queues of faults by method name, each used up by one call, in
 * order; calls without a queued fault reach the target. It also counts calls, so that a test can
 * state what an operation costs.
 *
 * <pre>{@code
 * FaultySyscalls faults = new FaultySyscalls(Syscalls.host());
 * faults.fail("pread", Errno.EIO).shorten("pwrite", 100);
 * subject = new Subject(faults.syscalls());
 * }</pre>
 */
public final class FaultySyscalls {
    /** How many bytes a method moves is its parameter of this index. */
    private static final Map<String, Integer> BYTE_COUNTS =
            Map.of(
                    "read", 2,
                    "write", 2,
                    "pread", 2,
                    "pwrite", 2,
                    "getdents64", 2,
                    "readlinkat", 3,
                    "copyFileRange", 4);

    private final Syscalls target;
    private final Syscalls proxy;
    private final Map<String, Deque<Fault>> faults = new ConcurrentHashMap<>();
    private final Map<String, AtomicLong> calls = new ConcurrentHashMap<>();

    private sealed interface Fault {}

    private record Answer(long result) implements Fault {}

    private record Shorten(int parameter, long bytes) implements Fault {}

    private record Pass() implements Fault {}

    public FaultySyscalls(Syscalls target) {
        this.target = target;
        InvocationHandler handler = (self, method, arguments) -> answer(method, arguments);
        this.proxy =
                (Syscalls)
                        Proxy.newProxyInstance(
                                Syscalls.class.getClassLoader(),
                                new Class<?>[] {Syscalls.class},
                                handler);
    }

    /** What the code under test is given. */
    public Syscalls syscalls() {
        return proxy;
    }

    /** The next call fails with {@code errno} (positive) and does not reach the target. */
    public FaultySyscalls fail(String method, int errno) {
        if (errno <= 0) {
            throw new IllegalArgumentException("errno is positive here, not " + errno);
        }
        return add(method, new Answer(-errno));
    }

    /** The next call is interrupted. */
    public FaultySyscalls interrupt(String method) {
        return fail(method, Errno.EINTR);
    }

    /** The next call gives {@code result} and does not reach the target. */
    public FaultySyscalls answer(String method, long result) {
        return add(method, new Answer(result));
    }

    /**
     * The next call moves at most {@code bytes}. For methods with a byte count; those with an iovec
     * are served by {@link #answer(String, long)}.
     */
    public FaultySyscalls shorten(String method, long bytes) {
        Integer parameter = BYTE_COUNTS.get(method);
        if (parameter == null) {
            throw new IllegalArgumentException(method + " has no count of bytes to shorten");
        }
        return add(method, new Shorten(parameter, bytes));
    }

    /** The next {@code count} calls reach the target; faults queued after this come later. */
    public FaultySyscalls pass(String method, int count) {
        for (int i = 0; i < count; i++) {
            add(method, new Pass());
        }
        return this;
    }

    /** How often {@code method} was called, faults included. */
    public long calls(String method) {
        requireMethod(method);
        AtomicLong count = calls.get(method);
        return count == null ? 0 : count.get();
    }

    /** How often anything was called, faults included. */
    public long calls() {
        return calls.values().stream().mapToLong(AtomicLong::get).sum();
    }

    /** Sets all counts to 0; queued faults stay. */
    public void resetCounts() {
        calls.clear();
    }

    /** Whether every queued fault was met: a test that injects should end by asserting this. */
    public boolean allMet() {
        return faults.values().stream().allMatch(Deque::isEmpty);
    }

    private FaultySyscalls add(String method, Fault fault) {
        requireMethod(method);
        faults.computeIfAbsent(method, name -> new ConcurrentLinkedDeque<>()).add(fault);
        return this;
    }

    private static void requireMethod(String name) {
        if (Arrays.stream(Syscalls.class.getMethods()).noneMatch(m -> m.getName().equals(name))) {
            throw new IllegalArgumentException("Syscalls has no method " + name);
        }
    }

    private @Nullable Object answer(Method method, Object @Nullable [] arguments) throws Throwable {
        String name = method.getName();
        if (method.getDeclaringClass() == Object.class) {
            return method.invoke(this, arguments);
        }
        calls.computeIfAbsent(name, key -> new AtomicLong()).incrementAndGet();
        Deque<Fault> queue = faults.get(name);
        Fault fault = queue == null ? null : queue.poll();
        Object @Nullable [] passed = arguments;
        if (fault instanceof Answer(long result)) {
            return method.getReturnType() == int.class ? (Object) (int) result : (Object) result;
        }
        if (fault instanceof Shorten(int parameter, long bytes) && arguments != null) {
            passed = arguments.clone();
            passed[parameter] = Math.min(bytes, (long) passed[parameter]);
        }
        try {
            return method.invoke(target, passed);
        } catch (InvocationTargetException e) {
            throw e.getCause() == null ? e : e.getCause();
        }
    }
}
