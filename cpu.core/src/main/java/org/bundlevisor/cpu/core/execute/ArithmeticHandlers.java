package org.bundlevisor.cpu.core.execute;

import org.bundlevisor.cpu.core.decode.Instruction;
import org.bundlevisor.cpu.core.decode.Mnemonic;
import org.bundlevisor.cpu.core.decode.Operand.Place;

/**
 * ADD, OR, ADC, SBB, AND, SUB, XOR, CMP, TEST, INC, DEC, NOT and NEG without LOCK. 32 and 64 bits have handlers of their
 * own for each form, since they make up much of what executes; bytes and words share one for each form.
 */
final class ArithmeticHandlers {
    private ArithmeticHandlers() {}

    static void register(HandlerTable table) {
        table.add(Mnemonic.ADD, in -> bind(in, Alu.ADD));
        table.add(Mnemonic.OR, in -> bind(in, Alu.OR));
        table.add(Mnemonic.ADC, in -> bind(in, Alu.ADC));
        table.add(Mnemonic.SBB, in -> bind(in, Alu.SBB));
        table.add(Mnemonic.AND, in -> bind(in, Alu.AND));
        table.add(Mnemonic.SUB, in -> bind(in, Alu.SUB));
        table.add(Mnemonic.XOR, in -> bind(in, Alu.XOR));
        table.add(Mnemonic.CMP, in -> bind(in, Alu.CMP));
        table.add(Mnemonic.TEST, ArithmeticHandlers::bindTest);
        table.add(Mnemonic.INC, in -> in.lock ? LockedHandlers.increment(in) : increment(in));
        table.add(Mnemonic.DEC, in -> in.lock ? LockedHandlers.decrement(in) : decrement(in));
        table.add(Mnemonic.NOT, in -> in.lock ? LockedHandlers.not(in) : not(in));
        table.add(Mnemonic.NEG, in -> in.lock ? LockedHandlers.negate(in) : negate(in));
    }

    private static Handler bind(Instruction in, int operation) {
        if (in.lock) {
            return LockedHandlers.arithmetic(in, operation);
        }
        int size = in.size(0);
        boolean toAccumulator = in.opcode.operand(0).place == Place.FIXED;
        if (in.opcode.operand(1).place == Place.IMMEDIATE) {
            if (in.memory) {
                return operation == Alu.CMP ? compareMemoryImmediate(size) : memoryImmediate(operation, size);
            }
            return registerImmediate(toAccumulator ? Cpu.RAX : in.rm, operation, size);
        }
        boolean toRegister = in.opcode.operand(0).place == Place.REG;
        if (in.memory) {
            return toRegister
                    ? registerMemory(operation, size)
                    : operation == Alu.CMP ? compareMemoryRegister(size) : memoryRegister(operation, size);
        }
        return toRegister
                ? registerRegister(in.reg, in.rm, operation, size)
                : registerRegister(in.rm, in.reg, operation, size);
    }

    private static Handler registerRegister(int to, int from, int operation, int size) {
        return switch (size) {
            case 8 -> registerRegister64(to, from, operation);
            case 4 -> registerRegister32(to, from, operation);
            default -> operation == Alu.CMP
                    ? (cpu, in) -> {
                        long a = Operands.register(cpu, to, size);
                        Alu.compute(cpu, Alu.CMP, a, Operands.register(cpu, from, size), size);
                    }
                    : (cpu, in) -> {
                        long a = Operands.register(cpu, to, size);
                        long result = Alu.compute(cpu, operation, a, Operands.register(cpu, from, size), size);
                        Operands.setRegister(cpu, to, result, size);
                    };
        };
    }

    private static Handler registerRegister64(int to, int from, int operation) {
        return switch (operation) {
            case Alu.ADD -> (cpu, in) -> {
                long a = cpu.gpr[to];
                long b = cpu.gpr[from];
                cpu.gpr[to] = Alu.add(cpu, a, b, a + b);
            };
            case Alu.OR -> (cpu, in) -> cpu.gpr[to] = Alu.logic(cpu, cpu.gpr[to] | cpu.gpr[from]);
            case Alu.AND -> (cpu, in) -> cpu.gpr[to] = Alu.logic(cpu, cpu.gpr[to] & cpu.gpr[from]);
            case Alu.XOR -> (cpu, in) -> cpu.gpr[to] = Alu.logic(cpu, cpu.gpr[to] ^ cpu.gpr[from]);
            case Alu.SUB -> (cpu, in) -> {
                long a = cpu.gpr[to];
                long b = cpu.gpr[from];
                cpu.gpr[to] = Alu.subtract(cpu, a, b, a - b);
            };
            case Alu.CMP -> (cpu, in) -> {
                long a = cpu.gpr[to];
                long b = cpu.gpr[from];
                Alu.subtract(cpu, a, b, a - b);
            };
            default -> (cpu, in) -> cpu.gpr[to] = Alu.compute(cpu, operation, cpu.gpr[to], cpu.gpr[from], 8);
        };
    }

