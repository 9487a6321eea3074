package org.bundlevisor.cpu.core.execute;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.invoke.VarHandle;
import org.bundlevisor.cpu.core.decode.Instruction;
import org.bundlevisor.cpu.core.decode.Mnemonic;
import org.bundlevisor.cpu.core.decode.Operand.Place;

/**
 * Read-modify-write with LOCK, XCHG with memory, and the compare-and-exchange family. What lies in one aligned quadword
 * of memory is exchanged atomically for all vCPUs; what crosses quadwords, or is a device, is done under the partition's
 * split lock.
 */
final class LockedHandlers {
    private static final VarHandle QUADWORD = JAVA_LONG.varHandle();
    private static final VarHandle DOUBLEWORD = JAVA_INT.varHandle();

    private LockedHandlers() {}

    /** Computes the new value of a memory operand from the old one, both sign-extended; may be asked more than once. */
    @FunctionalInterface
    private interface Update {
        long apply(Cpu cpu, Instruction in, long old, int size);
    }

    static void register(HandlerTable table) {
        table.add(Mnemonic.XADD, LockedHandlers::bindExchangeAdd);
        table.add(Mnemonic.CMPXCHG, LockedHandlers::bindCompareExchange);
        table.addOne(Mnemonic.CMPXCHG8B, LockedHandlers::compareExchange8);
        table.addOne(Mnemonic.CMPXCHG16B, LockedHandlers::compareExchange16);
    }

    static Handler arithmetic(Instruction in, int operation) {
        int size = in.size(0);
        boolean immediate = in.opcode.operand(1).place == Place.IMMEDIATE;
        Update change = immediate
                ? (c, i, old, s) -> Alu.compute(c, operation, old, Operands.extend(i.immediate, s), s)
                : (c, i, old, s) -> Alu.compute(c, operation, old, Operands.register(c, i.reg, s), s);
        return (cpu, it) -> update(cpu, it, size, cpu.address(it, size, true), change);
    }

    static Handler increment(Instruction in) {
        int size = in.size(0);
        return (cpu, it) -> update(
                cpu, it, size, cpu.address(it, size, true), (c, i, old, s) -> Alu.increment(c, old, s));
    }

    static Handler decrement(Instruction in) {
        int size = in.size(0);
        return (cpu, it) -> update(
                cpu, it, size, cpu.address(it, size, true), (c, i, old, s) -> Alu.decrement(c, old, s));
    }

    static Handler not(Instruction in) {
        int size = in.size(0);
        return (cpu, it) -> update(cpu, it, size, cpu.address(it, size, true), (c, i, old, s) -> ~old);
    }

    static Handler negate(Instruction in) {
        int size = in.size(0);
        return (cpu, it) -> update(
                cpu, it, size, cpu.address(it, size, true), (c, i, old, s) -> Alu.compute(c, Alu.SUB, 0, old, s));
    }

    static Handler exchange(Instruction in) {
        int size = in.size(0);
        return (cpu, it) -> {
            long old = update(
                    cpu, it, size, cpu.address(it, size, true), (c, i, before, s) -> Operands.register(c, i.reg, s));
            Operands.setRegister(cpu, it.reg, old, size);
        };
    }

    static Handler bitTest(Instruction in, int operation) {
        int size = in.operandSize;
        boolean immediate = in.opcode.operand(1).place == Place.IMMEDIATE;
        Update change = (c, i, old, s) -> BitHandlers.change(
                old, 1L << ((immediate ? i.immediate : c.gpr[i.reg]) & 8 * s - 1), operation);
        return (cpu, it) -> {
            long linear = BitHandlers.bitAddress(cpu, it, size, immediate, true);
            long old = update(cpu, it, size, linear, change);
            long number = (immediate ? it.immediate : cpu.gpr[it.reg]) & 8 * size - 1;
            cpu.setCarry((old >>> number & 1) != 0);
        };
    }

    private static Handler bindExchangeAdd(Instruction in) {
        int size = in.size(0);
        if (!in.memory) {
            return (cpu, it) -> {
                long a = Operands.register(cpu, it.rm, size);
                long b = Operands.register(cpu, it.reg, size);
                long sum = Alu.compute(cpu, Alu.ADD, a, b, size);
                Operands.setRegister(cpu, it.reg, a, size);
                Operands.setRegister(cpu, it.rm, sum, size);
            };
        }
        return (cpu, it) -> {
            long old = update(cpu, it, size, cpu.address(it, size, true),
                    (c, i, before, s) -> Alu.compute(c, Alu.ADD, before, Operands.register(c, i.reg, s), s));
            Operands.setRegister(cpu, it.reg, old, size);
        };
    }

