package org.bundlevisor.cpu.core.execute;

import org.bundlevisor.cpu.core.ProcessorExit;
import org.bundlevisor.cpu.core.decode.Instruction;
import org.bundlevisor.cpu.core.decode.Mnemonic;
import org.bundlevisor.cpu.core.decode.Operand.Place;

/** MOV to and from control and debug registers, CLTS, LMSW and SMSW. */
final class ControlHandlers {
    private static final long MACHINE_STATUS = Bits.CR0_PE | Bits.CR0_MP | Bits.CR0_EM | Bits.CR0_TS;
    private static final int MACHINE_STATUS_WORD = 0xF;

    /** Bits of DR6 and DR7 that read as one, and those that can be changed: SDM vol. 3B, 18.2.3 and 18.2.4. */
    private static final long DR6_ONES = 0xFFFF_0FF0L;

    private static final long DR6_WRITABLE = 0xE00FL;
    private static final long DR7_ONES = 0x400;
    private static final long DR7_WRITABLE = 0xFFFF_23FFL;

    private ControlHandlers() {}

    static void register(HandlerTable table) {
        table.addOne(Mnemonic.CLTS, ControlHandlers::clearTaskSwitched);
        table.addOne(Mnemonic.LMSW, ControlHandlers::loadMachineStatus);
        table.addOne(Mnemonic.SMSW, ControlHandlers::storeMachineStatus);
    }

    /** MOV with a control or debug register on one side. */
    static Handler move(Instruction in) {
        Place to = in.opcode.operand(0).place;
        Place from = in.opcode.operand(1).place;
        if (to == Place.CONTROL) {
            return ControlHandlers::toControl;
        }
        if (from == Place.CONTROL) {
            return ControlHandlers::fromControl;
        }
        return to == Place.DEBUG ? ControlHandlers::toDebug : ControlHandlers::fromDebug;
    }

    // ---- control registers

    private static ExitSignal controlExit(Cpu cpu, Instruction in, int number, int access, int general) {
        ProcessorExit exit = cpu.exit;
        exit.registerNumber = number;
        exit.registerAccess = access;
        exit.generalRegister = general;
        exit.linearAddressValid = false;
        return cpu.exit(ProcessorExit.Kind.CONTROL_REGISTER, in.length);
    }

    private static void toControl(Cpu cpu, Instruction in) {
        cpu.requireKernel();
        int number = in.reg;
        long value = in.size(1) == 8 ? cpu.gpr[in.rm] : cpu.gpr[in.rm] & 0xFFFF_FFFFL;
        if (cpu.intercepts.controlRegisterWrite(number) || touchesHostBits(cpu, number, value)) {
            throw controlExit(cpu, in, number, ProcessorExit.MOV_TO_CR, in.rm);
        }
        cpu.callingHost(in);
        if (!cpu.control.write(number, withHostBits(cpu, number, value))) {
            throw cpu.raise(Vectors.GENERAL_PROTECTION, 0);
        }
    }

    /** Whether a bit that the guest does not own would differ from what it reads there. */
    private static boolean touchesHostBits(Cpu cpu, int number, long value) {
        return number == 0 && ((value ^ cpu.intercepts.cr0Shadow()) & cpu.intercepts.cr0Mask()) != 0
                || number == 4 && ((value ^ cpu.intercepts.cr4Shadow()) & cpu.intercepts.cr4Mask()) != 0;
    }

    private static long withHostBits(Cpu cpu, int number, long value) {
        return switch (number) {
            case 0 -> value & ~cpu.intercepts.cr0Mask() | cpu.cr0 & cpu.intercepts.cr0Mask();
            case 4 -> value & ~cpu.intercepts.cr4Mask() | cpu.cr4 & cpu.intercepts.cr4Mask();
            default -> value;
        };
    }

    private static void fromControl(Cpu cpu, Instruction in) {
        cpu.requireKernel();
        int number = in.reg;
        if (cpu.intercepts.controlRegisterRead(number)) {
            throw controlExit(cpu, in, number, ProcessorExit.MOV_FROM_CR, in.rm);
        }
        long value = switch (number) {
            case 0 -> visibleCr0(cpu);
            case 2 -> cpu.cr2;
            case 3 -> cpu.cr3;
            case 4 -> cpu.cr4 & ~cpu.intercepts.cr4Mask() | cpu.intercepts.cr4Shadow() & cpu.intercepts.cr4Mask();
            default -> cpu.host.taskPriority(cpu.index);
        };
        Operands.setRegister(cpu, in.rm, value, in.size(0));
    }

