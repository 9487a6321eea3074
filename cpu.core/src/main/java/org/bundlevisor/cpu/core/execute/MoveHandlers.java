package org.bundlevisor.cpu.core.execute;

import java.util.EnumSet;
import org.bundlevisor.cpu.core.decode.Instruction;
import org.bundlevisor.cpu.core.decode.Mnemonic;
import org.bundlevisor.cpu.core.decode.Operand;
import org.bundlevisor.cpu.core.decode.Operand.Place;

/** MOV of general operands, the extending moves, LEA, conditional moves, exchanges, and what computes nothing. */
final class MoveHandlers {
    private MoveHandlers() {}

    static void register(HandlerTable table) {
        table.add(Mnemonic.MOV, MoveHandlers::bindMove);
        table.add(Mnemonic.MOVZX, MoveHandlers::bindZeroExtend);
        table.add(Mnemonic.MOVSX, MoveHandlers::bindSignExtend);
        table.add(Mnemonic.MOVSXD, MoveHandlers::bindSignExtend);
        table.add(Mnemonic.MOVBE, MoveHandlers::bindMoveBigEndian);
        table.add(Mnemonic.BSWAP, MoveHandlers::bindSwapBytes);
        table.add(Mnemonic.LEA, MoveHandlers::bindAddress);
        table.add(Mnemonic.CBW, MoveHandlers::bindWidenAccumulator);
        table.add(Mnemonic.CWD, MoveHandlers::bindSignOfAccumulator);
        table.addOne(Mnemonic.XLAT, MoveHandlers::translate);
        table.add(Mnemonic.MOVNTI, MoveHandlers::bindMove);
        table.add(Mnemonic.XCHG, MoveHandlers::bindExchange);
        for (Mnemonic mnemonic : EnumSet.range(Mnemonic.CMOVO, Mnemonic.CMOVG)) {
            table.add(mnemonic, MoveHandlers::bindConditionalMove);
        }
        for (Mnemonic mnemonic : EnumSet.range(Mnemonic.SETO, Mnemonic.SETG)) {
            table.add(mnemonic, MoveHandlers::bindSetCondition);
        }
        for (Mnemonic mnemonic : new Mnemonic[] {
            Mnemonic.NOP,
            Mnemonic.ENDBR32,
            Mnemonic.ENDBR64,
            Mnemonic.PREFETCH,
            Mnemonic.PREFETCHW,
            Mnemonic.PREFETCHNTA,
            Mnemonic.PREFETCHT0,
            Mnemonic.PREFETCHT1,
            Mnemonic.PREFETCHT2
        }) {
            table.addOne(mnemonic, (cpu, in) -> {});
        }
    }

    private static Handler bindMove(Instruction in) {
        Operand to = in.opcode.operand(0);
        Operand from = in.opcode.operand(1);
        return switch (to.place) {
            case SEGMENT -> SegmentHandlers.load(in);
            case CONTROL, DEBUG -> ControlHandlers.move(in);
            default -> switch (from.place) {
                case SEGMENT -> SegmentHandlers.store(in);
                case CONTROL, DEBUG -> ControlHandlers.move(in);
                case IMMEDIATE -> moveImmediate(in);
                default -> moveGeneral(in);
            };
        };
    }

    private static Handler moveImmediate(Instruction in) {
        int size = in.size(0);
        if (in.memory) {
            return switch (size) {
                case 8 -> (cpu, it) -> cpu.write64(cpu.address(it, 8, true), it.immediate);
                case 4 -> (cpu, it) -> cpu.write32(cpu.address(it, 4, true), (int) it.immediate);
                default -> (cpu, it) -> cpu.write(cpu.address(it, size, true), it.immediate, size);
            };
        }
        return switch (size) {
            case 8 -> (cpu, it) -> cpu.gpr[it.rm] = it.immediate;
            case 4 -> (cpu, it) -> cpu.gpr[it.rm] = it.immediate & 0xFFFF_FFFFL;
            default -> (cpu, it) -> Operands.setRegister(cpu, it.rm, it.immediate, size);
        };
    }

