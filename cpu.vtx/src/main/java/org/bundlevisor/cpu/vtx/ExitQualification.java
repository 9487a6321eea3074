package org.bundlevisor.cpu.vtx;

import static org.bundlevisor.mmu.SecondLevelTables.EXECUTE;
import static org.bundlevisor.mmu.SecondLevelTables.READ;
import static org.bundlevisor.mmu.SecondLevelTables.TABLE_WALK;
import static org.bundlevisor.mmu.SecondLevelTables.WRITE;

/** Builds exit qualifications, SDM vol. 3C, 28.2.1 "Basic VM-Exit Information". */
final class ExitQualification {
    /** Access types of a control-register access, table 28-3, bits 5:4. */
    static final int MOV_TO_CR = 0;

    static final int MOV_FROM_CR = 1;
    static final int CLTS = 2;
    static final int LMSW = 3;

    /** Access types of an APIC access, table 28-6, bits 15:12. */
    static final int APIC_READ = 0;

    static final int APIC_WRITE = 1;
    static final int APIC_FETCH = 2;
    static final int APIC_EVENT_DELIVERY = 3;

    private ExitQualification() {}

    /**
     * Debug exceptions, table 28-1: the bits that DR6 would have received, B3:0, BD (13) and BS (14).
     *
     * @param dr6 with its bits for conditions
     */
    static long debugException(long dr6) {
        return dr6 & 0x600f;
    }

    /** Start-up IPI: the vector. */
    static long startUp(int vector) {
        return vector & 0xff;
    }

    /**
     * Task switch, table 28-2.
     *
     * @param source 0 CALL, 1 IRET, 2 JMP, 3 a task gate in the IDT
     */
    static long taskSwitch(int selector, int source) {
        return selector & 0xffff | (long) source << 30;
    }

    /** MOV to or from a control register, table 28-3. */
    static long moveControlRegister(int controlRegister, boolean toControlRegister, int generalRegister) {
        return controlRegister & 15
                | (toControlRegister ? MOV_TO_CR : MOV_FROM_CR) << 4
                | (long) generalRegister << 8;
    }

    /** CLTS, table 28-3. */
    static long clearTaskSwitched() {
        return CLTS << 4;
    }

    /** LMSW, table 28-3; {@code source} are the 16 bits to be loaded. */
    static long loadMachineStatusWord(int source, boolean memoryOperand) {
        return LMSW << 4 | (memoryOperand ? 1 << 6 : 0) | (source & 0xffffL) << 16;
    }

    /** MOV to or from a debug register, table 28-4. */
    static long moveDebugRegister(int debugRegister, boolean fromDebugRegister, int generalRegister) {
        return debugRegister & 7 | (fromDebugRegister ? 1 << 4 : 0) | (long) generalRegister << 8;
    }

    /**
     * IN, OUT, INS, OUTS, table 28-5.
     *
     * @param size 1, 2 or 4 bytes
     */
    static long io(int port, int size, boolean in, boolean string, boolean repeated, boolean immediate) {
        return size - 1
                | (in ? 1 << 3 : 0)
                | (string ? 1 << 4 : 0)
                | (repeated ? 1 << 5 : 0)
                | (immediate ? 1 << 6 : 0)
                | (long) (port & 0xffff) << 16;
    }

    /** APIC access, table 28-6. */
    static long apicAccess(int offset, int accessType) {
        return offset & 0xfff | (long) accessType << 12;
    }

    /**
     * EPT violation, table 28-7. Accesses to the guest's paging structures count as writes, and as reads where they
     * are, because accessed and dirty flags for EPT are enabled.
     *
     * @param access as {@link org.bundlevisor.mmu.SecondLevelTables#translate} takes it
     * @param rights that the EPT entries grant together
     * @param linearAddressValid whether the guest-linear address field is
     */
    static long eptViolation(int access, int rights, boolean linearAddressValid) {
        boolean tableWalk = (access & TABLE_WALK) != 0;
        return (tableWalk ? READ | WRITE : access & (READ | WRITE | EXECUTE))
                | (rights & (READ | WRITE | EXECUTE)) << 3
                | (linearAddressValid ? 1 << 7 : 0)
                | (linearAddressValid && !tableWalk ? 1 << 8 : 0);
    }
}
