package io.porthole.sandbox.orchestrator.cli;

import io.porthole.sandbox.orchestrator.image.Image;
import io.porthole.sandbox.orchestrator.image.ImageStore;
import io.porthole.sandbox.orchestrator.monitor.MonitorClient;
import io.porthole.sandbox.orchestrator.monitor.Request;
import io.porthole.sandbox.orchestrator.sandbox.SandboxException;
import io.porthole.sandbox.orchestrator.state.ContainerSpec;
import io.porthole.sandbox.orchestrator.state.SandboxDirectory;
import io.porthole.sandbox.orchestrator.state.SandboxSpec;
import io.porthole.sandbox.orchestrator.state.StateStore;
import io.porthole.sandbox.orchestrator.state.Volume;
import java.io.IOException;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** {@code porthole create}. */
@Command(name = "create", description = "Boot a sandbox and make a container in it, not started.")
final class CreateCommand extends BaseCommand {
    @Mixin private ContainerOptions options = new ContainerOptions();

    @Override
    public Integer call() throws Exception {
        Created created;
        try (Progress progress = new Progress(context().err(), false)) {
            created = create(context(), options, progress);
        }
        context().out().println(created.spec().id());
        return 0;
    }

    /** A container that was made, and its sandbox. */
    record Created(SandboxDirectory directory, ContainerSpec spec, boolean newSandbox) {
        MonitorClient client() {
            return new MonitorClient(directory);
        }
    }

    /** Finds the image, boots a sandbox unless one is named, and makes the container in it. */
    static Created create(Context context, ContainerOptions options, Progress progress)
            throws IOException, SandboxException, InterruptedException {
        StateStore store = context.store();
        String id = options.name == null ? Launcher.randomName() : options.name;
        StateStore.checkName(id);
        Image image =
                new ImageStore(ImageStore.makePrivate(store.dataRoot().resolve("images")))
                        .open(options.image, progress);
        ContainerSpec spec = options.containerSpec(id, image);
        Launcher launcher = new Launcher(context);
        boolean fresh = options.sandbox == null;
        String sandbox = options.sandbox == null ? id : options.sandbox;
        SandboxSpec sandboxSpec = options.sandboxSpec(sandbox, context.config());
        if (!fresh && (options.network != null || !options.publish.isEmpty())) {
            throw new IllegalArgumentException(
                    "the network is the sandbox's: it cannot be set with --sandbox");
        }
        SandboxDirectory directory = fresh ? null : launcher.running(sandbox);
        if (spec.volumes().stream().anyMatch(Volume::dax)) {
            if (directory == null) {
                sandboxSpec = sandboxSpec.withDax(DaxVolumes.possible(context));
            } else if (!directory.read().spec().dax()) {
                DaxVolumes.warn(
                        context,
                        "the sandbox "
                                + sandbox
                                + " has no window for it (sandbox create --dax makes one)");
            }
        }
        store.claimName(id, sandbox);
        boolean made = false;
        try {
            if (directory == null) {
                directory = launcher.create(sandboxSpec, progress);
            }
            SandboxDirectory booted = directory;
            progress.accept("creating the container");
            orDiscard(
                    launcher,
                    booted,
                    fresh,
                    () -> new MonitorClient(booted).call(new Request.Create(spec)));
            made = true;
            return new Created(directory, spec, fresh);
        } finally {
            if (!made) {
                store.releaseName(id);
            }
        }
    }

    /** Runs a step; when it fails, a sandbox that was made for it goes too. */
    static <T> T orDiscard(
            Launcher launcher, SandboxDirectory directory, boolean fresh, Callable<T> step)
            throws IOException, SandboxException, InterruptedException {
        try {
            return step.call();
        } catch (Exception e) {
            if (fresh) {
                launcher.discard(directory, e);
            }
            switch (e) {
                case IOException io -> throw io;
                case SandboxException s -> throw s;
                case InterruptedException i -> throw i;
                case RuntimeException r -> throw r;
                default -> throw new IllegalStateException(e);
            }
        }
    }
}
