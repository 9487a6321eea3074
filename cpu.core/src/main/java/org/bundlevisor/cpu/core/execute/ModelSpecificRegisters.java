package org.bundlevisor.cpu.core.execute;

/** The model-specific registers that live in the processor, SDM vol. 4. */
final class ModelSpecificRegisters {
    private final Cpu cpu;

    ModelSpecificRegisters(Cpu cpu) {
        this.cpu = cpu;
    }

    /** Reads a register. @return false when the guest is to get #GP(0) */
    boolean read(int index, long[] value) {
        return cpu.host.readMsr(cpu.index, index, value);
    }

    /** Writes a register. @return false when the guest is to get #GP(0) */
    boolean write(int index, long value) {
        return cpu.host.writeMsr(cpu.index, index, value);
    }
}
