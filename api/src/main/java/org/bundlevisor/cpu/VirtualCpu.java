package org.bundlevisor.cpu;

import org.osgi.annotation.versioning.ConsumerType;

/**
 * One vCPU. {@link #run}, {@link #state}, {@link #restore} and {@link #setInstructionLimit} belong to the vCPU's own
 * thread, or to any other while the vCPU is known not to run; all other methods may be called from any thread.
 */
@ConsumerType
public interface VirtualCpu extends AutoCloseable {
    /** Why {@link #run} came back. In every case the vCPU is at an instruction boundary. */
    enum RunResult {
        /**
         * The guest executed HLT. Do not call {@code run} before {@link #wakes()} says so; a call that comes too early
         * returns this again.
         */
        HALTED,
        /** The vCPU waits for a start-up IPI, after power-up as an application processor or after INIT. */
        WAITING_FOR_STARTUP,
        /** Triple fault: the vCPU is in the shutdown state. */
        SHUT_DOWN,
        /** {@link #kick} was called. */
        KICKED,
        /** The instruction limit was reached exactly. */
        LIMIT_REACHED,
        /** The backend cannot go on; {@link #failure()} says why. The state is kept for inspection. */
        FAILED
    }

    /** Executes guest code until one of the reasons in {@link RunResult}. */
    RunResult run();

    /** Makes a running or the next {@link #run} return soon with {@link RunResult#KICKED}. */
    void kick();

    /** The one sentence that explains {@link RunResult#FAILED}; empty before. */
    String failure();

    /** Whether a halted or waiting vCPU has reason to run: an interrupt it would accept, NMI, INIT, SIPI. */
    boolean wakes();

    /** Sets the level of the interrupt request line (INTR); the vector is fetched when the vCPU accepts it. */
    void setInterruptRequest(boolean asserted);

    /** Signals a non-maskable interrupt. */
    void nonMaskableInterrupt();

    /** Signals INIT. */
    void init();

    /**
     * Signals a start-up IPI, ignored unless the vCPU waits for one.
     *
     * @param vector 0 to 255: execution starts in real mode at physical address vector × 4096
     */
    void startUp(int vector);

    /** Instructions executed so far, carried on by {@link #restore}. Exact between runs and inside call-backs. */
    long instructions();

    /**
     * Makes {@link #run} return {@link RunResult#LIMIT_REACHED} when {@link #instructions()} reaches the limit, before the
     * next instruction. {@link Long#MAX_VALUE} means none. May also be called from within a call-back of this vCPU.
     */
    void setInstructionLimit(long limit);

    /** The complete architectural state. */
    CpuState state();

    /**
     * Replaces the complete architectural state.
     *
     * @throws IllegalArgumentException in one sentence, when the backend cannot carry this state; nothing has changed then
     */
    void restore(CpuState state);

    /** A snapshot of the counters. */
    CpuStatistics statistics();

    /** Gives up the vCPU, which must not be running. */
    @Override
    void close();
}
