package org.bundlevisor.cpu.core.execute;

/** The state after power-up and INIT, SDM vol. 3A, table 11-1. */
final class Reset {
    private final Cpu cpu;

    Reset(Cpu cpu) {
        this.cpu = cpu;
    }

    void powerUp() {
        cpu.modeChanged();
        cpu.flushTlb();
    }

    void init() {
        powerUp();
    }

    void startUp(int vector) {
        cpu.rip = vector;
    }
}
