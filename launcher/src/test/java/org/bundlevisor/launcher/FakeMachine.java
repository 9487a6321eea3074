package org.bundlevisor.launcher;

import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.bundlevisor.cpu.CpuStatistics;
import org.bundlevisor.machine.MachineStatistics;
import org.bundlevisor.machine.Outcome;
import org.bundlevisor.machine.VirtualMachine;

/** A machine that does what a test says. */
public class FakeMachine implements VirtualMachine {
    private final String name;
    private final CompletableFuture<Outcome> outcome = new CompletableFuture<>();
    private State state = State.CREATED;

    public FakeMachine(String name) {
        this.name = name;
    }

    public void end(Outcome how) {
        state = State.STOPPED;
        outcome.complete(how);
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public State state() {
        return state;
    }

    @Override
    public String problem() {
        return "";
    }

    @Override
    public void start() {
        state = State.RUNNING;
    }

    @Override
    public void pause() {
        state = State.PAUSED;
    }

    @Override
    public void resume() {
        state = State.RUNNING;
    }

    @Override
    public void reset() {
        // nothing to reset
    }

    @Override
    public void swap(String backend) {
        throw new IllegalStateException("there is no backend " + backend);
    }

    @Override
    public void stop() {
        end(new Outcome.Stopped());
    }

    @Override
    public CompletionStage<Outcome> outcome() {
        return outcome;
    }

    @Override
    public Map<String, String> parts() {
        return Map.of("cpu", "fake", "memory", "64 MiB");
    }

    @Override
    public MachineStatistics statistics() {
        CpuStatistics cpu = new CpuStatistics(1_000_000, Map.of("HLT", 3L, "EPT violation", 40L), 17, 5, 2);
        return new MachineStatistics("fake", 2.0, 1.5, 0, List.of(cpu, cpu));
    }
}
