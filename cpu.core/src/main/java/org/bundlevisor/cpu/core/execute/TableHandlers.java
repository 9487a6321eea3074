package org.bundlevisor.cpu.core.execute;

import org.bundlevisor.cpu.core.Intercept;
import org.bundlevisor.cpu.core.decode.Instruction;
import org.bundlevisor.cpu.core.decode.Mnemonic;

/** The descriptor table registers: LGDT, SGDT, LIDT, SIDT, LLDT, SLDT, LTR and STR. */
final class TableHandlers {
    private static final long BASE_OF_16_BIT_OPERANDS = 0xFF_FFFFL;

    // as the exit information numbers them
    private static final int SGDT = 0;
    private static final int SIDT = 1;
    private static final int LGDT = 2;
    private static final int LIDT = 3;
    private static final int SLDT = 0;
    private static final int STR = 1;
    private static final int LLDT = 2;
    private static final int LTR = 3;

    private TableHandlers() {}

    static void register(HandlerTable table) {
        table.addOne(Mnemonic.SGDT, (cpu, in) -> store(cpu, in, SGDT));
        table.addOne(Mnemonic.SIDT, (cpu, in) -> store(cpu, in, SIDT));
        table.addOne(Mnemonic.LGDT, (cpu, in) -> load(cpu, in, LGDT));
        table.addOne(Mnemonic.LIDT, (cpu, in) -> load(cpu, in, LIDT));
        table.addOne(Mnemonic.SLDT, (cpu, in) -> storeSelector(cpu, in, SLDT));
        table.addOne(Mnemonic.STR, (cpu, in) -> storeSelector(cpu, in, STR));
        table.addOne(Mnemonic.LLDT, TableHandlers::loadLocalTable);
        table.addOne(Mnemonic.LTR, TableHandlers::loadTask);
    }

    /** User-mode instruction prevention, SDM vol. 3A, 2.5: SGDT, SIDT, SLDT, SMSW and STR. */
    static void checkUserMode(Cpu cpu) {
        if (cpu.cpl > 0 && (cpu.cr4 & Bits.CR4_UMIP) != 0) {
            throw cpu.raise(Vectors.GENERAL_PROTECTION, 0);
        }
    }

    private static void checkIntercept(Cpu cpu, Instruction in, Intercept intercept, int identity) {
        if (cpu.intercepts.has(intercept)) {
            ExitSignal signal = cpu.intercepted(intercept, in);
            cpu.exit.instructionInformation = ExitOperands.table(in, identity);
            cpu.exit.displacement = cpu.displacement(in);
            throw signal;
        }
    }

    private static void store(Cpu cpu, Instruction in, int which) {
        checkUserMode(cpu);
        checkIntercept(cpu, in, Intercept.STORE_DESCRIPTOR_TABLE, which);
        int baseSize = cpu.code64() ? 8 : 4;
        long linear = cpu.address(in, 2 + baseSize, true);
        cpu.probeWrite(linear, 2 + baseSize);
        cpu.write16(linear, which == SGDT ? cpu.gdtrLimit : cpu.idtrLimit);
        cpu.write(linear + 2 & cpu.linearMask, which == SGDT ? cpu.gdtrBase : cpu.idtrBase, baseSize);
    }

    private static void load(Cpu cpu, Instruction in, int which) {
        cpu.requireKernel();
        checkIntercept(cpu, in, Intercept.LOAD_DESCRIPTOR_TABLE, which);
        boolean wide = cpu.code64();
        int baseSize = wide ? 8 : 4;
        long linear = cpu.address(in, 2 + baseSize, false);
        int limit = cpu.read16(linear);
        long base = cpu.read(linear + 2 & cpu.linearMask, baseSize);
        if (!wide && in.operandSize == 2) {
            base &= BASE_OF_16_BIT_OPERANDS;
        }
        if (base << 16 >> 16 != base) {
            throw cpu.raise(Vectors.GENERAL_PROTECTION, 0);
        }
        if (which == LGDT) {
            cpu.gdtrBase = base;
            cpu.gdtrLimit = limit;
        } else {
            cpu.idtrBase = base;
            cpu.idtrLimit = limit;
        }
    }

