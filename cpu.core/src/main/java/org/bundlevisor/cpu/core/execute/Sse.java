package org.bundlevisor.cpu.core.execute;

import java.util.function.LongBinaryOperator;
import org.bundlevisor.cpu.core.decode.Instruction;
import org.bundlevisor.cpu.core.softfloat.ExceptionFlags;

/**
 * What all SSE instructions share: whether they may execute, their operands in memory, and the exceptions of their arithmetic.
 * SDM vol. 1, chapters 10 to 12, and the exception types of vol. 2A, tables 2-18 and following.
 */
final class Sse {
    private static final int MXCSR_MASKS = 7;

    private Sse() {}

    /** What an instruction makes of its XMM destination and a source of 16 bytes, or of the low bytes only. */
    @FunctionalInterface
    interface Operation {
        void apply(Cpu cpu, Instruction in, long low, long high);
    }

    /** Raises #UD or #NM where SSE instructions are not to be executed: SDM vol. 3A, table 15-1 and 3.5. */
    static void check(Cpu cpu) {
        if ((cpu.cr0 & (Bits.CR0_EM | Bits.CR0_TS)) != 0 || (cpu.cr4 & Bits.CR4_OSFXSR) == 0) {
            throw unavailable(cpu);
        }
    }

    private static GuestFault unavailable(Cpu cpu) {
        boolean off = (cpu.cr0 & Bits.CR0_EM) != 0 || (cpu.cr4 & Bits.CR4_OSFXSR) == 0;
        return cpu.raise(off ? Vectors.INVALID_OPCODE : Vectors.DEVICE_NOT_AVAILABLE, 0);
    }

    /** Linear address of a 16-byte operand, which has to be aligned. */
    static long aligned(Cpu cpu, Instruction in, boolean write) {
        long linear = cpu.address(in, 16, write);
        if ((linear & 15) != 0) {
            throw cpu.raise(Vectors.GENERAL_PROTECTION, 0);
        }
        return linear;
    }

    /** The second quadword of a 16-byte operand. */
    static long readHigh(Cpu cpu, long linear) {
        return cpu.read64(linear + 8 & cpu.linearMask);
    }

    /** Writes 16 bytes anywhere, all or nothing. */
    static void write128(Cpu cpu, long linear, long low, long high) {
        if ((linear & 0xFFF) > 0xFF0) {
            cpu.probeWrite(linear, 16);
        }
        cpu.write64(linear, low);
        cpu.write64(linear + 8 & cpu.linearMask, high);
    }

    /** Binds an operation to a register or to memory as wide as the second operand says; 16 bytes have to be aligned. */
    static HandlerTable.Binder binder(Operation operation) {
        Handler register = (cpu, in) -> {
            check(cpu);
            int source = in.rm << 1;
            operation.apply(cpu, in, cpu.xmm[source], cpu.xmm[source + 1]);
        };
        Handler wide = (cpu, in) -> {
            check(cpu);
            long linear = aligned(cpu, in, false);
            operation.apply(cpu, in, cpu.read64(linear), cpu.read64(linear + 8));
        };
        return in -> !in.memory ? register : in.size(1) == 16 ? wide : narrow(operation, in.size(1));
    }

    private static Handler narrow(Operation operation, int size) {
        return switch (size) {
            case 8 -> (cpu, in) -> {
                check(cpu);
                operation.apply(cpu, in, cpu.read64(cpu.address(in, 8, false)), 0);
            };
            case 4 -> (cpu, in) -> {
                check(cpu);
                operation.apply(cpu, in, cpu.read32(cpu.address(in, 4, false)) & 0xFFFF_FFFFL, 0);
            };
            case 2 -> (cpu, in) -> {
                check(cpu);
                operation.apply(cpu, in, cpu.read16(cpu.address(in, 2, false)), 0);
            };
            default -> throw new IllegalStateException("no SSE operand in memory has " + size + " bytes");
        };
    }

    /** The same with 16 bytes of memory that need not be aligned. */
    static HandlerTable.Binder unalignedBinder(Operation operation) {
        Handler register = (cpu, in) -> {
            check(cpu);
            int source = in.rm << 1;
            operation.apply(cpu, in, cpu.xmm[source], cpu.xmm[source + 1]);
        };
        Handler memory = (cpu, in) -> {
            check(cpu);
            long linear = cpu.address(in, 16, false);
            operation.apply(cpu, in, cpu.read64(linear), readHigh(cpu, linear));
        };
        return in -> in.memory ? memory : register;
    }

    /** An operation on each quadword of destination and source by itself. */
    static Operation lanes(LongBinaryOperator lane) {
        return (cpu, in, low, high) -> {
            long[] xmm = cpu.xmm;
            int destination = in.reg << 1;
            xmm[destination] = lane.applyAsLong(xmm[destination], low);
            xmm[destination + 1] = lane.applyAsLong(xmm[destination + 1], high);
        };
    }

    static void set(Cpu cpu, int register, long low, long high) {
        cpu.xmm[register << 1] = low;
        cpu.xmm[(register << 1) + 1] = high;
    }

    /**
     * Enters what the arithmetic raised into MXCSR, and raises #XM where something is unmasked; the destination is written
     * afterwards. SDM vol. 1, 11.5.3 and 11.5.4: an unmasked exception found before computation hides those found after it.
     */
    static void settle(Cpu cpu) {
        int raised = cpu.sse.exceptions;
        if (raised == 0) {
            return;
        }
        int unmasked = raised & ~(cpu.mxcsr >> MXCSR_MASKS);
        if ((unmasked & ExceptionFlags.BEFORE_COMPUTATION) != 0) {
            raised &= ExceptionFlags.BEFORE_COMPUTATION;
        }
        cpu.mxcsr |= raised;
        if (unmasked != 0) {
            boolean expected = (cpu.cr4 & Bits.CR4_OSXMMEXCPT) != 0;
            throw cpu.raise(expected ? Vectors.SIMD_FLOATING_POINT : Vectors.INVALID_OPCODE, 0);
        }
    }
}
