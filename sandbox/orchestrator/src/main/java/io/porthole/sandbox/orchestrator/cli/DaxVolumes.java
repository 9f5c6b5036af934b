package io.porthole.sandbox.orchestrator.cli;

import io.porthole.sandbox.orchestrator.hypervisor.HypervisorException;
import io.porthole.sandbox.orchestrator.hypervisor.HypervisorInfo;
import java.io.IOException;

/** Volumes with DAX, where the hypervisor can, and a word to the user where it cannot. */
final class DaxVolumes {
    private DaxVolumes() {}

    /** Whether a new sandbox can have a window; if not, says why. Asks the hypervisor. */
    static boolean possible(Context context) throws IOException {
        HypervisorInfo info;
        try {
            info = context.hypervisor().info();
        } catch (HypervisorException e) {
            throw new IOException(e.getMessage(), e);
        }
        if (!info.hasWindows()) {
            warn(
                    context,
                    info.name()
                            + " "
                            + info.version()
                            + " has no windows for DAX (11.1 or newer has)");
        }
        return info.hasWindows();
    }

    static void warn(Context context, String why) {
        context.err().println("porthole: volumes are shared without dax: " + why);
    }
}
