package org.bundlevisor.cpu.core.execute;

import java.util.EnumSet;
import org.bundlevisor.cpu.core.decode.Instruction;
import org.bundlevisor.cpu.core.decode.Mnemonic;
import org.bundlevisor.cpu.core.decode.Operand.Place;

/** Jumps, calls and returns within the code segment. */
final class BranchHandlers {
    private BranchHandlers() {}

    static void register(HandlerTable table) {
        for (Mnemonic mnemonic : EnumSet.range(Mnemonic.JO, Mnemonic.JG)) {
            table.add(mnemonic, in -> bindConditional(in.opcode.code & 15));
        }
        table.add(Mnemonic.JMP, BranchHandlers::bindJump);
        table.add(Mnemonic.CALL, BranchHandlers::bindCall);
        table.add(Mnemonic.RET, BranchHandlers::bindReturn);
        table.addOne(Mnemonic.LOOP, (cpu, in) -> loop(cpu, in, true));
        table.addOne(Mnemonic.LOOPE, (cpu, in) -> loop(cpu, in, cpu.zero()));
        table.addOne(Mnemonic.LOOPNE, (cpu, in) -> loop(cpu, in, !cpu.zero()));
        table.addOne(Mnemonic.JCXZ, BranchHandlers::jumpIfCountZero);
    }

    private static Handler bindConditional(int condition) {
        return switch (condition) {
            case 2 -> (cpu, in) -> branchIf(cpu, in, cpu.flagCarry < 0);
            case 3 -> (cpu, in) -> branchIf(cpu, in, cpu.flagCarry >= 0);
            case 4 -> (cpu, in) -> branchIf(cpu, in, cpu.flagZero == 0);
            case 5 -> (cpu, in) -> branchIf(cpu, in, cpu.flagZero != 0);
            case 6 -> (cpu, in) -> branchIf(cpu, in, cpu.flagCarry < 0 || cpu.flagZero == 0);
            case 7 -> (cpu, in) -> branchIf(cpu, in, cpu.flagCarry >= 0 && cpu.flagZero != 0);
            case 8 -> (cpu, in) -> branchIf(cpu, in, cpu.flagSign < 0);
            case 9 -> (cpu, in) -> branchIf(cpu, in, cpu.flagSign >= 0);
            case 12 -> (cpu, in) -> branchIf(cpu, in, (cpu.flagSign ^ cpu.flagOverflow) < 0);
            case 13 -> (cpu, in) -> branchIf(cpu, in, (cpu.flagSign ^ cpu.flagOverflow) >= 0);
            case 14 -> (cpu, in) -> branchIf(cpu, in, cpu.flagZero == 0 || (cpu.flagSign ^ cpu.flagOverflow) < 0);
            case 15 -> (cpu, in) -> branchIf(cpu, in, cpu.flagZero != 0 && (cpu.flagSign ^ cpu.flagOverflow) >= 0);
            default -> (cpu, in) -> branchIf(cpu, in, Conditions.holds(cpu, condition));
        };
    }

    private static void branchIf(Cpu cpu, Instruction in, boolean taken) {
        if (taken) {
            jump(cpu, in);
        }
    }

    /** Branches relative to the next instruction; 16-bit operands cut the target to 16 bits. */
    static void jump(Cpu cpu, Instruction in) {
        cpu.branch(target(cpu, in));
    }

    private static long target(Cpu cpu, Instruction in) {
        return cut(cpu.gpr[Instruction.RIP] + in.offset + in.length + in.immediate, in);
    }

    private static long cut(long target, Instruction in) {
        return switch (in.operandSize) {
            case 2 -> target & 0xFFFF;
            case 4 -> target & 0xFFFF_FFFFL;
            default -> target;
        };
    }

    private static Handler bindJump(Instruction in) {
        if (in.opcode.operand(0).place == Place.RELATIVE) {
            return BranchHandlers::jump;
        }
        int size = in.operandSize;
        return (cpu, it) -> cpu.branch(cut(Operands.rm(cpu, it, size), it));
    }

    private static Handler bindCall(Instruction in) {
        boolean relative = in.opcode.operand(0).place == Place.RELATIVE;
        int size = in.operandSize;
        if (size == 8) {
            return relative
                    ? BranchHandlers::callRelative64
                    : (cpu, it) -> call64(cpu, it, Operands.rm(cpu, it, 8));
        }
        return relative
                ? (cpu, it) -> call(cpu, it, target(cpu, it), size)
                : (cpu, it) -> call(cpu, it, cut(Operands.rm(cpu, it, size), it), size);
    }

    static void callRelative64(Cpu cpu, Instruction in) {
        call64(cpu, in, cpu.gpr[Instruction.RIP] + in.offset + in.length + in.immediate);
    }

    private static void call64(Cpu cpu, Instruction in, long target) {
        long sequential = cpu.rip;
        cpu.branch(target);
        Stack.push64(cpu, sequential);
    }

    private static void call(Cpu cpu, Instruction in, long target, int size) {
        long sequential = cpu.ripAfter(in);
        cpu.branch(target);
        Stack.push(cpu, sequential, size);
    }

    private static Handler bindReturn(Instruction in) {
        int size = in.operandSize;
        long drop = in.opcode.operandCount() > 0 ? in.immediate & 0xFFFF : 0;
        if (size == 8 && drop == 0) {
            return BranchHandlers::return64;
        }
        return (cpu, it) -> {
            cpu.branch(Stack.peek(cpu, 0, size));
            Stack.drop(cpu, size + drop);
        };
    }

    static void return64(Cpu cpu, Instruction in) {
        long pointer = cpu.gpr[Cpu.RSP];
        cpu.branch(cpu.read64(pointer));
        cpu.gpr[Cpu.RSP] = pointer + 8;
    }

    private static void loop(Cpu cpu, Instruction in, boolean condition) {
        long mask = Cpu.addressMask(in.addressSize);
        long count = cpu.gpr[Cpu.RCX] - 1 & mask;
        if (count != 0 && condition) {
            jump(cpu, in);
        }
        Operands.setRegister(cpu, Cpu.RCX, count, in.addressSize);
    }

    private static void jumpIfCountZero(Cpu cpu, Instruction in) {
        if ((cpu.gpr[Cpu.RCX] & Cpu.addressMask(in.addressSize)) == 0) {
            jump(cpu, in);
        }
    }
}
