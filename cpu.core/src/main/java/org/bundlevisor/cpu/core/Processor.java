package org.bundlevisor.cpu.core;

import org.bundlevisor.cpu.CpuHost;
import org.bundlevisor.cpu.CpuModel;
import org.bundlevisor.cpu.CpuState;
import org.bundlevisor.cpu.core.execute.Cpu;
import org.bundlevisor.cpu.core.execute.Interpreter;
import org.bundlevisor.cpu.core.execute.LiveRegisters;
import org.bundlevisor.cpu.core.execute.Signals;
import org.bundlevisor.memory.HostMemory;
import org.bundlevisor.memory.HostMemoryExhaustedException;
import org.bundlevisor.mmu.SecondLevelTables;

/**
 * One x86-64 processor in software, as a backend drives it: told what to stop at, it executes guest code until then and
 * says why it stopped. It holds the live guest state; a backend reads and writes it between runs through {@link #registers()}.
 *
 * <p>All methods belong to the vCPU's thread, but for those that say otherwise.
 */
public final class Processor implements AutoCloseable {
    private final Cpu cpu;
    private final Interpreter engine;
    private final Registers registers;

    /**
     * @param index number of the vCPU, below 64; also its local APIC identifier
     * @param group what it shares with the other processors of its partition
     */
    public Processor(
            int index,
            CpuModel model,
            CpuHost host,
            HostMemory memory,
            SecondLevelTables tables,
            ProcessorGroup group)
            throws HostMemoryExhaustedException {
        cpu = new Cpu(index, model, host, memory, tables, group.group());
        group.group().add(cpu);
        engine = new Interpreter(cpu);
        registers = new LiveRegisters(cpu);
    }

    /** The live state. */
    public Registers registers() {
        return registers;
    }

    /** What to stop at; to be changed between runs only. Follow changes by {@link #interceptsChanged}. */
    public Intercepts intercepts() {
        return cpu.intercepts();
    }

    /** Makes changes to the intercepts known. */
    public void interceptsChanged() {
        cpu.interceptsChanged();
    }

    /** Why the last run stopped. */
    public ProcessorExit exit() {
        return cpu.exit();
    }

    /** Executes guest code until {@link #exit()} says why not to go on; an injected event is delivered first. */
    public void run() {
        engine.run();
    }

    /**
     * Executes the one instruction at RIP with ports and memory-mapped registers within reach, to complete a port or a
     * second-level exit. A fault of the instruction is delivered to the guest. Other intercepts hold.
     *
     * @return false when it was stopped by another exit, which {@link #exit()} tells
     */
    public boolean complete() {
        return engine.complete();
    }

    /**
     * Steps over the intercepted instruction, whose effects the backend has brought about: RIP moves behind it, the interrupt
     * shadow ends, a single-step trap becomes pending, the instruction counts.
     *
     * @param length of the instruction in bytes
     */
    public void skip(int length) {
        cpu.skip(length);
    }

    /** Has an event delivered before the next instruction; {@code Injection.NONE} takes it back. */
    public void inject(CpuState.Injection event) {
        cpu.inject(event);
    }

    /** Instructions executed so far; exact between runs and inside call-backs. */
    public long instructions() {
        return cpu.instructions();
    }

    /** Stops with LIMIT when so many instructions have been executed. Also from within a call-back. */
    public void setInstructionLimit(long limit) {
        cpu.setInstructionLimit(limit);
    }

    /** Stops with STOPPED soon. From any thread. */
    public void requestStop() {
        cpu.signals().raise(Signals.STOP);
    }

    /** Stops with EXTERNAL_INTERRUPT soon, once for each signal. From any thread. */
    public void signalExternalInterrupt() {
        cpu.signals().raise(Signals.EXTERNAL_INTERRUPT);
    }

    /** Stops with NMI soon. From any thread. */
    public void signalNonMaskableInterrupt() {
        cpu.signals().raise(Signals.NMI);
    }

    /** Stops with INIT soon. From any thread. */
    public void signalInit() {
        cpu.signals().raise(Signals.INIT);
    }

    /** Stops with STARTUP soon, if it waits for that. From any thread. */
    public void signalStartUp(int vector) {
        cpu.signals().startUp(vector);
    }

    /** Makes it forget what it knows of the second-level tables. From any thread. */
    public void invalidateSecondLevel() {
        cpu.signals().raise(Signals.SECOND_LEVEL);
    }

    /** Whether a signal waits to be seen. From any thread. */
    public boolean signalled() {
        return cpu.signals().flags() != 0;
    }

    /** Look-ups that the software TLB could not answer. */
    public long tlbMisses() {
        return cpu.tlbMisses();
    }

    public long tracesDecoded() {
        return cpu.tracesDecoded();
    }

    public long tracesInvalidated() {
        return cpu.tracesInvalidated();
    }

    @Override
    public void close() {
        cpu.close();
    }
}
