package org.bundlevisor.cpu.core.execute;

/** Control registers and XCR0: what a write to them checks and changes. SDM vol. 3A, 2.5 and 2.6. */
final class ControlRegisters {
    private static final long CR0_DEFINED = Bits.CR0_PE
            | Bits.CR0_MP
            | Bits.CR0_EM
            | Bits.CR0_TS
            | Bits.CR0_ET
            | Bits.CR0_NE
            | Bits.CR0_WP
            | Bits.CR0_AM
            | Bits.CR0_NW
            | Bits.CR0_CD
            | Bits.CR0_PG;
    private static final long FLUSHING_CR0 = Bits.CR0_PG | Bits.CR0_WP | Bits.CR0_PE;
    private static final long FLUSHING_CR4 = Bits.CR4_PSE | Bits.CR4_PAE | Bits.CR4_PGE | Bits.CR4_PCIDE | Bits.CR4_SMEP
            | Bits.CR4_SMAP;

    /** Bits whose change makes PAE paging load its page-directory-pointer registers, SDM vol. 3A, 5.4.1. */
    private static final long LOADING_CR0 = Bits.CR0_CD | Bits.CR0_NW | Bits.CR0_PG;

    private static final long LOADING_CR4 = Bits.CR4_PAE | Bits.CR4_PGE | Bits.CR4_PSE | Bits.CR4_SMEP;

    private final Cpu cpu;
    private final long cr4Defined;

    ControlRegisters(Cpu cpu) {
        this.cpu = cpu;
        this.cr4Defined = definedInCr4(cpu);
    }

    /** The bits of CR4 that stand for features which CPUID reports; the others are reserved. */
    private static long definedInCr4(Cpu cpu) {
        return Bits.CR4_TSD * has(cpu, 1, 3, 4)
                | Bits.CR4_DE * has(cpu, 1, 3, 2)
                | Bits.CR4_PSE * has(cpu, 1, 3, 3)
                | Bits.CR4_PAE * has(cpu, 1, 3, 6)
                | Bits.CR4_MCE * has(cpu, 1, 3, 7)
                | Bits.CR4_PGE * has(cpu, 1, 3, 13)
                | Bits.CR4_PCE
                | (Bits.CR4_VME | Bits.CR4_PVI) * has(cpu, 1, 3, 1)
                | Bits.CR4_OSFXSR * has(cpu, 1, 3, 24)
                | Bits.CR4_OSXMMEXCPT * has(cpu, 1, 3, 25)
                | Bits.CR4_UMIP * has(cpu, 7, 2, 2)
                | Bits.CR4_FSGSBASE * has(cpu, 7, 1, 0)
                | Bits.CR4_PCIDE * has(cpu, 1, 2, 17)
                | Bits.CR4_OSXSAVE * has(cpu, 1, 2, 26)
                | Bits.CR4_SMEP * has(cpu, 7, 1, 7)
                | Bits.CR4_SMAP * has(cpu, 7, 1, 20);
    }

    private static int has(Cpu cpu, int leaf, int register, int bit) {
        return cpu.feature(leaf, 0, register, bit) ? 1 : 0;
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
        return switch (number) {
            case 0 -> writeCr0(value);
            case 2 -> {
                cpu.cr2 = value;
                yield true;
            }
            case 3 -> writeCr3(value);
            case 4 -> writeCr4(value);
            case 8 -> writeCr8(value);
            default -> false;
        };
    }

    private boolean writeCr0(long value) {
        boolean paging = (value & Bits.CR0_PG) != 0;
        boolean nowProtected = (value & Bits.CR0_PE) != 0;
        if (value >>> 32 != 0
                || paging && !nowProtected
                || (value & (Bits.CR0_NW | Bits.CR0_CD)) == Bits.CR0_NW) {
            return false;
        }
        boolean wasPaging = (cpu.cr0 & Bits.CR0_PG) != 0;
        boolean longEnabled = (cpu.efer & Bits.EFER_LME) != 0;
        boolean code64 = (cpu.segmentAttributes[Cpu.CS] & 1 << 13) != 0;
        if (paging && !wasPaging && longEnabled && ((cpu.cr4 & Bits.CR4_PAE) == 0 || code64)) {
            return false;
        }
        if (!paging && wasPaging && (cpu.code64() || (cpu.cr4 & Bits.CR4_PCIDE) != 0)) {
            return false;
        }
        long changed = cpu.cr0 ^ value;
        boolean pae = paging && !longEnabled && (cpu.cr4 & Bits.CR4_PAE) != 0;
        if (pae && (changed & LOADING_CR0) != 0 && !cpu.paging.loadPointers(cpu.cr3)) {
            return false;
        }
        setCr0(value & CR0_DEFINED | Bits.CR0_ET);
        return true;
    }

    private boolean writeCr3(long value) {
        if (cpu.longMode()) {
            long reserved = -1L << cpu.model.physicalAddressBits();
            if ((cpu.cr4 & Bits.CR4_PCIDE) != 0) {
                reserved &= Long.MAX_VALUE;
            }
            if ((value & reserved) != 0) {
                return false;
            }
        } else if (cpu.paePaging() && !cpu.paging.loadPointers(value)) {
            return false;
        }
        setCr3(value);
        return true;
    }

    private boolean writeCr4(long value) {
        long changed = cpu.cr4 ^ value;
        boolean longActive = cpu.longMode();
        if ((value & ~cr4Defined) != 0 || longActive && (value & Bits.CR4_PAE) == 0) {
            return false;
        }
        if ((changed & value & Bits.CR4_PCIDE) != 0 && (!longActive || (cpu.cr3 & 0xFFF) != 0)) {
            return false;
        }
        boolean paging = (cpu.cr0 & Bits.CR0_PG) != 0;
        boolean pae = paging && !longActive && (value & Bits.CR4_PAE) != 0;
        if (pae && (changed & LOADING_CR4) != 0 && !cpu.paging.loadPointers(cpu.cr3)) {
            return false;
        }
        setCr4(value);
        return true;
    }

    private boolean writeCr8(long value) {
        if (value >>> 4 != 0) {
            return false;
        }
        cpu.host.setTaskPriority(cpu.index, (int) value);
        return true;
    }

    /** XSETBV with its checks. @return false for #GP(0) */
    boolean writeExtended(int index, long value) {
        return ExtendedState.setControlRegister(cpu, index, value);
    }
}