    private static Handler registerRegister32(int to, int from, int operation) {
        return switch (operation) {
            case Alu.ADD -> (cpu, in) -> {
                int a = (int) cpu.gpr[to];
                int b = (int) cpu.gpr[from];
                cpu.gpr[to] = Alu.add(cpu, a, b, a + b) & 0xFFFF_FFFFL;
            };
            case Alu.OR ->
                    (cpu, in) -> cpu.gpr[to] = Alu.logic(cpu, (int) (cpu.gpr[to] | cpu.gpr[from])) & 0xFFFF_FFFFL;
            case Alu.AND ->
                    (cpu, in) -> cpu.gpr[to] = Alu.logic(cpu, (int) (cpu.gpr[to] & cpu.gpr[from])) & 0xFFFF_FFFFL;
            case Alu.XOR ->
                    (cpu, in) -> cpu.gpr[to] = Alu.logic(cpu, (int) (cpu.gpr[to] ^ cpu.gpr[from])) & 0xFFFF_FFFFL;
            case Alu.SUB -> (cpu, in) -> {
                int a = (int) cpu.gpr[to];
                int b = (int) cpu.gpr[from];
                cpu.gpr[to] = Alu.subtract(cpu, a, b, a - b) & 0xFFFF_FFFFL;
            };
            case Alu.CMP -> (cpu, in) -> {
                int a = (int) cpu.gpr[to];
                int b = (int) cpu.gpr[from];
                Alu.subtract(cpu, a, b, a - b);
            };
            default -> (cpu, in) -> cpu.gpr[to] = Alu.compute(cpu, operation, (int) cpu.gpr[to], (int) cpu.gpr[from], 4)
                    & 0xFFFF_FFFFL;
        };
    }

    private static Handler registerImmediate(int to, int operation, int size) {
        return switch (size) {
            case 8 -> registerImmediate64(to, operation);
            case 4 -> registerImmediate32(to, operation);
            default -> operation == Alu.CMP
                    ? (cpu, in) -> {
                        long a = Operands.register(cpu, to, size);
                        Alu.compute(cpu, Alu.CMP, a, Operands.extend(in.immediate, size), size);
                    }
                    : (cpu, in) -> {
                        long a = Operands.register(cpu, to, size);
                        long result = Alu.compute(cpu, operation, a, Operands.extend(in.immediate, size), size);
                        Operands.setRegister(cpu, to, result, size);
                    };
        };
    }

    private static Handler registerImmediate64(int to, int operation) {
        return switch (operation) {
            case Alu.ADD -> (cpu, in) -> {
                long a = cpu.gpr[to];
                long b = in.immediate;
                cpu.gpr[to] = Alu.add(cpu, a, b, a + b);
            };
            case Alu.AND -> (cpu, in) -> cpu.gpr[to] = Alu.logic(cpu, cpu.gpr[to] & in.immediate);
            case Alu.SUB -> (cpu, in) -> {
                long a = cpu.gpr[to];
                long b = in.immediate;
                cpu.gpr[to] = Alu.subtract(cpu, a, b, a - b);
            };
            case Alu.CMP -> (cpu, in) -> {
                long a = cpu.gpr[to];
                long b = in.immediate;
                Alu.subtract(cpu, a, b, a - b);
            };
            default -> (cpu, in) -> cpu.gpr[to] = Alu.compute(cpu, operation, cpu.gpr[to], in.immediate, 8);
        };
    }

    private static Handler registerImmediate32(int to, int operation) {
        return switch (operation) {
            case Alu.ADD -> (cpu, in) -> {
                int a = (int) cpu.gpr[to];
                int b = (int) in.immediate;
                cpu.gpr[to] = Alu.add(cpu, a, b, a + b) & 0xFFFF_FFFFL;
            };
            case Alu.AND ->
                    (cpu, in) -> cpu.gpr[to] = Alu.logic(cpu, (int) (cpu.gpr[to] & in.immediate)) & 0xFFFF_FFFFL;
            case Alu.SUB -> (cpu, in) -> {
                int a = (int) cpu.gpr[to];
                int b = (int) in.immediate;
                cpu.gpr[to] = Alu.subtract(cpu, a, b, a - b) & 0xFFFF_FFFFL;
            };
            case Alu.CMP -> (cpu, in) -> {
                int a = (int) cpu.gpr[to];
                int b = (int) in.immediate;
                Alu.subtract(cpu, a, b, a - b);
            };
            default -> (cpu, in) -> cpu.gpr[to] = Alu.compute(cpu, operation, (int) cpu.gpr[to], (int) in.immediate, 4)
                    & 0xFFFF_FFFFL;
        };
    }

