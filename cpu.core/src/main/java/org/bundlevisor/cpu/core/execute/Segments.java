package org.bundlevisor.cpu.core.execute;

import org.bundlevisor.cpu.core.decode.Instruction;

/** Segment registers: checks of accesses, and loading. SDM vol. 3A, chapters 3 and 6. */
final class Segments {
    /** Attribute: loaded with a null selector, as in {@code CpuState.Segment}. */
    static final int UNUSABLE = 1 << 16;

    /** Attributes of the segments that mode changes load without a descriptor. */
    static final int REAL_DATA = 0x93;

    static final int REAL_CODE = 0x9B;
    static final int VIRTUAL_8086 = 0xF3;
    static final int FLAT_DATA = 0xC093;
    static final int FLAT_CODE_32 = 0xC09B;
    static final int FLAT_CODE_64 = 0xA09B;
    static final int PRIVILEGE_SHIFT = 5;

    private static final int BIG = 1 << 14;

    /** Bytes of the largest memory operand, that of XSAVE. */
    private static final int LARGEST_OPERAND = 576;

    private Segments() {}

    /**
     * Checks an access against the type and the limit of its segment, SDM vol. 3A, 6.3 and 6.4; raises #GP(0), or #SS(0) for
     * the stack segment.
     */
    static void check(Cpu cpu, int segment, long offset, int size, boolean write) {
        int attributes = cpu.segmentAttributes[segment];
        boolean code = (attributes & 8) != 0;
        boolean writable = !code && (attributes & 2) != 0;
        boolean readable = !code || (attributes & 2) != 0;
        boolean usable = (attributes & UNUSABLE) == 0 || cpu.realMode();
        boolean allowed = write ? writable : readable;
        if (!usable
                || !isInside(attributes, cpu.segmentLimit[segment], offset, size)
                || !allowed && cpu.protectedMode()) {
            throw cpu.raise(segment == Cpu.SS ? Vectors.STACK_FAULT : Vectors.GENERAL_PROTECTION, 0);
        }
    }

    /** Whether so many bytes lie within a segment's limit, SDM vol. 3A, 6.3. */
    static boolean isInside(int attributes, int limit, long offset, int size) {
        long last = offset + size - 1;
        long end = limit & 0xFFFF_FFFFL;
        boolean expandDown = (attributes & 0xC) == 4;
        if (expandDown) {
            return offset > end && last <= ((attributes & BIG) != 0 ? 0xFFFF_FFFFL : 0xFFFF);
        }
        return last <= end;
    }

    /** Sets a segment register, hidden part included, without a check. The caller calls {@link Cpu#modeChanged}. */
    static void set(Cpu cpu, int segment, int selector, long base, int limit, int attributes) {
        cpu.selector[segment] = selector;
        cpu.segmentBase[segment] = base;
        cpu.segmentLimit[segment] = limit;
        cpu.segmentAttributes[segment] = attributes;
    }

    /** Sets a segment register from its descriptor. The caller calls {@link Cpu#modeChanged}. */
    static void set(Cpu cpu, int segment, int selector, long descriptor) {
        set(
                cpu,
                segment,
                selector,
                Descriptors.base(descriptor),
                Descriptors.limit(descriptor),
                Descriptors.attributes(descriptor));
    }

    /** Marks a segment register as null. SS keeps the privilege level, which the DPL of SS stands for. */
    static void setNull(Cpu cpu, int segment, int selector) {
        int privilege = segment == Cpu.SS ? cpu.cpl << PRIVILEGE_SHIFT : 0;
        set(cpu, segment, selector, 0, 0, UNUSABLE | privilege);
    }

    /** As real mode and virtual-8086 mode load segment registers, SDM vol. 3B, 21.1.1 and 21.2.1. */
    static void setReal(Cpu cpu, int segment, int selector) {
        cpu.selector[segment] = selector;
        cpu.segmentBase[segment] = (long) selector << 4;
        if (cpu.virtual8086()) {
            cpu.segmentLimit[segment] = 0xFFFF;
            cpu.segmentAttributes[segment] = VIRTUAL_8086;
        } else if (segment == Cpu.CS) {
            // limit and size stay what protected mode left ("unreal mode"), code becomes writable
            cpu.segmentAttributes[segment] = cpu.segmentAttributes[segment] & ~(0xFF | UNUSABLE) | REAL_DATA;
        } else if ((cpu.segmentAttributes[segment] & UNUSABLE) != 0) {
            cpu.segmentLimit[segment] = 0xFFFF;
            cpu.segmentAttributes[segment] = REAL_DATA;
        }
    }

