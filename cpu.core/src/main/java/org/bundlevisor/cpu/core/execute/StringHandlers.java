package org.bundlevisor.cpu.core.execute;

import java.lang.foreign.MemorySegment;
import org.bundlevisor.cpu.core.decode.Instruction;
import org.bundlevisor.cpu.core.decode.Mnemonic;

/**
 * MOVS, STOS, LODS, CMPS and SCAS. A repeated one does at most what lies before the next page boundary of each of its
 * operands and then starts again at its own RIP, so that it can be interrupted there; how much that is depends on registers
 * alone, never on what is cached, so that counted runs repeat exactly.
 */
final class StringHandlers {
    private static final int PAGE = 4096;

    /** Executes one element at the current rSI and rDI, without moving them. */
    @FunctionalInterface
    private interface Element {
        void execute(Cpu cpu, Instruction in, long source, long destination, int size);
    }

    private StringHandlers() {}

    static void register(HandlerTable table) {
        table.add(Mnemonic.MOVS, in -> bind(in, StringHandlers::move, true, true));
        table.add(Mnemonic.STOS, in -> bind(in, StringHandlers::store, false, true));
        table.add(Mnemonic.LODS, in -> bind(in, StringHandlers::load, true, false));
        table.add(Mnemonic.CMPS, in -> bind(in, StringHandlers::compare, true, true));
        table.add(Mnemonic.SCAS, in -> bind(in, StringHandlers::scan, false, true));
    }

    private static Handler bind(Instruction in, Element element, boolean usesSource, boolean usesDestination) {
        int size = in.size(0);
        if (in.rep() == Instruction.NO_REP) {
            return (cpu, it) -> once(cpu, it, element, usesSource, usesDestination, size);
        }
        return switch (in.mnemonic()) {
            case MOVS -> (cpu, it) -> repeatMove(cpu, it, size);
            case STOS -> (cpu, it) -> repeatStore(cpu, it, size);
            case LODS -> (cpu, it) -> repeat(cpu, it, element, true, false, size, false);
            default -> (cpu, it) -> repeat(cpu, it, element, usesSource, true, size, true);
        };
    }

    private static void move(Cpu cpu, Instruction in, long source, long destination, int size) {
        long value = cpu.read(cpu.address(in.segment, source, size, false), size);
        cpu.write(cpu.address(Cpu.ES, destination, size, true), value, size);
    }

    private static void store(Cpu cpu, Instruction in, long source, long destination, int size) {
        cpu.write(cpu.address(Cpu.ES, destination, size, true), cpu.gpr[Cpu.RAX], size);
    }

    private static void load(Cpu cpu, Instruction in, long source, long destination, int size) {
        long value = cpu.read(cpu.address(in.segment, source, size, false), size);
        Operands.setRegister(cpu, Cpu.RAX, value, size);
    }

    private static void compare(Cpu cpu, Instruction in, long source, long destination, int size) {
        long a = Operands.load(cpu, cpu.address(in.segment, source, size, false), size);
        long b = Operands.load(cpu, cpu.address(Cpu.ES, destination, size, false), size);
        Alu.compute(cpu, Alu.CMP, a, b, size);
    }

    private static void scan(Cpu cpu, Instruction in, long source, long destination, int size) {
        long a = Operands.register(cpu, Cpu.RAX, size);
        long b = Operands.load(cpu, cpu.address(Cpu.ES, destination, size, false), size);
        Alu.compute(cpu, Alu.CMP, a, b, size);
    }

    private static void once(
            Cpu cpu, Instruction in, Element element, boolean usesSource, boolean usesDestination, int size) {
        long mask = Cpu.addressMask(in.addressSize);
        element.execute(cpu, in, cpu.gpr[Cpu.RSI] & mask, cpu.gpr[Cpu.RDI] & mask, size);
        advance(cpu, in, usesSource, usesDestination, cpu.flag(Bits.FLAG_DF) ? -size : size);
    }

