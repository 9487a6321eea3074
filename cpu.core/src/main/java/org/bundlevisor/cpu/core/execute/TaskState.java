package org.bundlevisor.cpu.core.execute;

/** The part of a TSS of 16 or 32 bits that a task switch saves and loads, SDM vol. 3A, figures 9-2 and 9-10. */
final class TaskState {
    private static final int CR3 = 0x1C;
    private static final int FIRST_32 = 0x20;
    private static final int LAST_32 = 0x60;
    private static final int FIRST_16 = 0x0E;
    private static final int LAST_16 = 0x2A;
    private static final int WORD = 0xFFFF;

    /** Segment registers in the order of the TSS; one of 16 bits ends with DS. */
    private static final int[] SEGMENTS = {Cpu.ES, Cpu.CS, Cpu.SS, Cpu.DS, Cpu.FS, Cpu.GS};

    private final boolean wide;
    private final int cr3;
    private final int rip;
    private final int flags;
    private final int[] general = new int[8];
    private final int[] selectors = new int[SEGMENTS.length];
    private final int localTable;

    private TaskState(Cpu cpu, long base, boolean wide) {
        this.wide = wide;
        int size = wide ? 4 : 2;
        long at = base + (wide ? FIRST_32 : FIRST_16);
        cr3 = wide ? (int) cpu.readSystem(base + CR3, 4) : 0;
        rip = (int) cpu.readSystem(at, size);
        flags = (int) cpu.readSystem(at + size, size);
        at += 2 * size;
        for (int i = 0; i < general.length; i++, at += size) {
            general[i] = (int) cpu.readSystem(at, size);
        }
        for (int i = 0; i < segments(wide); i++, at += size) {
            selectors[i] = (int) cpu.readSystem(at, 2);
        }
        localTable = (int) cpu.readSystem(base + (wide ? LAST_32 : LAST_16), 2);
    }

    private static int segments(boolean wide) {
        return wide ? SEGMENTS.length : 4;
    }

    /** Reads a task's state, before anything changes. */
    static TaskState read(Cpu cpu, long base, boolean wide) {
        return new TaskState(cpu, base, wide);
    }

    /** Saves the current task's state. */
    static void write(Cpu cpu, long base, boolean wide, long rip, long flags) {
        int size = wide ? 4 : 2;
        long at = base + (wide ? FIRST_32 : FIRST_16);
        cpu.writeSystem(at, rip, size);
        cpu.writeSystem(at + size, flags, size);
        at += 2 * size;
        for (int i = 0; i < 8; i++, at += size) {
            cpu.writeSystem(at, cpu.gpr[i], size);
        }
        for (int i = 0; i < segments(wide); i++, at += size) {
            cpu.writeSystem(at, cpu.selector[SEGMENTS[i]], 2);
        }
    }

    /** Loads all that cannot fault. @param nests the task was called and will return: NT */
    void load(Cpu cpu, boolean nests) {
        if (wide && (cpu.cr0 & Bits.CR0_PG) != 0) {
            cpu.control.setCr3(cr3 & 0xFFFF_FFFFL);
            if (cpu.paePaging()) {
                cpu.paging.loadPointers(cpu.cr3);
            }
        }
        for (int i = 0; i < general.length; i++) {
            cpu.gpr[i] = wide ? general[i] & 0xFFFF_FFFFL : cpu.gpr[i] & ~0xFFFFL | general[i] & WORD;
        }
        cpu.rip = wide ? rip & 0xFFFF_FFFFL : rip & WORD;
        cpu.replaceRflags(nests ? flags | Bits.FLAG_NT : flags);
        for (int i = 0; i < SEGMENTS.length; i++) {
            Segments.setNull(cpu, SEGMENTS[i], selectors[i]);
        }
        Segments.setNull(cpu, Cpu.LDTR, localTable);
    }

    /** Loads the segment registers; their faults are the new task's. */
    void loadSegments(Cpu cpu) {
        loadLocalTable(cpu);
        if (cpu.virtual8086()) {
            cpu.cpl = 3;
            for (int i = 0; i < SEGMENTS.length; i++) {
                Segments.setReal(cpu, SEGMENTS[i], selectors[i]);
            }
            cpu.modeChanged();
            return;
        }
        int code = selectors[1];
        int stack = selectors[2];
        int privilege = Descriptors.requestedPrivilege(code);
        long codeDescriptor = code(cpu, code, privilege);
        Segments.setCode(cpu, code, codeDescriptor, privilege);
        if (Descriptors.isNull(stack)) {
            throw Descriptors.fault(cpu, Vectors.INVALID_TSS, stack);
        }
        long stackDescriptor = Segments.stack(cpu, stack, privilege, Vectors.INVALID_TSS);
        Segments.set(cpu, Cpu.SS, stack, Descriptors.setAccessed(cpu, stack, stackDescriptor));
        for (int i = 0; i < SEGMENTS.length; i++) {
            boolean data = SEGMENTS[i] != Cpu.CS && SEGMENTS[i] != Cpu.SS;
            if (data && !Descriptors.isNull(selectors[i])) {
                long descriptor = Segments.data(cpu, selectors[i], Vectors.INVALID_TSS);
                Segments.set(cpu, SEGMENTS[i], selectors[i], Descriptors.setAccessed(cpu, selectors[i], descriptor));
            }
        }
        cpu.modeChanged();
        if (Long.compareUnsigned(cpu.rip, cpu.segmentLimit[Cpu.CS] & 0xFFFF_FFFFL) > 0) {
            throw cpu.raise(Vectors.GENERAL_PROTECTION, 0);
        }
    }

    private void loadLocalTable(Cpu cpu) {
        if (Descriptors.isNull(localTable)) {
            return;
        }
        if ((localTable & 4) != 0) {
            throw Descriptors.fault(cpu, Vectors.INVALID_TSS, localTable);
        }
        long descriptor = Descriptors.read(cpu, localTable, Vectors.INVALID_TSS);
        boolean isTable = Descriptors.isSystem(descriptor) && Descriptors.type(descriptor) == Descriptors.LDT;
        if (!isTable || !Descriptors.isPresent(descriptor)) {
            throw Descriptors.fault(cpu, Vectors.INVALID_TSS, localTable);
        }
        Segments.set(cpu, Cpu.LDTR, localTable, descriptor);
    }

    private static long code(Cpu cpu, int selector, int privilege) {
        if (Descriptors.isNull(selector)) {
            throw Descriptors.fault(cpu, Vectors.INVALID_TSS, selector);
        }
        long code = Descriptors.read(cpu, selector, Vectors.INVALID_TSS);
        boolean allowed = Descriptors.isConforming(code)
                ? Descriptors.privilege(code) <= privilege
                : Descriptors.privilege(code) == privilege;
        if (!Descriptors.isCode(code) || !allowed) {
            throw Descriptors.fault(cpu, Vectors.INVALID_TSS, selector);
        }
        if (!Descriptors.isPresent(code)) {
            throw Descriptors.fault(cpu, Vectors.SEGMENT_NOT_PRESENT, selector);
        }
        return code;
    }
}
