package org.bundlevisor.cpu.core.execute;

import org.bundlevisor.cpu.core.decode.Instruction;
import org.bundlevisor.cpu.core.decode.Mnemonic;

/** Decimal adjustment, which 64-bit mode has not. The operations are those of SDM vol. 2A. */
final class DecimalHandlers {
    private DecimalHandlers() {}

    static void register(HandlerTable table) {
        table.addOne(Mnemonic.AAA, (cpu, in) -> adjustAscii(cpu, 1));
        table.addOne(Mnemonic.AAS, (cpu, in) -> adjustAscii(cpu, -1));
        table.addOne(Mnemonic.AAM, DecimalHandlers::adjustMultiply);
        table.addOne(Mnemonic.AAD, DecimalHandlers::adjustDivide);
        table.addOne(Mnemonic.DAA, DecimalHandlers::adjustAdd);
        table.addOne(Mnemonic.DAS, DecimalHandlers::adjustSubtract);
    }

    private static int al(Cpu cpu) {
        return (int) cpu.gpr[Cpu.RAX] & 0xFF;
    }

    private static void setResultFlags(Cpu cpu, int al) {
        cpu.flagZero = (byte) al;
        cpu.flagSign = (byte) al;
    }

    private static void adjustAscii(Cpu cpu, int direction) {
        boolean adjust = (al(cpu) & 15) > 9 || cpu.adjust();
        int ax = (int) cpu.gpr[Cpu.RAX] & 0xFFFF;
        if (adjust) {
            ax += direction * 0x106;
        }
        ax &= 0xFF0F;
        Operands.setRegister(cpu, Cpu.RAX, ax, 2);
        setResultFlags(cpu, ax & 0xFF);
        cpu.flagCarry = adjust ? Long.MIN_VALUE | 8 : 0;
        cpu.flagOverflow = 0;
    }

    private static void adjustMultiply(Cpu cpu, Instruction in) {
        int base = (int) in.immediate & 0xFF;
        if (base == 0) {
            throw cpu.raise(Vectors.DIVIDE_ERROR, 0);
        }
        int al = al(cpu);
        Operands.setRegister(cpu, Cpu.RAX, al / base << 8 | al % base, 2);
        Alu.logic(cpu, (byte) (al % base));
    }

    private static void adjustDivide(Cpu cpu, Instruction in) {
        int ah = (int) (cpu.gpr[Cpu.RAX] >>> 8) & 0xFF;
        int result = al(cpu) + ah * (int) (in.immediate & 0xFF) & 0xFF;
        Operands.setRegister(cpu, Cpu.RAX, result, 2);
        Alu.logic(cpu, (byte) result);
    }

    private static void adjustAdd(Cpu cpu, Instruction in) {
        int before = al(cpu);
        boolean low = (before & 15) > 9 || cpu.adjust();
        boolean high = before > 0x99 || cpu.carry();
        int al = before + (low ? 6 : 0) + (high ? 0x60 : 0) & 0xFF;
        finish(cpu, al, low, high);
    }

    private static void adjustSubtract(Cpu cpu, Instruction in) {
        int before = al(cpu);
        boolean low = (before & 15) > 9 || cpu.adjust();
        boolean high = before > 0x99 || cpu.carry();
        boolean borrow = low && before < 6;
        int al = before - (low ? 6 : 0) - (high ? 0x60 : 0) & 0xFF;
        finish(cpu, al, low, high || borrow);
    }

    private static void finish(Cpu cpu, int al, boolean adjust, boolean carry) {
        Operands.setRegister(cpu, Cpu.RAX, al, 1);
        setResultFlags(cpu, al);
        cpu.flagCarry = (carry ? Long.MIN_VALUE : 0) | (adjust ? 8 : 0);
        cpu.flagOverflow = 0;
    }
}