    private static void advance(Cpu cpu, Instruction in, boolean source, boolean destination, long by) {
        if (source) {
            Operands.setRegister(cpu, Cpu.RSI, cpu.gpr[Cpu.RSI] + by, in.addressSize);
        }
        if (destination) {
            Operands.setRegister(cpu, Cpu.RDI, cpu.gpr[Cpu.RDI] + by, in.addressSize);
        }
    }

    /** How many elements to do now: up to a page boundary of each operand, one while each step is watched. */
    private static long chunk(Cpu cpu, Instruction in, long count, boolean source, boolean destination, int size) {
        if (cpu.completing || cpu.flag(Bits.FLAG_TF)) {
            return 1;
        }
        long most = count;
        if (source) {
            most = Math.min(most, withinPage(cpu, in.segment, cpu.gpr[Cpu.RSI], in, size));
        }
        if (destination) {
            most = Math.min(most, withinPage(cpu, Cpu.ES, cpu.gpr[Cpu.RDI], in, size));
        }
        return most;
    }

    /** Elements that lie in the same page as the first; 1 if that one crosses the boundary. */
    private static long withinPage(Cpu cpu, int segment, long offset, Instruction in, int size) {
        long inPage = (offset & Cpu.addressMask(in.addressSize)) + cpu.effectiveBase[segment] & PAGE - 1;
        long elements = cpu.flag(Bits.FLAG_DF) ? inPage / size + 1 : (PAGE - inPage) / size;
        return Math.max(elements, 1);
    }

    /** Counts rCX down and, while there is something left, goes back to the instruction itself. */
    private static void countDown(Cpu cpu, Instruction in, long left, boolean finished) {
        Operands.setRegister(cpu, Cpu.RCX, left, in.addressSize);
        if (left != 0 && !finished) {
            cpu.rip = cpu.ripOf(in);
        }
    }

    private static void repeat(
            Cpu cpu,
            Instruction in,
            Element element,
            boolean source,
            boolean destination,
            int size,
            boolean conditional) {
        long mask = Cpu.addressMask(in.addressSize);
        long count = cpu.gpr[Cpu.RCX] & mask;
        if (count == 0) {
            // as on Intel's processors, a count of zero in ECX clears the upper half of RCX, too
            Operands.setRegister(cpu, Cpu.RCX, 0, in.addressSize);
            return;
        }
        boolean whileEqual = in.rep() == Instruction.REPE;
        long most = chunk(cpu, in, count, source, destination, size);
        long by = cpu.flag(Bits.FLAG_DF) ? -size : size;
        boolean finished = false;
        long left = count;
        while (most-- > 0 && !finished) {
            element.execute(cpu, in, cpu.gpr[Cpu.RSI] & mask, cpu.gpr[Cpu.RDI] & mask, size);
            advance(cpu, in, source, destination, by);
            left--;
            // a fault of the next element must find the registers as this one left them
            Operands.setRegister(cpu, Cpu.RCX, left, in.addressSize);
            finished = conditional && cpu.zero() != whileEqual;
        }
        countDown(cpu, in, left, finished);
    }

    private static void repeatStore(Cpu cpu, Instruction in, int size) {
        long mask = Cpu.addressMask(in.addressSize);
        long count = cpu.gpr[Cpu.RCX] & mask;
        if (count == 0) {
            advance(cpu, in, false, true, 0);
            countDown(cpu, in, 0, true);
            return;
        }
        long elements = chunk(cpu, in, count, false, true, size);
        long destination = cpu.gpr[Cpu.RDI] & mask;
        if (elements == 1 || cpu.flag(Bits.FLAG_DF) || !fillFast(cpu, destination, elements, size)) {
            repeat(cpu, in, StringHandlers::store, false, true, size, false);
            return;
        }
        advance(cpu, in, false, true, elements * size);
        countDown(cpu, in, count - elements, false);
    }

