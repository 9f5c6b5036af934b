package io.porthole.linux;

/**
 * The process's choice of a binding, by the system property {@code porthole.syscalls}: {@code jnr}
 * (the default), {@code jffi}, which starts soonest and is smallest (docs/adr/0017), or {@code ffm}
 * (docs/adr/0008). No class of the others is loaded.
 */
final class HostSyscalls {
    static final Syscalls INSTANCE = choose(System.getProperty("porthole.syscalls", "jnr"));

    private HostSyscalls() {}

    private static Syscalls choose(String binding) {
        return switch (binding) {
            case "jnr" -> jnr();
            case "jffi" -> jffi();
            case "ffm" -> ffm();
            default ->
                    throw new IllegalArgumentException(
                            "porthole.syscalls=" + binding + ": it is jnr, jffi or ffm");
        };
    }

    // A method for each: where they met in one, the verifier would load all classes.

    private static Syscalls jnr() {
        return new JnrSyscalls();
    }

    private static Syscalls jffi() {
        return new JffiSyscalls();
    }

    private static Syscalls ffm() {
        return new FfmSyscalls();
    }
}
