package org.bundlevisor.cpu.core.execute;

import org.bundlevisor.cpu.core.decode.Instruction;

/**
 * Describes the operands of an intercepted instruction in the encoding that VT-x's VM-exit instruction information has,
 * SDM vol. 3C, 28.2.5, tables 28-9 to 28-15.
 */
final class ExitOperands {
    private ExitOperands() {}

    /** INS and OUTS, table 28-9. */
    static int string(Instruction in) {
        return addressSize(in) << 7 | in.segment << 15;
    }

    /** An instruction with a memory operand and, maybe, a register beside it: tables 28-10 to 28-14. */
    static int memory(Instruction in, int register) {
        int base = in.base == Instruction.NONE || in.base == Instruction.RIP ? 1 << 27 : in.base << 23;
        int index = in.index == Instruction.NONE ? 1 << 22 : in.index << 18;
        return in.scale | addressSize(in) << 7 | in.segment << 15 | index | base | register << 28;
    }

    /** An instruction with a register in the place of the memory operand. */
    static int register(Instruction in, int register) {
        return in.rm << 3 | 1 << 10 | register << 28;
    }

    /** Descriptor tables: SGDT, SIDT, LGDT, LIDT are 0 to 3 (table 28-11), SLDT, STR, LLDT, LTR likewise (table 28-12). */
    static int table(Instruction in, int identity) {
        int operandSize = in.operandSize == 2 ? 0 : 1 << 11;
        return (in.memory ? memory(in, 0) | operandSize : register(in, 0)) | identity << 28;
    }

    /** RDRAND and RDSEED, table 28-13. */
    static int random(Instruction in) {
        return in.rm << 3 | Integer.numberOfTrailingZeros(in.operandSize) - 1 << 11;
    }

    private static int addressSize(Instruction in) {
        return Integer.numberOfTrailingZeros(in.addressSize) - 1;
    }
}