    private static Handler bindCompareExchange(Instruction in) {
        int size = in.size(0);
        if (!in.memory) {
            return (cpu, it) -> {
                long old = Operands.register(cpu, it.rm, size);
                long accumulator = Operands.register(cpu, Cpu.RAX, size);
                Alu.compute(cpu, Alu.CMP, accumulator, old, size);
                if (accumulator == old) {
                    Operands.setRegister(cpu, it.rm, Operands.register(cpu, it.reg, size), size);
                } else {
                    Operands.setRegister(cpu, Cpu.RAX, old, size);
                }
            };
        }
        return (cpu, it) -> {
            long old = update(cpu, it, size, cpu.address(it, size, true), (c, i, before,
                    s) -> before == Operands.register(c, Cpu.RAX, s) ? Operands.register(c, i.reg, s) : before);
            long accumulator = Operands.register(cpu, Cpu.RAX, size);
            Alu.compute(cpu, Alu.CMP, accumulator, old, size);
            if (accumulator != old) {
                Operands.setRegister(cpu, Cpu.RAX, old, size);
            }
        };
    }

    /**
     * Replaces a memory operand.
     *
     * @return what it held before, sign-extended
     */
    private static long update(Cpu cpu, Instruction in, int size, long linear, Update update) {
        if ((linear & 7) + size <= 8) {
            long at = cpu.hostForLocked(linear, size);
            if (at >= 0) {
                long old = size == 8
                        ? updateQuadword(cpu, in, at, update)
                        : size == 4 && (at & 3) == 0
                                ? updateDoubleword(cpu, in, at, update)
                                : updatePart(cpu, in, at, size, update);
                cpu.wroteMemory(at, size);
                return old;
            }
        }
        return updateSlowly(cpu, in, size, linear, update);
    }

    private static long updateQuadword(Cpu cpu, Instruction in, long at, Update update) {
        long carry = cpu.flagCarry;
        while (true) {
            long old = (long) QUADWORD.getVolatile(cpu.memory, at);
            if (QUADWORD.compareAndSet(cpu.memory, at, old, update.apply(cpu, in, old, 8))) {
                return old;
            }
            // another vCPU was quicker: ADC and SBB need the carry that was there before
            cpu.flagCarry = carry;
        }
    }

    private static long updateDoubleword(Cpu cpu, Instruction in, long at, Update update) {
        long carry = cpu.flagCarry;
        while (true) {
            int old = (int) DOUBLEWORD.getVolatile(cpu.memory, at);
            if (DOUBLEWORD.compareAndSet(cpu.memory, at, old, (int) update.apply(cpu, in, old, 4))) {
                return old;
            }
            cpu.flagCarry = carry;
        }
    }

    /** One or two bytes, or unaligned ones, within a quadword. */
    private static long updatePart(Cpu cpu, Instruction in, long at, int size, Update update) {
        long word = at & ~7L;
        int shift = (int) (at - word) * 8;
        long mask = (1L << 8 * size) - 1 << shift;
        long carry = cpu.flagCarry;
        while (true) {
            long whole = (long) QUADWORD.getVolatile(cpu.memory, word);
            long old = Operands.extend(whole >>> shift, size);
            long changed = whole & ~mask | update.apply(cpu, in, old, size) << shift & mask;
            if (QUADWORD.compareAndSet(cpu.memory, word, whole, changed)) {
                return old;
            }
            cpu.flagCarry = carry;
        }
    }

    private static long updateSlowly(Cpu cpu, Instruction in, int size, long linear, Update update) {
        synchronized (cpu.splitLock()) {
            VarHandle.fullFence();
            long old = Operands.extend(cpu.readForWrite(linear, size), size);
            cpu.write(linear, update.apply(cpu, in, old, size), size);
            VarHandle.fullFence();
            return old;
        }
    }

    private static void compareExchange8(Cpu cpu, Instruction in) {
        long expected = cpu.gpr[Cpu.RDX] << 32 | cpu.gpr[Cpu.RAX] & 0xFFFF_FFFFL;
        long old = update(cpu, in, 8, cpu.address(in, 8, true), (c, i, before, s) -> {
            long compared = c.gpr[Cpu.RDX] << 32 | c.gpr[Cpu.RAX] & 0xFFFF_FFFFL;
            return before == compared ? c.gpr[Cpu.RCX] << 32 | c.gpr[Cpu.RBX] & 0xFFFF_FFFFL : before;
        });
        cpu.setZero(old == expected);
        if (old != expected) {
            cpu.gpr[Cpu.RAX] = old & 0xFFFF_FFFFL;
            cpu.gpr[Cpu.RDX] = old >>> 32;
        }
    }

    /** Java has no exchange of 16 bytes: these are atomic against each other, which is how guests use them. */
    private static void compareExchange16(Cpu cpu, Instruction in) {
        long linear = cpu.address(in, 16, true);
        if ((linear & 15) != 0) {
            throw cpu.raise(Vectors.GENERAL_PROTECTION, 0);
        }
        cpu.probeWrite(linear, 8);
        synchronized (cpu.splitLock()) {
            VarHandle.fullFence();
            long low = cpu.read64(linear);
            long high = cpu.read64(linear + 8);
            boolean equal = low == cpu.gpr[Cpu.RAX] && high == cpu.gpr[Cpu.RDX];
            if (equal) {
                cpu.write64(linear, cpu.gpr[Cpu.RBX]);
                cpu.write64(linear + 8, cpu.gpr[Cpu.RCX]);
            } else {
                cpu.gpr[Cpu.RAX] = low;
                cpu.gpr[Cpu.RDX] = high;
            }
            cpu.setZero(equal);
            VarHandle.fullFence();
        }
    }
}