    private static Handler registerMemory(int operation, int size) {
        return switch (size) {
            case 8 -> operation == Alu.CMP
                    ? (cpu, in) -> {
                        long b = cpu.read64(cpu.address(in, 8, false));
                        long a = cpu.gpr[in.reg];
                        Alu.subtract(cpu, a, b, a - b);
                    }
                    : (cpu, in) -> {
                        long b = cpu.read64(cpu.address(in, 8, false));
                        cpu.gpr[in.reg] = Alu.compute(cpu, operation, cpu.gpr[in.reg], b, 8);
                    };
            case 4 -> operation == Alu.CMP
                    ? (cpu, in) -> {
                        int b = cpu.read32(cpu.address(in, 4, false));
                        int a = (int) cpu.gpr[in.reg];
                        Alu.subtract(cpu, a, b, a - b);
                    }
                    : (cpu, in) -> {
                        int b = cpu.read32(cpu.address(in, 4, false));
                        long result = Alu.compute(cpu, operation, (int) cpu.gpr[in.reg], b, 4);
                        cpu.gpr[in.reg] = result & 0xFFFF_FFFFL;
                    };
            default -> operation == Alu.CMP
                    ? (cpu, in) -> {
                        long b = Operands.rm(cpu, in, size);
                        Alu.compute(cpu, Alu.CMP, Operands.register(cpu, in.reg, size), b, size);
                    }
                    : (cpu, in) -> {
                        long b = Operands.rm(cpu, in, size);
                        long result = Alu.compute(cpu, operation, Operands.register(cpu, in.reg, size), b, size);
                        Operands.setRegister(cpu, in.reg, result, size);
                    };
        };
    }

    private static Handler compareMemoryRegister(int size) {
        return switch (size) {
            case 8 -> (cpu, in) -> {
                long a = cpu.read64(cpu.address(in, 8, false));
                long b = cpu.gpr[in.reg];
                Alu.subtract(cpu, a, b, a - b);
            };
            case 4 -> (cpu, in) -> {
                int a = cpu.read32(cpu.address(in, 4, false));
                int b = (int) cpu.gpr[in.reg];
                Alu.subtract(cpu, a, b, a - b);
            };
            default -> (cpu, in) -> {
                long a = Operands.rm(cpu, in, size);
                Alu.compute(cpu, Alu.CMP, a, Operands.register(cpu, in.reg, size), size);
            };
        };
    }

    private static Handler compareMemoryImmediate(int size) {
        return switch (size) {
            case 8 -> (cpu, in) -> {
                long a = cpu.read64(cpu.address(in, 8, false));
                long b = in.immediate;
                Alu.subtract(cpu, a, b, a - b);
            };
            case 4 -> (cpu, in) -> {
                int a = cpu.read32(cpu.address(in, 4, false));
                int b = (int) in.immediate;
                Alu.subtract(cpu, a, b, a - b);
            };
            case 1 -> (cpu, in) -> {
                byte a = (byte) cpu.read8(cpu.address(in, 1, false));
                byte b = (byte) in.immediate;
                Alu.subtract(cpu, a, b, (byte) (a - b));
            };
            default -> (cpu, in) -> {
                long a = Operands.rm(cpu, in, size);
                Alu.compute(cpu, Alu.CMP, a, Operands.extend(in.immediate, size), size);
            };
        };
    }

    /**
     * Reading, computing and writing back in memory. The flags are set before the write; a write that faults must leave them
     * as they were, so write permission is made sure of by the way of reading.
     */
    private static Handler memoryRegister(int operation, int size) {
        return switch (size) {
            case 8 -> (cpu, in) -> {
                long linear = cpu.address(in, 8, true);
                long a = cpu.read64ForWrite(linear);
                cpu.write64(linear, Alu.compute(cpu, operation, a, cpu.gpr[in.reg], 8));
            };
            case 4 -> (cpu, in) -> {
                long linear = cpu.address(in, 4, true);
                int a = cpu.read32ForWrite(linear);
                cpu.write32(linear, (int) Alu.compute(cpu, operation, a, (int) cpu.gpr[in.reg], 4));
            };
            default -> (cpu, in) -> {
                long linear = cpu.address(in, size, true);
                long a = Operands.extend(cpu.readForWrite(linear, size), size);
                long result = Alu.compute(cpu, operation, a, Operands.register(cpu, in.reg, size), size);
                cpu.write(linear, result, size);
            };
        };
    }

