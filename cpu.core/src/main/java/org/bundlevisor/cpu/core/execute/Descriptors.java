package org.bundlevisor.cpu.core.execute;

/**
 * Segment and gate descriptors in the descriptor tables, as the eight bytes that lie there: SDM vol. 3A, 3.4.5 "Segment
 * Descriptors", 3.5 "System Descriptor Types" and 6.8.3 "Call Gates".
 */
final class Descriptors {
    /** Types of system descriptors, SDM vol. 3A, table 3-2. Bit 3 of a TSS or gate tells 32 from 16 bits. */
    static final int TSS_16 = 1;

    static final int LDT = 2;
    static final int CALL_GATE_16 = 4;
    static final int TASK_GATE = 5;
    static final int INTERRUPT_GATE_16 = 6;
    static final int TRAP_GATE_16 = 7;
    static final int TSS_32 = 9;
    static final int CALL_GATE_32 = 12;
    static final int INTERRUPT_GATE_32 = 14;
    static final int TRAP_GATE_32 = 15;

    /** Of a TSS's type: the task runs, or waits for one that it called. */
    static final int TSS_BUSY = 2;

    private static final int TABLE_INDICATOR = 4;
    private static final long ACCESSED = 1L << 40;

    private Descriptors() {}

    static boolean isNull(int selector) {
        return (selector & 0xFFFC) == 0;
    }

    static int requestedPrivilege(int selector) {
        return selector & 3;
    }

    /** The descriptor that a selector names; raises {@code vector} with the selector when it lies outside of its table. */
    static long read(Cpu cpu, int selector, int vector) {
        if (!exists(cpu, selector, 8)) {
            throw fault(cpu, vector, selector);
        }
        return cpu.readSystem(address(cpu, selector), 8);
    }

    /** The upper half of a 16-byte descriptor, as system descriptors are in IA-32e mode. */
    static long readUpper(Cpu cpu, int selector, int vector) {
        if (!exists(cpu, selector, 16)) {
            throw fault(cpu, vector, selector);
        }
        return cpu.readSystem(address(cpu, selector) + 8, 8);
    }

    /** Whether so many bytes from a selector's descriptor on lie in its table. */
    static boolean exists(Cpu cpu, int selector, int bytes) {
        long last = (selector & 0xFFF8) + bytes - 1;
        if ((selector & TABLE_INDICATOR) != 0) {
            boolean usable = (cpu.segmentAttributes[Cpu.LDTR] & Segments.UNUSABLE) == 0;
            return usable && last <= (cpu.segmentLimit[Cpu.LDTR] & 0xFFFF_FFFFL);
        }
        return last <= cpu.gdtrLimit;
    }

    static long address(Cpu cpu, int selector) {
        long table = (selector & TABLE_INDICATOR) != 0 ? cpu.segmentBase[Cpu.LDTR] : cpu.gdtrBase;
        return table + (selector & 0xFFF8);
    }

    /** Sets the accessed bit of a code or data segment in its table, and returns the descriptor with it. */
    static long setAccessed(Cpu cpu, int selector, long descriptor) {
        if ((descriptor & ACCESSED) == 0) {
            cpu.writeSystem(address(cpu, selector) + 5, (descriptor | ACCESSED) >>> 40 & 0xFF, 1);
        }
        return descriptor | ACCESSED;
    }

    /** An exception whose error code is a selector without its RPL; delivery adds the bit for external events. */
    static GuestFault fault(Cpu cpu, int vector, int selector) {
        return cpu.raise(vector, selector & 0xFFFC);
    }

    static long base(long descriptor) {
        return descriptor >>> 16 & 0xFF_FFFF | descriptor >>> 32 & 0xFF00_0000L;
    }

    /** In bytes, with the granularity applied. */
    static int limit(long descriptor) {
        int limit = (int) (descriptor & 0xFFFF | descriptor >>> 32 & 0xF_0000);
        return (descriptor & 1L << 55) != 0 ? limit << 12 | 0xFFF : limit;
    }

    /** As in {@code CpuState.Segment}. */
    static int attributes(long descriptor) {
        return (int) (descriptor >>> 40) & 0xF0FF;
    }

    /** Four bits: of a code or data segment or of a system descriptor. */
    static int type(long descriptor) {
        return (int) (descriptor >>> 40) & 15;
    }

    static int privilege(long descriptor) {
        return (int) (descriptor >>> 45) & 3;
    }

    static boolean isPresent(long descriptor) {
        return (descriptor & 1L << 47) != 0;
    }

    static boolean isSystem(long descriptor) {
        return (descriptor & 1L << 44) == 0;
    }

    static boolean isCode(long descriptor) {
        return (descriptor & 0x18L << 40) == 0x18L << 40;
    }

    static boolean isConforming(long descriptor) {
        return (descriptor & 1L << 42) != 0;
    }

    static boolean isWritableData(long descriptor) {
        return (descriptor & 0x1AL << 40) == 0x12L << 40;
    }

    /** Data of any kind, or code that may be read. */
    static boolean isReadable(long descriptor) {
        return !isSystem(descriptor) && (!isCode(descriptor) || (descriptor & 1L << 41) != 0);
    }

    /** Code of 64-bit mode: L set. */
    static boolean isLong(long descriptor) {
        return (descriptor & 1L << 53) != 0;
    }

    /** D or B: 32-bit. */
    static boolean isBig(long descriptor) {
        return (descriptor & 1L << 54) != 0;
    }

    static int gateSelector(long gate) {
        return (int) (gate >>> 16) & 0xFFFF;
    }

    /** The entry point in a gate's lower eight bytes: 32 bits, or 16 if the gate's type says so. */
    static long gateOffset(long gate) {
        long low = gate & 0xFFFF;
        return (type(gate) & 8) == 0 ? low : low | gate >>> 32 & 0xFFFF_0000L;
    }
}
