package org.bundlevisor.cpu.amdv;

import static org.bundlevisor.mmu.SecondLevelTables.EXECUTE;
import static org.bundlevisor.mmu.SecondLevelTables.TABLE_WALK;
import static org.bundlevisor.mmu.SecondLevelTables.WRITE;

import org.bundlevisor.mmu.Translation.Outcome;

/** Builds EXITINFO1 and EXITINFO2, APM vol. 2, 15.7 to 15.13, 15.25.6 and, for decode assists, 15.33. */
final class ExitInformation {
    private ExitInformation() {}

    /** MOV to or from a control register, 15.33.1. @param general number of the general register */
    static long moveControlRegister(int general) {
        return 1L << 63 | general;
    }

    /**
     * IN, OUT, INS and OUTS, 15.10.2.
     *
     * @param size of the operand: 1, 2 or 4 bytes
     * @param addressSize 2, 4 or 8 bytes
     * @param segment of the string in memory, ES to GS = 0 to 5; 0 where there is none
     */
    static long io(int port, int size, int addressSize, int segment, boolean input, boolean string, boolean repeated) {
        return (long) port << 16
                | (long) segment << 10
                | (long) addressSize << 6
                | (long) size << 4
                | (repeated ? 1 << 3 : 0)
                | (string ? 1 << 2 : 0)
                | (input ? 1 : 0);
    }

    /**
     * EXITINFO2 of a task switch, 15.14.1.
     *
     * @param source 0 CALL, 1 IRET, 2 JMP, 3 task gate in the IDT
     * @param resume RFLAGS.RF as the outgoing task would save it
     */
    static long taskSwitch(int source, boolean hasErrorCode, int errorCode, boolean resume) {
        return (source == 1 ? 1L << 36 : 0)
                | (source == 2 ? 1L << 38 : 0)
                | (hasErrorCode ? 1L << 44 | errorCode & 0xffff_ffffL : 0)
                | (resume ? 1L << 48 : 0);
    }

    /**
     * EXITINFO1 of a nested page fault, 15.25.6: all nested walks are the user's, and the guest's table walks are writes.
     *
     * @param access as in {@code SecondLevelTables.translate}
     */
    static long nestedPageFault(int access, Outcome refusal) {
        boolean walk = (access & TABLE_WALK) != 0;
        return (refusal == Outcome.NOT_PRESENT ? 0 : 1)
                | (walk || (access & WRITE) != 0 ? 1 << 1 : 0)
                | 1 << 2
                | (refusal == Outcome.MISCONFIGURED ? 1 << 3 : 0)
                | (!walk && (access & EXECUTE) != 0 ? 1 << 4 : 0)
                | (walk ? 1L << 33 : 1L << 32);
    }
}
