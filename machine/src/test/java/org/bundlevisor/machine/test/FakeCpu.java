package org.bundlevisor.machine.test;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.bundlevisor.cpu.CpuHost;
import org.bundlevisor.cpu.CpuState;
import org.bundlevisor.cpu.CpuStatistics;
import org.bundlevisor.cpu.VirtualCpu;
import org.bundlevisor.cpu.XsaveArea;
import org.jspecify.annotations.Nullable;

/** A vCPU whose instructions are calls of a script. */
public final class FakeCpu implements VirtualCpu {
    private final int index;
    private final CpuHost host;
    private final Script script;
    private volatile boolean kicked;
    private volatile boolean interruptRequest;
    private volatile boolean nmi;
    private volatile boolean closed;
    private volatile int startUpVector = -1;
    private volatile int inits;
    private volatile long instructions;
    private volatile long limit = Long.MAX_VALUE;
    private volatile CpuState state;
    private volatile String failure = "";

    /** What the vCPU executes. */
    @FunctionalInterface
    public interface Script {
        /** One instruction. @return why the vCPU stops after it, or null when it goes on */
        @Nullable RunResult step(FakeCpu cpu);
    }

    public FakeCpu(int index, CpuHost host, Script script) {
        this.index = index;
        this.host = host;
        this.script = script;
        state = powerUp();
    }

    /** SDM vol. 3A, table 10-1, as far as anybody here looks at it. */
    public static CpuState powerUp() {
        List<CpuState.Segment> segments = new ArrayList<>(
                Collections.nCopies(8, new CpuState.Segment(0, 0, 0xffff, 0x93)));
        segments.set(1, new CpuState.Segment(0xf000, 0xffff_0000L, 0xffff, 0x9b));
        segments.set(6, new CpuState.Segment(0, 0, 0xffff, 0x82));
        segments.set(7, new CpuState.Segment(0, 0, 0xffff, 0x8b));
        return new CpuState(
                Collections.nCopies(16, 0L),
                0xfff0,
                2,
                segments,
                new CpuState.DescriptorTable(0, 0xffff),
                new CpuState.DescriptorTable(0, 0xffff),
                new CpuState.Control(0x6000_0010, 0, 0, 0, 0, 1),
                List.of(0L, 0L, 0L, 0L, 0xffff_0ff0L, 0x400L),
                Map.of(0x277, 0x0007_0406_0007_0406L),
                new XsaveArea(new byte[XsaveArea.SIZE]),
                CpuState.Events.NONE,
                CpuState.Activity.RUNNING,
                0,
                0);
    }

    public int index() {
        return index;
    }

    public CpuHost host() {
        return host;
    }

    public boolean interruptRequested() {
        return interruptRequest;
    }

    public boolean isClosed() {
        return closed;
    }

    public int startUpVector() {
        return startUpVector;
    }

    public int inits() {
        return inits;
    }

    /** Makes the script's next result FAILED speak. */
    public RunResult fail(String reason) {
        failure = reason;
        return RunResult.FAILED;
    }

    @Override
    @SuppressWarnings("NonAtomicOperationOnVolatileField") // written by the vCPU's own thread alone
    public RunResult run() {
        while (true) {
            if (kicked) {
                kicked = false;
                return RunResult.KICKED;
            }
            if (instructions >= limit) {
                return RunResult.LIMIT_REACHED;
            }
            RunResult result = script.step(this);
            instructions++;
            if (result != null) {
                return result;
            }
        }
    }

    @Override
    public void kick() {
        kicked = true;
    }

    @Override
    public String failure() {
        return failure;
    }

    @Override
    public boolean wakes() {
        return interruptRequest || nmi || startUpVector >= 0;
    }

    @Override
    public void setInterruptRequest(boolean asserted) {
        interruptRequest = asserted;
    }

    @Override
    public void nonMaskableInterrupt() {
        nmi = true;
    }

    @Override
    public void init() {
        inits = inits + 1;
    }

    @Override
    public void startUp(int vector) {
        startUpVector = vector;
    }

    @Override
    public long instructions() {
        return instructions;
    }

    @Override
    public void setInstructionLimit(long newLimit) {
        limit = newLimit;
    }

    @Override
    public CpuState state() {
        return state;
    }

    @Override
    public void restore(CpuState newState) {
        state = newState;
    }

    @Override
    public CpuStatistics statistics() {
        return new CpuStatistics(instructions, Map.of("HLT", 1L), 2, 3, 4);
    }

    @Override
    public void close() {
        closed = true;
    }
}