    /** LDTR and TR exist in protected mode only. */
    static void requireProtectedMode(Cpu cpu) {
        if (!cpu.protectedMode()) {
            throw cpu.raise(Vectors.INVALID_OPCODE, 0);
        }
    }

    private static void storeSelector(Cpu cpu, Instruction in, int which) {
        requireProtectedMode(cpu);
        checkUserMode(cpu);
        checkIntercept(cpu, in, Intercept.STORE_LOCAL_OR_TASK, which);
        Operands.setRm(cpu, in, cpu.selector[which == SLDT ? Cpu.LDTR : Cpu.TR], in.size(0));
    }

    /** Reads a selector of the GDT and what it names; 16-byte descriptors in IA-32e mode. */
    private static long systemDescriptor(Cpu cpu, int selector) {
        if ((selector & 4) != 0) {
            throw Descriptors.fault(cpu, Vectors.GENERAL_PROTECTION, selector);
        }
        return Descriptors.read(cpu, selector, Vectors.GENERAL_PROTECTION);
    }

    private static long baseOf(Cpu cpu, int selector, long descriptor) {
        long base = Descriptors.base(descriptor);
        if (cpu.longMode()) {
            base |= Descriptors.readUpper(cpu, selector, Vectors.GENERAL_PROTECTION) << 32;
            if (base << 16 >> 16 != base) {
                throw Descriptors.fault(cpu, Vectors.GENERAL_PROTECTION, selector);
            }
        }
        return base;
    }

    private static void loadLocalTable(Cpu cpu, Instruction in) {
        requireProtectedMode(cpu);
        cpu.requireKernel();
        checkIntercept(cpu, in, Intercept.LOAD_LOCAL_OR_TASK, LLDT);
        int selector = (int) Operands.rm(cpu, in, 2) & 0xFFFF;
        if (Descriptors.isNull(selector)) {
            Segments.setNull(cpu, Cpu.LDTR, selector);
            return;
        }
        long descriptor = systemDescriptor(cpu, selector);
        if (!Descriptors.isSystem(descriptor) || Descriptors.type(descriptor) != Descriptors.LDT) {
            throw Descriptors.fault(cpu, Vectors.GENERAL_PROTECTION, selector);
        }
        if (!Descriptors.isPresent(descriptor)) {
            throw Descriptors.fault(cpu, Vectors.SEGMENT_NOT_PRESENT, selector);
        }
        long base = baseOf(cpu, selector, descriptor);
        Segments.set(
                cpu, Cpu.LDTR, selector, base, Descriptors.limit(descriptor), Descriptors.attributes(descriptor));
    }

    private static void loadTask(Cpu cpu, Instruction in) {
        requireProtectedMode(cpu);
        cpu.requireKernel();
        checkIntercept(cpu, in, Intercept.LOAD_LOCAL_OR_TASK, LTR);
        int selector = (int) Operands.rm(cpu, in, 2) & 0xFFFF;
        if (Descriptors.isNull(selector)) {
            throw cpu.raise(Vectors.GENERAL_PROTECTION, 0);
        }
        long descriptor = systemDescriptor(cpu, selector);
        int type = Descriptors.type(descriptor);
        boolean available = type == Descriptors.TSS_32 || type == Descriptors.TSS_16 && !cpu.longMode();
        if (!Descriptors.isSystem(descriptor) || !available) {
            throw Descriptors.fault(cpu, Vectors.GENERAL_PROTECTION, selector);
        }
        if (!Descriptors.isPresent(descriptor)) {
            throw Descriptors.fault(cpu, Vectors.SEGMENT_NOT_PRESENT, selector);
        }
        long base = baseOf(cpu, selector, descriptor);
        int attributes = Descriptors.attributes(descriptor) | Descriptors.TSS_BUSY;
        cpu.writeSystem(Descriptors.address(cpu, selector) + 5, attributes & 0xFF, 1);
        Segments.set(cpu, Cpu.TR, selector, base, Descriptors.limit(descriptor), attributes);
    }
}
