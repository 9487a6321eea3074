package org.bundlevisor.cpu.core.execute;

import java.util.ArrayList;
import java.util.List;
import org.bundlevisor.cpu.core.decode.OpcodeTable;
import org.bundlevisor.memory.HostMemory;
import org.bundlevisor.memory.HostMemoryExhaustedException;

/**
 * What the vCPUs of a partition have in common: which memory holds decoded code, and the way to tell each other when it is
 * written. From any thread.
 */
public final class CpuGroup {
    private final CodeFrames codeFrames;
    private final OpcodeTable opcodes;
    private final HandlerTable handlers;
    private volatile List<Cpu> members = List.of();

    public CpuGroup(HostMemory memory) throws HostMemoryExhaustedException {
        codeFrames = new CodeFrames(memory);
        opcodes = OpcodeTable.load();
        handlers = new HandlerTable();
    }

    /** Adds a vCPU, whose index no other one has. */
    public synchronized void add(Cpu cpu) {
        List<Cpu> grown = new ArrayList<>(members);
        grown.add(cpu);
        members = List.copyOf(grown);
    }

    public void close() {
        codeFrames.close();
    }

    CodeFrames codeFrames() {
        return codeFrames;
    }

    OpcodeTable opcodes() {
        return opcodes;
    }

    HandlerTable handlers() {
        return handlers;
    }

    /** Tells the other vCPUs that have decoded bytes of the frame, one bit each, that these were written. */
    void wrote(int writer, long hostPhysical, long size, long cpus) {
        for (Cpu cpu : members) {
            if (cpu.index != writer && (cpus >>> cpu.index & 1) != 0) {
                cpu.traces.notices().wrote(hostPhysical, size);
                cpu.signals.raise(Signals.CODE);
            }
        }
    }

    /**
     * Answers {@link #decoded}: those vCPUs that have decoded bytes of the frame, one bit each, decode them once more, for the
     * answering one may have written there before it knew.
     */
    void doubted(int writer, long frame, long cpus) {
        for (Cpu cpu : members) {
            if (cpu.index != writer && (cpus >>> cpu.index & 1) != 0) {
                cpu.traces.notices().doubted(frame);
                cpu.signals.raise(Signals.CODE);
            }
        }
    }

    /**
     * Tells the other vCPUs that a frame holds decoded code now, so that they no longer cache permission to write to it. What
     * one of them has written in the meantime it reports in turn.
     */
    void decoded(int reader, long frame) {
        for (Cpu cpu : members) {
            if (cpu.index != reader) {
                cpu.traces.notices().decoded(frame);
                cpu.signals.raise(Signals.CODE);
            }
        }
    }

    /** Something other than a vCPU wrote to guest memory. */
    public void wroteFromOutside(long hostPhysical, long size) {
        for (long at = hostPhysical; at < hostPhysical + size; at = (at | 0xFFF) + 1) {
            long end = Math.min((at | 0xFFF) + 1, hostPhysical + size);
            long cpus = codeFrames.cpus(at >>> 12);
            if (cpus != 0) {
                wrote(-1, at, end - at, cpus);
            }
        }
    }
}
