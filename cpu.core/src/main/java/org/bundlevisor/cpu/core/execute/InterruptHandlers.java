package org.bundlevisor.cpu.core.execute;

import org.bundlevisor.cpu.CpuState.Injection.Kind;
import org.bundlevisor.cpu.core.Intercept;
import org.bundlevisor.cpu.core.decode.Instruction;
import org.bundlevisor.cpu.core.decode.Mnemonic;

/** INT n, INT1, INT3, INTO, BOUND and the instructions that are undefined on purpose. IRET: {@link InterruptReturn}. */
final class InterruptHandlers {
    private InterruptHandlers() {}

    static void register(HandlerTable table) {
        table.addOne(Mnemonic.INT, InterruptHandlers::interrupt);
        table.addOne(Mnemonic.INT1, InterruptHandlers::interrupt1);
        table.addOne(Mnemonic.INT3, (cpu, in) -> {
            throw cpu.raiseSoftware(Kind.SOFTWARE_EXCEPTION, Vectors.BREAKPOINT);
        });
        table.addOne(Mnemonic.INTO, (cpu, in) -> {
            if (cpu.overflow()) {
                throw cpu.raiseSoftware(Kind.SOFTWARE_EXCEPTION, Vectors.OVERFLOW);
            }
        });
        table.addOne(Mnemonic.BOUND, InterruptHandlers::bound);
        table.addOne(Mnemonic.UD0, Features.UNDEFINED);
        table.addOne(Mnemonic.UD1, Features.UNDEFINED);
        table.addOne(Mnemonic.UD2, Features.UNDEFINED);
    }

    private static void interrupt(Cpu cpu, Instruction in) {
        // SDM vol. 3B, 21.2.7: without virtual-8086 mode extensions IOPL decides
        if (cpu.virtual8086() && cpu.ioPrivilegeLevel() < 3) {
            throw cpu.raise(Vectors.GENERAL_PROTECTION, 0);
        }
        int vector = (int) in.immediate & 0xFF;
        if (cpu.intercepts.has(Intercept.SOFTWARE_INTERRUPT)) {
            cpu.exit.vector = vector;
            throw cpu.intercepted(Intercept.SOFTWARE_INTERRUPT, in);
        }
        throw cpu.raiseSoftware(Kind.SOFTWARE_INTERRUPT, vector);
    }

    private static void interrupt1(Cpu cpu, Instruction in) {
        if (cpu.intercepts.has(Intercept.INT1)) {
            throw cpu.intercepted(Intercept.INT1, in);
        }
        cpu.exit.exceptionAddress = 0;
        throw cpu.raiseSoftware(Kind.PRIVILEGED_SOFTWARE_EXCEPTION, Vectors.DEBUG);
    }

    private static void bound(Cpu cpu, Instruction in) {
        int size = in.operandSize;
        long linear = cpu.address(in, 2 * size, false);
        long lower = Operands.load(cpu, linear, size);
        long upper = Operands.load(cpu, linear + size & cpu.linearMask, size);
        long value = Operands.register(cpu, in.reg, size);
        if (value < lower || value > upper) {
            throw cpu.raise(Vectors.BOUND_RANGE, 0);
        }
    }
}