    private static Handler moveGeneral(Instruction in) {
        int size = in.size(0);
        if (in.opcode.operand(0).place == Place.FIXED) {
            return (cpu, it) -> Operands.setRegister(cpu, Cpu.RAX,
                    Operands.load(cpu, cpu.address(it, size, false), size), size);
        }
        if (in.opcode.operand(1).place == Place.FIXED) {
            return (cpu, it) -> cpu.write(cpu.address(it, size, true), cpu.gpr[Cpu.RAX], size);
        }
        boolean toRegister = in.opcode.operand(0).place == Place.REG;
        if (!in.memory) {
            return toRegister ? moveRegister(in.reg, in.rm, size) : moveRegister(in.rm, in.reg, size);
        }
        return toRegister ? load(size) : store(size);
    }

    private static Handler moveRegister(int to, int from, int size) {
        return switch (size) {
            case 8 -> (cpu, in) -> cpu.gpr[to] = cpu.gpr[from];
            case 4 -> (cpu, in) -> cpu.gpr[to] = cpu.gpr[from] & 0xFFFF_FFFFL;
            default -> (cpu, in) -> Operands.setRegister(cpu, to, Operands.register(cpu, from, size), size);
        };
    }

    private static Handler load(int size) {
        return switch (size) {
            case 8 -> (cpu, in) -> cpu.gpr[in.reg] = cpu.read64(cpu.address(in, 8, false));
            case 4 -> (cpu, in) -> cpu.gpr[in.reg] = cpu.read32(cpu.address(in, 4, false)) & 0xFFFF_FFFFL;
            default -> (cpu, in) -> Operands.setRegister(cpu, in.reg,
                    Operands.load(cpu, cpu.address(in, size, false), size), size);
        };
    }

    private static Handler store(int size) {
        return switch (size) {
            case 8 -> (cpu, in) -> cpu.write64(cpu.address(in, 8, true), cpu.gpr[in.reg]);
            case 4 -> (cpu, in) -> cpu.write32(cpu.address(in, 4, true), (int) cpu.gpr[in.reg]);
            case 2 -> (cpu, in) -> cpu.write16(cpu.address(in, 2, true), (int) cpu.gpr[in.reg]);
            default -> (cpu, in) -> cpu.write8(cpu.address(in, 1, true), (int) Operands.register(cpu, in.reg, 1));
        };
    }

    private static Handler bindZeroExtend(Instruction in) {
        int to = in.operandSize;
        boolean bytes = in.size(1) == 1;
        if (to == 2 && !bytes) {
            // a move of 16 bits
            return (cpu, it) -> Operands.setRegister(cpu, it.reg, Operands.rm(cpu, it, 2), 2);
        }
        if (in.memory) {
            if (to == 2) {
                return (cpu, it) -> Operands.setRegister(cpu, it.reg, cpu.read8(cpu.address(it, 1, false)), 2);
            }
            return bytes
                    ? (cpu, it) -> cpu.gpr[it.reg] = cpu.read8(cpu.address(it, 1, false))
                    : (cpu, it) -> cpu.gpr[it.reg] = cpu.read16(cpu.address(it, 2, false));
        }
        if (to == 2) {
            return (cpu, it) -> Operands.setRegister(cpu, it.reg, Operands.register(cpu, it.rm, 1) & 0xFF, 2);
        }
        return bytes
                ? (cpu, it) -> cpu.gpr[it.reg] = Operands.register(cpu, it.rm, 1) & 0xFF
                : (cpu, it) -> cpu.gpr[it.reg] = cpu.gpr[it.rm] & 0xFFFF;
    }

    private static Handler bindSignExtend(Instruction in) {
        int to = in.operandSize;
        int from = in.size(1);
        if (from == 4 && to == 8) {
            return in.memory
                    ? (cpu, it) -> cpu.gpr[it.reg] = cpu.read32(cpu.address(it, 4, false))
                    : (cpu, it) -> cpu.gpr[it.reg] = (int) cpu.gpr[it.rm];
        }
        return (cpu, it) -> Operands.setRegister(cpu, it.reg, Operands.rm(cpu, it, from), to);
    }