    /** Loads a data or stack segment register as MOV does. */
    static void load(Cpu cpu, int segment, int selector) {
        if (!cpu.protectedMode()) {
            setReal(cpu, segment, selector);
        } else if (segment == Cpu.SS) {
            loadStack(cpu, selector);
        } else {
            loadData(cpu, segment, selector);
        }
        cpu.modeChanged();
    }

    private static void loadStack(Cpu cpu, int selector) {
        if (Descriptors.isNull(selector)) {
            if (!cpu.code64() || cpu.cpl == 3 || Descriptors.requestedPrivilege(selector) != cpu.cpl) {
                throw cpu.raise(Vectors.GENERAL_PROTECTION, 0);
            }
            setNull(cpu, Cpu.SS, selector);
            return;
        }
        long descriptor = stack(cpu, selector, cpu.cpl, Vectors.GENERAL_PROTECTION);
        set(cpu, Cpu.SS, selector, Descriptors.setAccessed(cpu, selector, descriptor));
    }

    /**
     * Descriptor of a stack segment for a privilege level; raises {@code vector} with the selector where it is none, and #SS
     * where it is not present.
     */
    static long stack(Cpu cpu, int selector, int privilege, int vector) {
        long descriptor = Descriptors.read(cpu, selector, vector);
        if (Descriptors.requestedPrivilege(selector) != privilege
                || Descriptors.privilege(descriptor) != privilege
                || !Descriptors.isWritableData(descriptor)) {
            throw Descriptors.fault(cpu, vector, selector);
        }
        if (!Descriptors.isPresent(descriptor)) {
            throw Descriptors.fault(cpu, Vectors.STACK_FAULT, selector);
        }
        return descriptor;
    }

    private static void loadData(Cpu cpu, int segment, int selector) {
        if (Descriptors.isNull(selector)) {
            setNull(cpu, segment, selector);
            return;
        }
        long descriptor = data(cpu, selector, Vectors.GENERAL_PROTECTION);
        set(cpu, segment, selector, Descriptors.setAccessed(cpu, selector, descriptor));
    }

    /** Descriptor for DS, ES, FS or GS; raises {@code vector} where it is none, and #NP where it is not present. */
    static long data(Cpu cpu, int selector, int vector) {
        long descriptor = Descriptors.read(cpu, selector, vector);
        boolean privileged = !Descriptors.isCode(descriptor) || !Descriptors.isConforming(descriptor);
        int weakest = Math.max(cpu.cpl, Descriptors.requestedPrivilege(selector));
        if (!Descriptors.isReadable(descriptor) || privileged && weakest > Descriptors.privilege(descriptor)) {
            throw Descriptors.fault(cpu, vector, selector);
        }
        if (!Descriptors.isPresent(descriptor)) {
            throw Descriptors.fault(cpu, Vectors.SEGMENT_NOT_PRESENT, selector);
        }
        return descriptor;
    }

    /** Sets CS and CPL. The caller calls {@link Cpu#modeChanged}. */
    static void setCode(Cpu cpu, int selector, long descriptor, int privilege) {
        set(cpu, Cpu.CS, selector & ~3 | privilege, Descriptors.setAccessed(cpu, selector, descriptor));
        cpu.cpl = privilege;
    }

    /** After a return to an outer level: segments that it may not use become null, SDM vol. 3A, 6.8.6. */
    static void dropInner(Cpu cpu) {
        for (int segment = Cpu.ES; segment <= Cpu.GS; segment++) {
            int attributes = cpu.segmentAttributes[segment];
            boolean data = segment != Cpu.CS && segment != Cpu.SS && (attributes & UNUSABLE) == 0;
            boolean conforming = (attributes & 0x1C) == 0x1C;
            if (data && !conforming && (attributes >>> PRIVILEGE_SHIFT & 3) < cpu.cpl) {
                setNull(cpu, segment, 0);
            }
        }
    }

    /** Whether an address that an instruction of 64-bit code touched is one of the stack: SDM vol. 1, 3.3.7.1. */
    static boolean isStackReference(Cpu cpu, Instruction in, long linear) {
        if (in.memory) {
            long behind = linear - (cpu.offset(in) + cpu.effectiveBase[in.segment]);
            if (behind >= 0 && behind < LARGEST_OPERAND) {
                return in.segment == Cpu.SS;
            }
        }
        return switch (in.mnemonic()) {
            case PUSH, POP, PUSHF, POPF, CALL, RET, CALL_FAR, RET_FAR, IRET, ENTER, LEAVE -> true;
            default -> false;
        };
    }
}
