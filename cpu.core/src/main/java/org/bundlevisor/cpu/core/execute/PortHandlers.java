package org.bundlevisor.cpu.core.execute;

import org.bundlevisor.cpu.core.ProcessorExit;
import org.bundlevisor.cpu.core.ProcessorExit.Kind;
import org.bundlevisor.cpu.core.decode.Instruction;
import org.bundlevisor.cpu.core.decode.Mnemonic;
import org.bundlevisor.cpu.core.decode.Operand.Place;

/** IN, OUT, INS and OUTS, with the I/O permission bitmap: SDM vol. 1, chapter 20. */
final class PortHandlers {
    /** Where a 32-bit or 64-bit task state keeps the offset of its I/O permission bitmap. */
    private static final int MAP_BASE = 0x66;

    private PortHandlers() {}

    static void register(HandlerTable table) {
        table.add(Mnemonic.IN, in -> bindInput(in, in.size(0)));
        table.add(Mnemonic.OUT, in -> bindOutput(in, in.size(1)));
        table.add(Mnemonic.INS, in -> {
            int size = in.size(0);
            return (cpu, it) -> inputString(cpu, it, size);
        });
        table.add(Mnemonic.OUTS, in -> {
            int size = in.size(1);
            return (cpu, it) -> outputString(cpu, it, size);
        });
    }

    private static Handler bindInput(Instruction in, int size) {
        boolean immediate = in.opcode.operand(1).place == Place.IMMEDIATE;
        return (cpu, it) -> {
            int port = (int) (immediate ? it.immediate : cpu.gpr[Cpu.RDX]) & 0xFFFF;
            stopOrPass(cpu, it, port, size, true, immediate);
            Operands.setRegister(cpu, Cpu.RAX, cpu.host.readPort(cpu.index, port, size), size);
        };
    }

    private static Handler bindOutput(Instruction in, int size) {
        boolean immediate = in.opcode.operand(0).place == Place.IMMEDIATE;
        return (cpu, it) -> {
            int port = (int) (immediate ? it.immediate : cpu.gpr[Cpu.RDX]) & 0xFFFF;
            stopOrPass(cpu, it, port, size, false, immediate);
            cpu.host.writePort(cpu.index, port, size, (int) Operands.register(cpu, Cpu.RAX, size));
        };
    }

    private static void stopOrPass(Cpu cpu, Instruction in, int port, int size, boolean input, boolean immediate) {
        checkPermission(cpu, port, size);
        if (!cpu.completing && cpu.intercepts.port(port, size)) {
            ProcessorExit exit = cpu.exit;
            exit.port = port;
            exit.portSize = size;
            exit.portInput = input;
            exit.portString = false;
            exit.portRepeated = false;
            exit.portImmediate = immediate;
            exit.instructionInformation = 0;
            throw cpu.exit(Kind.PORT_IO, in.length);
        }
        cpu.callingHost(in);
        Breakpoints.port(cpu, port, size);
    }

    private static void inputString(Cpu cpu, Instruction in, int size) {
        int port = (int) cpu.gpr[Cpu.RDX] & 0xFFFF;
        checkPermission(cpu, port, size);
        if (countIsZero(cpu, in)) {
            return;
        }
        long offset = cpu.gpr[Cpu.RDI] & Cpu.addressMask(in.addressSize);
        long linear = cpu.address(Cpu.ES, offset, size, true);
        stopString(cpu, in, port, size, true, linear);
        // the port must not be read when its value cannot be stored
        cpu.probeWrite(linear, size);
        cpu.write(linear, cpu.host.readPort(cpu.index, port, size), size);
        Breakpoints.port(cpu, port, size);
        advance(cpu, in, Cpu.RDI, size);
    }

    private static void outputString(Cpu cpu, Instruction in, int size) {
        int port = (int) cpu.gpr[Cpu.RDX] & 0xFFFF;
        checkPermission(cpu, port, size);
        if (countIsZero(cpu, in)) {
            return;
        }
        long offset = cpu.gpr[Cpu.RSI] & Cpu.addressMask(in.addressSize);
        long linear = cpu.address(in.segment, offset, size, false);
        stopString(cpu, in, port, size, false, linear);
        cpu.host.writePort(cpu.index, port, size, (int) cpu.read(linear, size));
        Breakpoints.port(cpu, port, size);
        advance(cpu, in, Cpu.RSI, size);
    }

    private static boolean countIsZero(Cpu cpu, Instruction in) {
        return in.rep() != Instruction.NO_REP && (cpu.gpr[Cpu.RCX] & Cpu.addressMask(in.addressSize)) == 0;
    }

    private static void stopString(Cpu cpu, Instruction in, int port, int size, boolean input, long linear) {
        if (cpu.completing || !cpu.intercepts.port(port, size)) {
            cpu.callingHost(in);
            return;
        }
        ProcessorExit exit = cpu.exit;
        exit.port = port;
        exit.portSize = size;
        exit.portInput = input;
        exit.portString = true;
        exit.portRepeated = in.rep() != Instruction.NO_REP;
        exit.portImmediate = false;
        exit.linearAddress = linear;
        exit.instructionInformation = ExitOperands.string(in);
        throw cpu.exit(Kind.PORT_IO, in.length);
    }

    /** Moves on by one element; a repeated instruction with more to do starts again. */
    private static void advance(Cpu cpu, Instruction in, int register, int size) {
        long by = cpu.flag(Bits.FLAG_DF) ? -size : size;
        Operands.setRegister(cpu, register, cpu.gpr[register] + by, in.addressSize);
        if (in.rep() != Instruction.NO_REP) {
            long left = cpu.gpr[Cpu.RCX] - 1 & Cpu.addressMask(in.addressSize);
            Operands.setRegister(cpu, Cpu.RCX, left, in.addressSize);
            if (left != 0) {
                cpu.rip = cpu.ripOf(in);
            }
        }
    }

    /** Raises #GP(0) unless IOPL or the I/O permission bitmap of the current task allows the access. */
    private static void checkPermission(Cpu cpu, int port, int size) {
        if (cpu.realMode() || !cpu.virtual8086() && cpu.cpl <= cpu.ioPrivilegeLevel()) {
            return;
        }
        int type = cpu.segmentAttributes[Cpu.TR] & 0xF;
        long limit = cpu.segmentLimit[Cpu.TR] & 0xFFFF_FFFFL;
        boolean hasMap = (type == 9 || type == 11) && limit >= MAP_BASE + 1;
        if (!hasMap) {
            throw cpu.raise(Vectors.GENERAL_PROTECTION, 0);
        }
        long base = cpu.segmentBase[Cpu.TR];
        long at = cpu.readSystem(base + MAP_BASE, 2) + (port >>> 3);
        if (at + 1 > limit) {
            throw cpu.raise(Vectors.GENERAL_PROTECTION, 0);
        }
        long bits = cpu.readSystem(base + at, 2) >>> (port & 7);
        if ((bits & (1 << size) - 1) != 0) {
            throw cpu.raise(Vectors.GENERAL_PROTECTION, 0);
        }
    }
}