    /**
     * Whether so many bytes may be accessed at once: all lie within the segment, so that one check stands for those of the
     * elements, and alignment is not checked.
     */
    private static boolean allowsFast(Cpu cpu, int segment, long offset, int bytes) {
        if (!cpu.segmentChecked[segment]) {
            return cpu.tlbContext != Tlb.NEVER;
        }
        boolean expandDown = (cpu.segmentAttributes[segment] & 0xC) == 4;
        long limit = cpu.segmentLimit[segment] & 0xFFFF_FFFFL;
        return cpu.tlbContext != Tlb.NEVER && !expandDown && offset + bytes - 1 <= limit;
    }

    /** Stores elements that all lie in one page of plain memory; false if it is no such page. */
    private static boolean fillFast(Cpu cpu, long destination, long elements, int size) {
        int bytes = (int) elements * size;
        if (!allowsFast(cpu, Cpu.ES, destination, bytes)) {
            return false;
        }
        long linear = cpu.address(Cpu.ES, destination, bytes, true);
        if ((linear & PAGE - 1) + bytes > PAGE || cpu.isWatched(linear)) {
            return false;
        }
        long at = cpu.hostForWrite(linear);
        if (at < 0 || !cpu.mayCacheWrites(at)) {
            return false;
        }
        long value = cpu.gpr[Cpu.RAX];
        if (size == 1 || isRepeatedByte(value, size)) {
            cpu.memory.asSlice(at, bytes).fill((byte) value);
        } else {
            for (long i = 0; i < bytes; i += size) {
                cpu.write(linear + i, value, size);
            }
        }
        return true;
    }

    private static boolean isRepeatedByte(long value, int size) {
        long pattern = (value & 0xFF) * 0x0101_0101_0101_0101L;
        return (pattern ^ value) << 64 - 8 * size == 0;
    }

    private static void repeatMove(Cpu cpu, Instruction in, int size) {
        long mask = Cpu.addressMask(in.addressSize);
        long count = cpu.gpr[Cpu.RCX] & mask;
        if (count == 0) {
            advance(cpu, in, true, true, 0);
            countDown(cpu, in, 0, true);
            return;
        }
        long elements = chunk(cpu, in, count, true, true, size);
        boolean fast = elements > 1
                && !cpu.flag(Bits.FLAG_DF)
                && copyFast(cpu, in, cpu.gpr[Cpu.RSI] & mask, cpu.gpr[Cpu.RDI] & mask, elements, size);
        if (!fast) {
            repeat(cpu, in, StringHandlers::move, true, true, size, false);
            return;
        }
        advance(cpu, in, true, true, elements * size);
        countDown(cpu, in, count - elements, false);
    }

    /** Copies elements that lie in one page of plain memory each; false if they do not, or overlap so that order matters. */
    private static boolean copyFast(
            Cpu cpu, Instruction in, long source, long destination, long elements, int size) {
        int bytes = (int) elements * size;
        if (!allowsFast(cpu, in.segment, source, bytes) || !allowsFast(cpu, Cpu.ES, destination, bytes)) {
            return false;
        }
        long from = cpu.address(in.segment, source, bytes, false);
        long to = cpu.address(Cpu.ES, destination, bytes, true);
        if ((from & PAGE - 1) + bytes > PAGE
                || (to & PAGE - 1) + bytes > PAGE
                || cpu.isWatched(from)
                || cpu.isWatched(to)) {
            return false;
        }
        long hostFrom = cpu.hostForRead(from);
        long hostTo = cpu.hostForWrite(to);
        boolean forwardOverlap = hostTo > hostFrom && hostTo < hostFrom + bytes;
        if (hostFrom < 0 || hostTo < 0 || forwardOverlap || !cpu.mayCacheWrites(hostTo)) {
            return false;
        }
        MemorySegment.copy(cpu.memory, hostFrom, cpu.memory, hostTo, bytes);
        return true;
    }
}
