package org.bundlevisor.cpu.core.execute;

import org.bundlevisor.cpu.core.decode.Instruction;
import org.bundlevisor.cpu.core.decode.Mnemonic;
import org.bundlevisor.cpu.core.decode.Operand.Place;

/** PUSH, POP of general operands, PUSHA, POPA, ENTER and LEAVE. POP to a segment register loads a segment: not here. */
final class StackHandlers {
    private StackHandlers() {}

    static void register(HandlerTable table) {
        table.add(Mnemonic.PUSH, StackHandlers::bindPush);
        table.add(Mnemonic.POP, StackHandlers::bindPop);
        table.addOne(Mnemonic.PUSHA, StackHandlers::pushAll);
        table.addOne(Mnemonic.POPA, StackHandlers::popAll);
        table.addOne(Mnemonic.ENTER, StackHandlers::enter);
        table.addOne(Mnemonic.LEAVE, StackHandlers::leave);
    }

    private static Handler bindPush(Instruction in) {
        int size = in.operandSize;
        Place place = in.opcode.operand(0).place;
        if (place == Place.IMMEDIATE) {
            return (cpu, it) -> Stack.push(cpu, it.immediate, size);
        }
        if (place == Place.FIXED) {
            int segment = segment(in);
            return (cpu, it) -> pushSegment(cpu, cpu.selector[segment], size);
        }
        if (in.memory) {
            return (cpu, it) -> Stack.push(cpu, Operands.rm(cpu, it, size), size);
        }
        return size == 8
                ? (cpu, it) -> Stack.push64(cpu, cpu.gpr[it.rm])
                : (cpu, it) -> Stack.push(cpu, cpu.gpr[it.rm], size);
    }

    /** With an operand size of 32 bits only the lower half of the slot is written, SDM vol. 2B, PUSH. */
    private static void pushSegment(Cpu cpu, int selector, int size) {
        long pointer = cpu.gpr[Cpu.RSP] - size & cpu.stackMask;
        int written = size == 4 ? 2 : size;
        cpu.write(cpu.address(Cpu.SS, pointer, written, true), selector, written);
        Stack.setPointer(cpu, pointer);
    }

    private static Handler bindPop(Instruction in) {
        int size = in.operandSize;
        if (in.opcode.operand(0).place == Place.FIXED) {
            return SegmentHandlers.pop(segment(in), size);
        }
        if (!in.memory) {
            return size == 8 ? StackHandlers::pop64 : (cpu, it) -> {
                long value = Stack.pop(cpu, size);
                Operands.setRegister(cpu, it.rm, value, size);
            };
        }
        return (cpu, it) -> {
            // an address with RSP as its base is computed after the pop, SDM vol. 2B, POP
            long pointer = cpu.gpr[Cpu.RSP];
            long value = Stack.pop(cpu, size);
            try {
                cpu.write(cpu.address(it, size, true), value, size);
            } catch (GuestFault | ExitSignal stopped) {
                cpu.gpr[Cpu.RSP] = pointer;
                throw stopped;
            }
        };
    }

    static void pop64(Cpu cpu, Instruction in) {
        long pointer = cpu.gpr[Cpu.RSP];
        long value = cpu.read64(pointer);
        cpu.gpr[Cpu.RSP] = pointer + 8;
        cpu.gpr[in.rm] = value;
    }

    private static int segment(Instruction in) {
        return switch (in.opcode.operand(0)) {
            case ES -> Cpu.ES;
            case CS -> Cpu.CS;
            case SS -> Cpu.SS;
            case DS -> Cpu.DS;
            case FS -> Cpu.FS;
            case GS -> Cpu.GS;
            default -> throw new IllegalArgumentException(in + " names no segment register");
        };
    }

    private static void pushAll(Cpu cpu, Instruction in) {
        int size = in.operandSize;
        long pointer = cpu.gpr[Cpu.RSP];
        for (int i = 8; i > 0; i--) {
            // one by one, as the stack may wrap around at 64 KiB
            cpu.probeWrite(cpu.address(Cpu.SS, pointer - (long) i * size & cpu.stackMask, size, true), size);
        }
        for (int register = Cpu.RAX; register <= Cpu.RDI; register++) {
            Stack.push(cpu, register == Cpu.RSP ? pointer : cpu.gpr[register], size);
        }
    }

    private static void popAll(Cpu cpu, Instruction in) {
        int size = in.operandSize;
        for (int i = 0; i < 8; i++) {
            long slot = cpu.gpr[Cpu.RSP] + (long) i * size & cpu.stackMask;
            cpu.probeRead(cpu.address(Cpu.SS, slot, size, false), size);
        }
        for (int register = Cpu.RDI; register >= Cpu.RAX; register--) {
            long value = Stack.pop(cpu, size);
            if (register != Cpu.RSP) {
                Operands.setRegister(cpu, register, value, size);
            }
        }
    }

    /** SDM vol. 2A, ENTER: makes a frame with copies of up to 31 outer frame pointers. */
    private static void enter(Cpu cpu, Instruction in) {
        int size = in.operandSize;
        int level = in.immediate2 & 31;
        long stackBefore = cpu.gpr[Cpu.RSP];
        try {
            Stack.push(cpu, cpu.gpr[Cpu.RBP], size);
            long frame = cpu.gpr[Cpu.RSP];
            for (int i = 1; i < level; i++) {
                long outer = cpu.gpr[Cpu.RBP] - (long) i * size & cpu.stackMask;
                Stack.push(cpu, cpu.read(cpu.address(Cpu.SS, outer, size, false), size), size);
            }
            if (level > 0) {
                Stack.push(cpu, frame, size);
            }
            long top = cpu.gpr[Cpu.RSP] - in.immediate & cpu.stackMask;
            cpu.probeWrite(cpu.address(Cpu.SS, top, size, true), size);
            Stack.setPointer(cpu, top);
            Operands.setRegister(cpu, Cpu.RBP, frame, size);
        } catch (GuestFault | ExitSignal stopped) {
            cpu.gpr[Cpu.RSP] = stackBefore;
            throw stopped;
        }
    }

    private static void leave(Cpu cpu, Instruction in) {
        int size = in.operandSize;
        long frame = cpu.gpr[Cpu.RBP] & cpu.stackMask;
        long value = cpu.read(cpu.address(Cpu.SS, frame, size, false), size);
        Stack.setPointer(cpu, frame + size);
        Operands.setRegister(cpu, Cpu.RBP, value, size);
    }
}