    private static Handler memoryImmediate(int operation, int size) {
        return switch (size) {
            case 8 -> (cpu, in) -> {
                long linear = cpu.address(in, 8, true);
                long a = cpu.read64ForWrite(linear);
                cpu.write64(linear, Alu.compute(cpu, operation, a, in.immediate, 8));
            };
            case 4 -> (cpu, in) -> {
                long linear = cpu.address(in, 4, true);
                int a = cpu.read32ForWrite(linear);
                cpu.write32(linear, (int) Alu.compute(cpu, operation, a, (int) in.immediate, 4));
            };
            default -> (cpu, in) -> {
                long linear = cpu.address(in, size, true);
                long a = Operands.extend(cpu.readForWrite(linear, size), size);
                cpu.write(linear, Alu.compute(cpu, operation, a, Operands.extend(in.immediate, size), size), size);
            };
        };
    }

    private static Handler bindTest(Instruction in) {
        int size = in.size(0);
        boolean immediate = in.opcode.operand(1).place == Place.IMMEDIATE;
        if (in.memory) {
            return immediate
                    ? (cpu, it) -> Alu.logic(cpu, Operands.rm(cpu, it, size) & Operands.extend(it.immediate, size))
                    : (cpu, it) -> Alu.logic(cpu, Operands.rm(cpu, it, size) & Operands.register(cpu, it.reg, size));
        }
        if (immediate) {
            int register = in.opcode.operand(0).place == Place.FIXED ? Cpu.RAX : in.rm;
            return switch (size) {
                case 8 -> (cpu, it) -> Alu.logic(cpu, cpu.gpr[register] & it.immediate);
                case 4 -> (cpu, it) -> Alu.logic(cpu, (int) (cpu.gpr[register] & it.immediate));
                default -> (cpu, it) -> Alu.logic(cpu,
                        Operands.register(cpu, register, size) & Operands.extend(it.immediate, size));
            };
        }
        return switch (size) {
            case 8 -> (cpu, it) -> Alu.logic(cpu, cpu.gpr[it.rm] & cpu.gpr[it.reg]);
            case 4 -> (cpu, it) -> Alu.logic(cpu, (int) (cpu.gpr[it.rm] & cpu.gpr[it.reg]));
            default -> (cpu, it) -> Alu.logic(cpu,
                    Operands.register(cpu, it.rm, size) & Operands.register(cpu, it.reg, size));
        };
    }

    private static Handler increment(Instruction in) {
        int size = in.size(0);
        if (in.memory) {
            return (cpu, it) -> {
                long linear = cpu.address(it, size, true);
                long a = Operands.extend(cpu.readForWrite(linear, size), size);
                cpu.write(linear, Alu.increment(cpu, a, size), size);
            };
        }
        return (cpu, it) -> Operands.setRegister(
                cpu, it.rm, Alu.increment(cpu, Operands.register(cpu, it.rm, size), size), size);
    }

    private static Handler decrement(Instruction in) {
        int size = in.size(0);
        if (in.memory) {
            return (cpu, it) -> {
                long linear = cpu.address(it, size, true);
                long a = Operands.extend(cpu.readForWrite(linear, size), size);
                cpu.write(linear, Alu.decrement(cpu, a, size), size);
            };
        }
        return (cpu, it) -> Operands.setRegister(
                cpu, it.rm, Alu.decrement(cpu, Operands.register(cpu, it.rm, size), size), size);
    }

    private static Handler not(Instruction in) {
        int size = in.size(0);
        if (in.memory) {
            return (cpu, it) -> {
                long linear = cpu.address(it, size, true);
                cpu.write(linear, ~cpu.readForWrite(linear, size), size);
            };
        }
        return (cpu, it) -> Operands.setRegister(cpu, it.rm, ~Operands.register(cpu, it.rm, size), size);
    }

    private static Handler negate(Instruction in) {
        int size = in.size(0);
        if (in.memory) {
            return (cpu, it) -> {
                long linear = cpu.address(it, size, true);
                long a = Operands.extend(cpu.readForWrite(linear, size), size);
                cpu.write(linear, Alu.compute(cpu, Alu.SUB, 0, a, size), size);
            };
        }
        return (cpu, it) -> Operands.setRegister(
                cpu, it.rm, Alu.compute(cpu, Alu.SUB, 0, Operands.register(cpu, it.rm, size), size), size);
    }
}
