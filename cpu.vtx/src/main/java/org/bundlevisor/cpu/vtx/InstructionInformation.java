package org.bundlevisor.cpu.vtx;

/**
 * Builds the VM-exit instruction-information field, SDM vol. 3C, 28.2.5 "Information for VM Exits Due to Instruction
 * Execution". Segment registers are ES, CS, SS, DS, FS, GS = 0 to 5.
 */
final class InstructionInformation {
    private InstructionInformation() {}

    /**
     * INS and OUTS.
     *
     * @param addressSize 2, 4 or 8 bytes
     * @param segment of OUTS's source; not defined for INS
     */
    static long stringIo(int addressSize, int segment) {
        return addressSizeField(addressSize) | (long) segment << 15;
    }

    /**
     * Instructions with a memory operand, and maybe a register beside it: SGDT to LMSW, INVEPT, INVVPID, INVPCID, VMREAD,
     * VMWRITE and their kind.
     *
     * @param base register number, or -1
     * @param index register number, or -1
     * @param scale 1, 2, 4 or 8
     * @param register the register operand, or the instruction's identity at bit 28; 0 where there is none
     */
    static long memory(int addressSize, int segment, int base, int index, int scale, int register) {
        return Integer.numberOfTrailingZeros(scale)
                | addressSizeField(addressSize)
                | (long) segment << 15
                | (index < 0 ? 1L << 22 : (long) index << 18)
                | (base < 0 ? 1L << 27 : (long) base << 23)
                | (long) register << 28;
    }

    /** RDRAND and RDSEED: destination register and operand size of 2, 4 or 8 bytes. */
    static long random(int register, int operandSize) {
        return (long) register << 3 | (long) (Integer.numberOfTrailingZeros(operandSize) - 1) << 11;
    }

    private static long addressSizeField(int bytes) {
        return (long) (Integer.numberOfTrailingZeros(bytes) - 1) << 7;
    }
}
