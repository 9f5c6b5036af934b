package io.porthole.sandbox.agent;

import java.util.List;

/**
 * The methods of Kata's agent by the names that stand in its requests (agent.proto, health.proto).
 */
final class KataMethods {
    static final String AGENT = "grpc.AgentService";
    static final String HEALTH = "grpc.Health";

    /** google.rpc.Code. */
    static final int INVALID_ARGUMENT = 3;

    static final int DEADLINE_EXCEEDED = 4;
    static final int NOT_FOUND = 5;
    static final int UNIMPLEMENTED = 12;

    /** Those that name a container (container_id = 1) which must be there. */
    static final List<String> OF_A_CONTAINER =
            List.of(
                    "StartContainer",
                    "RemoveContainer",
                    "ExecProcess",
                    "SignalProcess",
                    "WaitProcess",
                    "UpdateContainer",
                    "StatsContainer",
                    "PauseContainer",
                    "ResumeContainer",
                    "WriteStdin",
                    "ReadStdout",
                    "ReadStderr",
                    "CloseStdin",
                    "TtyWinResize");

    /** Others with a message of their own. */
    static final List<String> OF_THE_GUEST =
            List.of(
                    "CreateContainer",
                    "CreateSandbox",
                    "UpdateInterface",
                    "UpdateRoutes",
                    "AddARPNeighbors",
                    "CopyFile",
                    "UpdateEphemeralMounts",
                    "GetGuestDetails",
                    "OnlineCPUMem",
                    "MemHotplugByProbe",
                    "SetGuestDateTime",
                    "ReseedRandomDev",
                    "GetVolumeStats");

    /** Those whose message says nothing. */
    static final List<String> WITHOUT_ARGUMENTS =
            List.of("ListInterfaces", "ListRoutes", "GetMetrics", "GetOOMEvent", "DestroySandbox");

    /** Those that our agent does not have. */
    static final List<String> REFUSED =
            List.of(
                    "RemoveStaleVirtiofsShareMounts",
                    "GetDiagnosticData",
                    "GetIPTables",
                    "SetIPTables",
                    "MemAgentMemcgSet",
                    "MemAgentCompactSet",
                    "AddSwap",
                    "AddSwapPath",
                    "ResizeVolume",
                    "SetPolicy");

    private KataMethods() {}
}
