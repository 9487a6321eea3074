package org.bundlevisor.machine;

import java.util.Map;
import java.util.concurrent.CompletionStage;
import org.osgi.annotation.versioning.ProviderType;

/**
 * A virtual machine; a service with the property {@link #NAME}, registered for as long as its factory configuration
 * exists, also while parts are missing. All methods may be called from any thread and return when the machine has reached
 * the state asked for.
 */
@ProviderType
public interface VirtualMachine {
    /** Factory PID of the configurations that virtual machines are made from. */
    String PID = "org.bundlevisor.machine";

    /** Service property: the machine's name, unique in the platform. */
    String NAME = "vm.name";

    /** Life cycle. */
    enum State {
        /** A backend, a device or another part is not there yet; {@link #problem()} names it. */
        INCOMPLETE,
        /** Composed and reset, never started. */
        CREATED,
        RUNNING,
        PAUSED,
        /** Ended; {@link #outcome()} says how. {@link #start()} begins anew from reset. */
        STOPPED
    }

    String name();

    State state();

    /** One sentence that says what is missing or wrong and what to do; empty when nothing is. */
    String problem();

    /** Starts a created or stopped machine from reset. @throws IllegalStateException in one sentence, when it cannot */
    void start();

    /** Stops all vCPUs at instruction boundaries and the clock with them. Does nothing unless running. */
    void pause();

    /** Goes on after {@link #pause()}. Does nothing unless paused. */
    void resume();

    /** Resets a running or paused machine and goes on in the same state. Does nothing while it waits for a CPU backend. */
    void reset();

    /** Ends the run at once, as pulling the plug does. */
    void stop();

    /**
     * Moves a running or paused machine to another CPU backend, and so to the second-level paging format that this needs:
     * every vCPU is stopped at an instruction boundary and goes on from there. The guest notices nothing.
     *
     * @param backend name of the backend, as in {@link org.bundlevisor.cpu.CpuBackend#CPU}
     * @throws IllegalStateException in one sentence, when there is no such backend, when it cannot carry the guest's state, or
     *     when the machine neither runs nor is paused; the machine goes on as it was
     */
    void swap(String backend);

    /** Completes when the current or next run ends. */
    CompletionStage<Outcome> outcome();

    /** What the machine is made of: a part's role or name to a description of what fills it. */
    Map<String, String> parts();

    MachineStatistics statistics();
}