    private static Handler bindMoveBigEndian(Instruction in) {
        int size = in.operandSize;
        if (in.opcode.operand(0).place == Place.REG) {
            return (cpu, it) -> {
                long value = cpu.read(cpu.address(it, size, false), size);
                Operands.setRegister(cpu, it.reg, swap(value, size), size);
            };
        }
        return (cpu, it) -> cpu.write(cpu.address(it, size, true), swap(cpu.gpr[it.reg], size), size);
    }

    private static long swap(long value, int size) {
        return Long.reverseBytes(value) >>> 64 - 8 * size;
    }

    private static Handler bindSwapBytes(Instruction in) {
        int size = in.operandSize;
        // the result of a 16-bit BSWAP is undefined; Intel's processors clear the word
        return size == 2
                ? (cpu, it) -> Operands.setRegister(cpu, it.rm, 0, 2)
                : (cpu, it) -> Operands.setRegister(cpu, it.rm, swap(cpu.gpr[it.rm], size), size);
    }

    private static Handler bindAddress(Instruction in) {
        return switch (in.operandSize) {
            case 8 -> (cpu, it) -> cpu.gpr[it.reg] = cpu.offset(it);
            case 4 -> (cpu, it) -> cpu.gpr[it.reg] = cpu.offset(it) & 0xFFFF_FFFFL;
            default -> (cpu, it) -> Operands.setRegister(cpu, it.reg, cpu.offset(it), 2);
        };
    }

    /** CBW, CWDE, CDQE: the accumulator's lower half, sign-extended. */
    private static Handler bindWidenAccumulator(Instruction in) {
        int size = in.operandSize;
        return (cpu, it) -> Operands.setRegister(cpu, Cpu.RAX, Operands.register(cpu, Cpu.RAX, size / 2), size);
    }

    /** CWD, CDQ, CQO: DX becomes the accumulator's sign. */
    private static Handler bindSignOfAccumulator(Instruction in) {
        int size = in.operandSize;
        return (cpu, it) -> Operands.setRegister(cpu, Cpu.RDX, Operands.register(cpu, Cpu.RAX, size) >> 63, size);
    }

    private static void translate(Cpu cpu, Instruction in) {
        long offset = cpu.gpr[Cpu.RBX] + (cpu.gpr[Cpu.RAX] & 0xFF) & Cpu.addressMask(in.addressSize);
        int value = cpu.read8(cpu.address(in.segment, offset, 1, false));
        Operands.setRegister(cpu, Cpu.RAX, value, 1);
    }

    private static Handler bindExchange(Instruction in) {
        if (in.memory) {
            return LockedHandlers.exchange(in);
        }
        int size = in.size(0);
        int one = in.opcode.operand(1).place == Place.FIXED || in.opcode.operand(0).place == Place.FIXED
                ? Cpu.RAX
                : in.reg;
        return (cpu, it) -> {
            long a = Operands.register(cpu, it.rm, size);
            long b = Operands.register(cpu, one, size);
            Operands.setRegister(cpu, it.rm, b, size);
            Operands.setRegister(cpu, one, a, size);
        };
    }

    /** The source is read, and the upper half of a 32-bit destination cleared, whether or not the condition holds. */
    private static Handler bindConditionalMove(Instruction in) {
        int condition = in.opcode.code & 15;
        int size = in.operandSize;
        return (cpu, it) -> {
            long value = Operands.rm(cpu, it, size);
            if (!Conditions.holds(cpu, condition)) {
                value = cpu.gpr[it.reg];
            }
            Operands.setRegister(cpu, it.reg, value, size);
        };
    }

    private static Handler bindSetCondition(Instruction in) {
        int condition = in.opcode.code & 15;
        return (cpu, it) -> Operands.setRm(cpu, it, Conditions.holds(cpu, condition) ? 1 : 0, 1);
    }
}
