package org.bundlevisor.cpu.core.execute;

/**
 * The stack that a gate pushes to: the current one or that of an inner privilege level. It is written before any register
 * changes, so that a fault or an exit half-way leaves nothing to undo. One object for each vCPU.
 */
final class TargetStack {
    private final Cpu cpu;

    private int selector;

    /** Zero for a null selector, which 64-bit mode takes for inner levels. */
    private long descriptor;

    private long base;
    private int limit;
    private int attributes;
    private long mask;
    private long pointer;
    private boolean isCurrent;
    private boolean isLong;

    TargetStack(Cpu cpu) {
        this.cpu = cpu;
    }

    /** The stack in SS:RSP. */
    void useCurrent() {
        isCurrent = true;
        isLong = cpu.code64();
        base = cpu.effectiveBase[Cpu.SS];
        limit = cpu.segmentLimit[Cpu.SS];
        attributes = cpu.segmentAttributes[Cpu.SS];
        mask = cpu.stackMask;
        pointer = cpu.gpr[Cpu.RSP];
    }

    /** The current stack or, with another one's pointer, an aligned one, as 64-bit gates use it. */
    void useLong(long newPointer, boolean current) {
        isCurrent = current;
        isLong = true;
        base = 0;
        mask = ~0L;
        pointer = newPointer;
        descriptor = 0;
    }

    /** The stack of an inner level out of the task's TSS, SDM vol. 3A, 6.8.5 "Stack Switching". */
    void useInner(int privilege) {
        isCurrent = false;
        isLong = false;
        int attributesOfTask = cpu.segmentAttributes[Cpu.TR];
        boolean wide = (attributesOfTask & 8) != 0;
        int offset = wide ? 4 + 8 * privilege : 2 + 4 * privilege;
        if (offset + (wide ? 5 : 3) > (cpu.segmentLimit[Cpu.TR] & 0xFFFF_FFFFL)) {
            throw Descriptors.fault(cpu, Vectors.INVALID_TSS, cpu.selector[Cpu.TR]);
        }
        long task = cpu.segmentBase[Cpu.TR] + offset;
        pointer = cpu.readSystem(task, wide ? 4 : 2);
        selector = (int) cpu.readSystem(task + (wide ? 4 : 2), 2);
        if (Descriptors.isNull(selector)) {
            throw cpu.raise(Vectors.INVALID_TSS, 0);
        }
        descriptor = Segments.stack(cpu, selector, privilege, Vectors.INVALID_TSS);
        base = Descriptors.base(descriptor);
        limit = Descriptors.limit(descriptor);
        attributes = Descriptors.attributes(descriptor);
        mask = Descriptors.isBig(descriptor) ? 0xFFFF_FFFFL : 0xFFFF;
    }

    /** A stack pointer out of a 64-bit TSS, at RSP0 to RSP2 or IST1 to IST7. SDM vol. 3A, figure 9-11 "64-Bit TSS Format". */
    static long pointerOfTask(Cpu cpu, int offset) {
        if (offset + 7 > (cpu.segmentLimit[Cpu.TR] & 0xFFFF_FFFFL)) {
            throw Descriptors.fault(cpu, Vectors.INVALID_TSS, cpu.selector[Cpu.TR]);
        }
        return cpu.readSystem(cpu.segmentBase[Cpu.TR] + offset, 8);
    }

    /** Raises #SS unless so many bytes can be pushed. */
    void require(int bytes) {
        if (isLong) {
            return;
        }
        long offset = pointer - bytes & mask;
        if (!Segments.isInside(attributes, limit, offset, bytes)) {
            throw cpu.raise(Vectors.STACK_FAULT, isCurrent ? 0 : selector & 0xFFFC);
        }
    }

    void push(long value, int size) {
        pointer = pointer - size & mask;
        long linear = base + pointer;
        if (isLong) {
            if (linear << 16 >> 16 != linear) {
                throw cpu.raise(Vectors.STACK_FAULT, 0);
            }
        } else {
            linear &= 0xFFFF_FFFFL;
        }
        if (isCurrent) {
            cpu.write(linear, value, size);
        } else {
            cpu.writeSystem(linear, value, size);
        }
    }

    /** Makes it the current stack, at a privilege level that CPL has already. The caller calls {@link Cpu#modeChanged}. */
    void commit() {
        if (!isCurrent) {
            if (descriptor == 0) {
                Segments.setNull(cpu, Cpu.SS, cpu.cpl);
            } else {
                Segments.set(cpu, Cpu.SS, selector, Descriptors.setAccessed(cpu, selector, descriptor));
            }
        }
        cpu.gpr[Cpu.RSP] = mask == 0xFFFF ? cpu.gpr[Cpu.RSP] & ~0xFFFFL | pointer : pointer;
    }
}
