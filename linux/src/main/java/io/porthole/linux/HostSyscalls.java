package io.porthole.linux;

/**
 * The process's choice of a binding, by the system property {@code porthole.syscalls}: {@code jnr}
 * (the default) or {@code ffm}, which starts sooner and is smaller (docs/adr/0008). No class of the
 * other one is loaded.
 */
final class HostSyscalls {
    static final Syscalls INSTANCE = choose(System.getProperty("porthole.syscalls", "jnr"));

    private HostSyscalls() {}

    private static Syscalls choose(String binding) {
        return switch (binding) {
            case "jnr" -> jnr();
            case "ffm" -> ffm();
            default ->
                    throw new IllegalArgumentException(
                            "porthole.syscalls=" + binding + ": it is jnr or ffm");
        };
    }

    // A method for each: where both met in one, the verifier would load both classes.

    private static Syscalls jnr() {
        return new JnrSyscalls();
    }

    private static Syscalls ffm() {
        return new FfmSyscalls();
    }
}
