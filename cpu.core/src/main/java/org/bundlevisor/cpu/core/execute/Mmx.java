package org.bundlevisor.cpu.core.execute;

import java.util.function.LongBinaryOperator;
import org.bundlevisor.cpu.core.decode.Instruction;
import org.bundlevisor.cpu.core.decode.Mnemonic;

/** MMX instructions: SDM vol. 1, chapter 9. Their registers are the significands of the x87 registers, counted without TOP. */
final class Mmx {
    private Mmx() {}

    /** Raises #UD, #NM or a waiting #MF: SDM vol. 3A, 14.1. */
    static void check(Cpu cpu) {
        if ((cpu.cr0 & (Bits.CR0_EM | Bits.CR0_TS)) != 0) {
            throw cpu.raise(
                    (cpu.cr0 & Bits.CR0_EM) != 0 ? Vectors.INVALID_OPCODE : Vectors.DEVICE_NOT_AVAILABLE, 0);
        }
        cpu.x87.deliverWaiting(cpu);
    }

    /** The second operand, a register or a quadword of memory. */
    static long source(Cpu cpu, Instruction in) {
        return in.memory ? cpu.read64(cpu.address(in, 8, false)) : cpu.x87.significand[in.rm & 7];
    }

    /** A handler for an operation on the destination and a register or as many bytes of memory as the second operand has. */
    static Handler handler(LongBinaryOperator operation) {
        return (cpu, in) -> {
            check(cpu);
            long b = !in.memory
                    ? cpu.x87.significand[in.rm & 7]
                    : cpu.read(cpu.address(in, in.size(1), false), in.size(1));
            cpu.x87.setMmx(in.reg, operation.applyAsLong(cpu.x87.significand[in.reg & 7], b));
        };
    }

    static boolean isMmx(Instruction in) {
        return switch (in.opcode.operand(0)) {
            case Pq, Nq -> true;
            default -> false;
        };
    }

    static void register(HandlerTable table) {
        table.addOne(Mnemonic.EMMS, Mmx::empty);
        table.addOne(Mnemonic.MOVNTQ, Mmx::store);
        table.addOne(Mnemonic.PSHUFW, Mmx::shuffleWords);
        table.addOne(Mnemonic.MASKMOVQ, Mmx::maskedStore);
    }

    private static void empty(Cpu cpu, Instruction in) {
        check(cpu);
        cpu.x87.leaveMmx();
    }

    private static void store(Cpu cpu, Instruction in) {
        check(cpu);
        cpu.write64(cpu.address(in, 8, true), cpu.x87.significand[in.reg & 7]);
        cpu.x87.enterMmx();
    }

    private static void shuffleWords(Cpu cpu, Instruction in) {
        check(cpu);
        cpu.x87.setMmx(in.reg, SseMoves.shuffleWords(source(cpu, in), (int) in.immediate));
    }

    private static void maskedStore(Cpu cpu, Instruction in) {
        check(cpu);
        int mask = PackedIntegers.signsOfBytes(cpu.x87.significand[in.rm & 7]);
        SseMoves.storeBytes(cpu, in, mask, cpu.x87.significand[in.reg & 7], 0);
        cpu.x87.enterMmx();
    }
}
