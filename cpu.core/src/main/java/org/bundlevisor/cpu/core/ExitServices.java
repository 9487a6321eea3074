package org.bundlevisor.cpu.core;

import org.bundlevisor.cpu.CpuHost;
import org.bundlevisor.cpu.CpuState.Injection;

/**
 * What a hypervisor does on an exit, whatever the vendor: it brings the intercepted instruction's effects about and steps
 * over it, or has the guest take the exception that the instruction deserves. Belongs to the vCPU's thread.
 */
public final class ExitServices {
    private static final int UNDEFINED_OPCODE = 6;
    private static final int GENERAL_PROTECTION = 13;

    private static final int RAX = 0;
    private static final int RCX = 1;
    private static final int RDX = 2;

    private static final long CR0_PE = 1;
    private static final long CR0_TS = 1 << 3;

    /** The bits of CR0 that LMSW writes: PE, MP, EM and TS. */
    private static final long MACHINE_STATUS_WORD = 0xf;

    private static final long EFER_LMA = 1 << 10;
    private static final int ATTRIBUTE_L = 1 << 13;

    private final int cpu;
    private final Processor processor;
    private final CpuHost host;
    private final Registers registers;
    private final ProcessorExit exit;
    private final long[] value = new long[1];

    public ExitServices(int cpu, Processor processor, CpuHost host) {
        this.cpu = cpu;
        this.processor = processor;
        this.host = host;
        this.registers = processor.registers();
        this.exit = processor.exit();
    }

    /** CPUID, as the virtual machine's CPU model answers it. */
    public void cpuid() {
        registers.identify();
        stepOver();
    }

    /** RDMSR of the register that the exit names. */
    public void readMsr() {
        if (registers.readMsr(exit.value, value)) {
            registers.setGeneral(RAX, value[0] & 0xffff_ffffL);
            registers.setGeneral(RDX, value[0] >>> 32);
            stepOver();
        } else {
            generalProtection();
        }
    }

    /** WRMSR of the register that the exit names. */
    public void writeMsr() {
        finish(registers.writeMsr(exit.value, pair()));
    }

    /** XSETBV. */
    public void setExtendedControlRegister() {
        finish(registers.writeExtendedControlRegister((int) registers.general(RCX), pair()));
    }

    /** MOV to or from a control register, CLTS or LMSW, as the exit says. */
    public void accessControlRegister() {
        switch (exit.registerAccess) {
            case ProcessorExit.MOV_TO_CR ->
                    finish(registers.writeControlRegister(
                            exit.registerNumber, operand(registers.general(exit.generalRegister))));
            case ProcessorExit.MOV_FROM_CR -> {
                registers.setGeneral(exit.generalRegister, operand(controlRegister(exit.registerNumber)));
                stepOver();
            }
            case ProcessorExit.CLTS -> finish(registers.writeControlRegister(0, registers.cr0() & ~CR0_TS));
            default -> {
                // LMSW can set PE but not clear it, SDM vol. 2A
                long word = exit.value & MACHINE_STATUS_WORD | registers.cr0() & CR0_PE;
                finish(registers.writeControlRegister(0, registers.cr0() & ~MACHINE_STATUS_WORD | word));
            }
        }
    }

    /** An instruction without an effect that anyone could notice here, such as INVD without caches. */
    public void stepOver() {
        processor.skip(exit.instructionLength);
    }

    /** Has the guest take #GP(0) at the intercepted instruction; real-address mode knows no error codes. */
    public void generalProtection() {
        boolean hasErrorCode = (registers.cr0() & CR0_PE) != 0;
        processor.inject(new Injection(Injection.Kind.HARDWARE_EXCEPTION, GENERAL_PROTECTION, hasErrorCode, 0, 0));
    }

    /** Has the guest take #UD at the intercepted instruction. */
    public void undefinedOpcode() {
        processor.inject(new Injection(Injection.Kind.HARDWARE_EXCEPTION, UNDEFINED_OPCODE, false, 0, 0));
    }

    private void finish(boolean done) {
        if (done) {
            stepOver();
        } else {
            generalProtection();
        }
    }

    private long controlRegister(int number) {
        return switch (number) {
            case 0 -> registers.cr0();
            case 2 -> registers.cr2();
            case 3 -> registers.cr3();
            case 4 -> registers.cr4();
            default -> host.taskPriority(cpu);
        };
    }

    /** Outside of 64-bit mode the operand of MOV CR has 32 bits. */
    private long operand(long full) {
        boolean wide = (registers.efer() & EFER_LMA) != 0 && (registers.attributes(Registers.CS) & ATTRIBUTE_L) != 0;
        return wide ? full : full & 0xffff_ffffL;
    }

    private long pair() {
        return registers.general(RDX) << 32 | registers.general(RAX) & 0xffff_ffffL;
    }
}
