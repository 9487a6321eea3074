package org.bundlevisor.cpu.core.execute;

import java.util.Arrays;
import org.bundlevisor.cpu.CpuState.Injection;

/** The state after power-up, INIT and a start-up IPI: SDM vol. 3A, table 11-1, and 10.4 "MP initialization". */
final class Reset {
    /** Attributes of the system segments. */
    private static final int LOCAL_TABLE = 0x82;
    private static final int TASK_STATE = 0x8B;
    private static final int LIMIT = 0xFFFF;

    /** CR0 after power-up: caching disabled, ET set. */
    private static final long POWER_UP_CR0 = Bits.CR0_CD | Bits.CR0_NW | Bits.CR0_ET;

    private final Cpu cpu;

    Reset(Cpu cpu) {
        this.cpu = cpu;
    }

    /** All registers; an application processor then waits for a start-up IPI. */
    void powerUp() {
        cpu.x87.reset();
        Arrays.fill(cpu.xmm, 0);
        cpu.mxcsr = 0x1F80;
        cpu.xcr0 = 1;
        cpu.cr0 = POWER_UP_CR0;
        cpu.msrs.reset();
        cpu.timeStampOffset = 0;
        initialise();
    }

    /** INIT leaves the floating-point state, the caches' control bits, the MSRs and the TSC alone. */
    void init() {
        cpu.cr0 = cpu.cr0 & (Bits.CR0_CD | Bits.CR0_NW) | Bits.CR0_ET;
        initialise();
    }

    private void initialise() {
        Arrays.fill(cpu.gpr, 0);
        cpu.gpr[Cpu.RDX] = cpu.model.leaf(1, 0).eax() & 0xFFFF_FFFFL;
        cpu.rip = 0xFFF0;
        cpu.cr2 = 0;
        cpu.cr3 = 0;
        cpu.cr4 = 0;
        cpu.efer = 0;
        cpu.cpl = 0;
        Arrays.fill(cpu.dr, 0);
        cpu.dr[6] = 0xFFFF_0FF0L;
        cpu.dr[7] = 0x400;
        for (int segment = Cpu.ES; segment <= Cpu.GS; segment++) {
            set(segment, 0, 0, Segments.REAL_DATA);
        }
        set(Cpu.CS, 0xF000, 0xFFFF_0000L, Segments.REAL_CODE);
        set(Cpu.LDTR, 0, 0, LOCAL_TABLE);
        set(Cpu.TR, 0, 0, TASK_STATE);
        cpu.gdtrBase = 0;
        cpu.gdtrLimit = LIMIT;
        cpu.idtrBase = 0;
        cpu.idtrLimit = LIMIT;
        cpu.pendingDebug = 0;
        cpu.shadow = 0;
        cpu.nmiBlocked = false;
        cpu.halted = false;
        cpu.shutDown = false;
        cpu.waitingForStartup = cpu.index != 0;
        cpu.inject(Injection.NONE);
        cpu.setRflags(Bits.FLAG_FIXED);
        cpu.pending = cpu.waitingForStartup ? Cpu.PENDING_IDLE : 0;
        cpu.modeChanged();
        cpu.flushTlb();
        cpu.interceptsChanged();
    }

    private void set(int segment, int selector, long base, int attributes) {
        Segments.set(cpu, segment, selector, base, LIMIT, attributes);
    }

    /** Begins execution at physical address {@code vector * 4096}. */
    void startUp(int vector) {
        cpu.waitingForStartup = false;
        set(Cpu.CS, vector << 8, (long) vector << 12, Segments.REAL_CODE);
        cpu.rip = 0;
        cpu.modeChanged();
    }
}