    /** CR0 with the shadow's bits where the guest does not own them. */
    private static long visibleCr0(Cpu cpu) {
        return cpu.cr0 & ~cpu.intercepts.cr0Mask() | cpu.intercepts.cr0Shadow() & cpu.intercepts.cr0Mask();
    }

    private static void clearTaskSwitched(Cpu cpu, Instruction in) {
        cpu.requireKernel();
        boolean hostOwns = (cpu.intercepts.cr0Mask() & Bits.CR0_TS) != 0;
        boolean shadowSet = (cpu.intercepts.cr0Shadow() & Bits.CR0_TS) != 0;
        if (hostOwns && shadowSet || cpu.intercepts.controlRegisterWrite(0)) {
            throw controlExit(cpu, in, 0, ProcessorExit.CLTS, 0);
        }
        if (!hostOwns) {
            // changes nothing that memory accesses or decoding depend on
            cpu.cr0 &= ~Bits.CR0_TS;
        }
    }

    private static void loadMachineStatus(Cpu cpu, Instruction in) {
        cpu.requireKernel();
        int source = (int) Operands.rm(cpu, in, 2) & 0xFFFF;
        long status = source & MACHINE_STATUS_WORD;
        long visible = visibleCr0(cpu);
        // SDM vol. 2A, LMSW: PE can be set but not cleared
        long wanted = visible & ~MACHINE_STATUS | status | visible & Bits.CR0_PE;
        if (touchesHostBits(cpu, 0, wanted & MACHINE_STATUS | cpu.intercepts.cr0Shadow() & ~MACHINE_STATUS)
                || cpu.intercepts.controlRegisterWrite(0)) {
            cpu.exit.value = source;
            ExitSignal signal = controlExit(cpu, in, 0, ProcessorExit.LMSW, 0);
            if (in.memory) {
                cpu.exit.linearAddress = cpu.address(in, 2, false);
                cpu.exit.linearAddressValid = true;
            }
            throw signal;
        }
        long value = cpu.cr0 & ~MACHINE_STATUS | withHostBits(cpu, 0, wanted) & MACHINE_STATUS;
        if (!cpu.control.write(0, value)) {
            throw cpu.raise(Vectors.GENERAL_PROTECTION, 0);
        }
    }

    private static void storeMachineStatus(Cpu cpu, Instruction in) {
        TableHandlers.checkUserMode(cpu);
        Operands.setRm(cpu, in, visibleCr0(cpu), in.size(0));
    }

    // ---- debug registers

    /** Checks an access, SDM vol. 3C, 26.1.3: MOV DR stops even where its privilege would not suffice. */
    private static int checkDebug(Cpu cpu, Instruction in, boolean read) {
        int number = in.reg;
        boolean stops = read
                ? cpu.intercepts.debugRegisterRead(number)
                : cpu.intercepts.debugRegisterWrite(number);
        if (stops) {
            cpu.exit.registerNumber = number;
            cpu.exit.registerAccess = read ? 1 : 0;
            cpu.exit.generalRegister = in.rm;
            throw cpu.exit(ProcessorExit.Kind.DEBUG_REGISTER, in.length);
        }
        boolean alias = number == 4 || number == 5;
        if (alias && (cpu.cr4 & Bits.CR4_DE) != 0) {
            throw cpu.raise(Vectors.INVALID_OPCODE, 0);
        }
        cpu.requireKernel();
        if ((cpu.dr[7] & Bits.DR7_GD) != 0) {
            cpu.exit.exceptionAddress = Bits.DR6_BD;
            throw cpu.raise(Vectors.DEBUG, 0);
        }
        return alias ? number + 2 : number;
    }

    private static void toDebug(Cpu cpu, Instruction in) {
        int number = checkDebug(cpu, in, false);
        long value = in.size(1) == 8 ? cpu.gpr[in.rm] : cpu.gpr[in.rm] & 0xFFFF_FFFFL;
        if (number >= 6 && value >>> 32 != 0) {
            throw cpu.raise(Vectors.GENERAL_PROTECTION, 0);
        }
        cpu.dr[number] = switch (number) {
            case 6 -> value & DR6_WRITABLE | DR6_ONES;
            case 7 -> value & DR7_WRITABLE | DR7_ONES;
            default -> value;
        };
        if (number != 6) {
            Breakpoints.changed(cpu);
        }
    }

    private static void fromDebug(Cpu cpu, Instruction in) {
        int number = checkDebug(cpu, in, true);
        Operands.setRegister(cpu, in.rm, cpu.dr[number], in.size(0));
    }
}
