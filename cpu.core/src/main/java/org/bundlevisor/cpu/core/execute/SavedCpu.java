package org.bundlevisor.cpu.core.execute;

import org.bundlevisor.cpu.CpuState;

/** Turns the live state into the neutral records that swaps and snapshots carry, and back. */
final class SavedCpu {
    private final Cpu cpu;
    private final LiveRegisters registers;

    SavedCpu(Cpu cpu, LiveRegisters registers) {
        this.cpu = cpu;
        this.registers = registers;
    }

    CpuState save() {
        throw new IllegalArgumentException(cpu + " " + registers);
    }

    void restore(CpuState state) {
        throw new IllegalArgumentException(state + " " + registers);
    }
}
