package org.bundlevisor.cpu.core.execute;

import org.bundlevisor.cpu.core.decode.Instruction;
import org.bundlevisor.cpu.core.decode.Mnemonic;
import org.bundlevisor.cpu.core.decode.Operand.Place;

/** Bit tests, bit scans and POPCNT. */
final class BitHandlers {
    static final int TEST = 0;
    static final int SET = 1;
    static final int RESET = 2;
    static final int COMPLEMENT = 3;

    private BitHandlers() {}

    static void register(HandlerTable table) {
        table.add(Mnemonic.BT, in -> bindTest(in, TEST));
        table.add(Mnemonic.BTS, in -> bindTest(in, SET));
        table.add(Mnemonic.BTR, in -> bindTest(in, RESET));
        table.add(Mnemonic.BTC, in -> bindTest(in, COMPLEMENT));
        table.add(Mnemonic.BSF, in -> bindScan(in, true));
        table.add(Mnemonic.BSR, in -> bindScan(in, false));
        table.add(Mnemonic.POPCNT, BitHandlers::bindCount);
    }

    /** What becomes of a word whose bit is tested. */
    static long change(long word, long bit, int operation) {
        return switch (operation) {
            case SET -> word | bit;
            case RESET -> word & ~bit;
            case COMPLEMENT -> word ^ bit;
            default -> word;
        };
    }

    private static Handler bindTest(Instruction in, int operation) {
        int size = in.operandSize;
        boolean immediate = in.opcode.operand(1).place == Place.IMMEDIATE;
        if (in.lock) {
            return LockedHandlers.bitTest(in, operation);
        }
        if (!in.memory) {
            return (cpu, it) -> {
                long number = (immediate ? it.immediate : cpu.gpr[it.reg]) & 8 * size - 1;
                long word = Operands.register(cpu, it.rm, size);
                cpu.setCarry((word >>> number & 1) != 0);
                if (operation != TEST) {
                    Operands.setRegister(cpu, it.rm, change(word, 1L << number, operation), size);
                }
            };
        }
        return (cpu, it) -> {
            long linear = bitAddress(cpu, it, size, immediate, operation != TEST);
            long number = (immediate ? it.immediate : cpu.gpr[it.reg]) & 8 * size - 1;
            long word = operation == TEST ? cpu.read(linear, size) : cpu.readForWrite(linear, size);
            if (operation != TEST) {
                cpu.write(linear, change(word, 1L << number, operation), size);
            }
            cpu.setCarry((word >>> number & 1) != 0);
        };
    }

    /** The word that holds a bit of a bit string: a register gives a signed bit number, which moves the address. */
    static long bitAddress(Cpu cpu, Instruction in, int size, boolean immediate, boolean write) {
        if (immediate) {
            return cpu.address(in, size, write);
        }
        long number = Operands.register(cpu, in.reg, size);
        int shift = size == 8 ? 6 : size == 4 ? 5 : 4;
        long offset = cpu.offset(in) + (number >> shift) * size & Cpu.addressMask(in.addressSize);
        return cpu.address(in.segment, offset, size, write);
    }

    /** A source of zero sets ZF and leaves the destination; the other flags are undefined. */
    private static Handler bindScan(Instruction in, boolean forward) {
        int size = in.operandSize;
        return (cpu, it) -> {
            long value = Operands.rm(cpu, it, size);
            if (size != 8) {
                value &= (1L << 8 * size) - 1;
            }
            if (value != 0) {
                int found = forward ? Long.numberOfTrailingZeros(value) : 63 - Long.numberOfLeadingZeros(value);
                Operands.setRegister(cpu, it.reg, found, size);
            }
            cpu.flagZero = value;
            cpu.flagSign = value != 0 ? 1 : 0;
            cpu.flagCarry = 0;
            cpu.flagOverflow = 0;
        };
    }

    private static Handler bindCount(Instruction in) {
        int size = in.operandSize;
        return (cpu, it) -> {
            long value = Operands.rm(cpu, it, size);
            int count = Long.bitCount(size == 8 ? value : value & (1L << 8 * size) - 1);
            Operands.setRegister(cpu, it.reg, count, size);
            cpu.flagZero = count;
            // only ZF depends on the source: SF, OF, AF, CF and PF are cleared
            cpu.flagSign = 1;
            cpu.flagCarry = 0;
            cpu.flagOverflow = 0;
        };
    }
}
