package io.porthole.virtiofsd;

import io.porthole.virtiofsd.cli.Options;

/** What a person at a terminal wants to know next: the lines for the VMM and for the guest. */
final class PasteLines {
    private static final String DEFAULT_TAG = "share";

    private PasteLines() {}

    /** The launcher looks whether standard error is a terminal: it is cheaper there. */
    static void printOnTerminal(Options options) {
        if (System.getenv("PORTHOLE_TERMINAL") != null && options.socketPath() != null) {
            System.err.print(text(options, options.socketPath()));
        }
    }

    static String text(Options options, String socketPath) {
        String tag = options.tag().isEmpty() ? DEFAULT_TAG : options.tag();
        String socket = socketPath.startsWith("/") ? socketPath : "./" + socketPath;
        // Not by string concatenation or format: their classes are not worth loading for this.
        return TEMPLATE.replace("{dir}", options.sharedDir())
                .replace("{socket}", quoted(socket))
                .replace("{tag}", quoted(tag))
                .replace("{end}", options.keepRunning() ? STAYS : ENDS)
                .replace("{ro}", options.readonly() ? " -o ro" : "")
                .replace("{mode}", options.readonly() ? ", read-only" : "");
    }

    private static final String ENDS =
            "The share ends when the virtual machine does, or with Ctrl-C.";
    private static final String STAYS =
            "When the virtual machine has ended, the next one may come; Ctrl-C ends the share.";

    private static String quoted(String word) {
        return word.matches("[A-Za-z0-9_./:@%+=-]+")
                ? word
                : "'" + word.replace("'", "'\\''") + "'";
    }

    private static final String TEMPLATE =
            """
            Sharing {dir}{mode}. Give one virtual machine these options:

              QEMU (-m of the same size):
                -object memory-backend-memfd,id=mem,size=2G,share=on -M q35,memory-backend=mem \\
                -chardev socket,id=fs0,path={socket} \\
                -device vhost-user-fs-pci,chardev=fs0,tag={tag},queue-size=1024

              Cloud Hypervisor:
                --memory size=2G,shared=on --fs tag={tag},socket={socket},num_queues=1,queue_size=1024

            and in the guest, as root:

                mount -t virtiofs{ro} {tag} /mnt

            {end}
            """;
}
