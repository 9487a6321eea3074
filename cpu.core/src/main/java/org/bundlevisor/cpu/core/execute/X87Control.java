package org.bundlevisor.cpu.core.execute;

import org.bundlevisor.cpu.core.decode.Instruction;
import org.bundlevisor.cpu.core.decode.Mnemonic;
import org.bundlevisor.cpu.core.softfloat.ExceptionFlags;

/** Control of the x87 unit and its environment in memory: SDM vol. 1, 8.1.10 and 8.3.12. */
final class X87Control {
    private static final int REGISTER_BYTES = 10;

    private X87Control() {}

    static void register(HandlerTable table) {
        table.addOne(Mnemonic.FWAIT, X87Control::await);
        table.addOne(Mnemonic.FNOP, (cpu, in) -> {
            X87.check(cpu);
            cpu.x87.note(cpu, in);
        });
        Handler nothing = (cpu, in) -> X87.checkAvailable(cpu);
        table.addOne(Mnemonic.FNENI, nothing);
        table.addOne(Mnemonic.FNDISI, nothing);
        table.addOne(Mnemonic.FNSETPM, nothing);
        table.addOne(Mnemonic.FNCLEX, (cpu, in) -> {
            X87.checkAvailable(cpu);
            cpu.x87.status &= X87.C0 | X87.C1 | X87.C2 | X87.C3;
        });
        table.addOne(Mnemonic.FNINIT, (cpu, in) -> {
            X87.checkAvailable(cpu);
            cpu.x87.initialise();
        });
        table.addOne(Mnemonic.FLDCW, (cpu, in) -> {
            X87.check(cpu);
            cpu.x87.setControlWord(cpu.read16(cpu.address(in, 2, false)));
        });
        table.addOne(Mnemonic.FNSTCW, (cpu, in) -> {
            X87.checkAvailable(cpu);
            cpu.write16(cpu.address(in, 2, true), cpu.x87.control);
        });
        table.add(Mnemonic.FNSTSW, in -> in.memory ? X87Control::storeStatus : X87Control::statusToAx);
        table.addOne(Mnemonic.FNSTENV, X87Control::storeEnvironment);
        table.addOne(Mnemonic.FLDENV, X87Control::loadEnvironment);
        table.addOne(Mnemonic.FNSAVE, X87Control::save);
        table.addOne(Mnemonic.FRSTOR, X87Control::restore);
    }

    /** FWAIT heeds CR0.TS only if CR0.MP is set, and never CR0.EM: SDM vol. 3A, table 2-2. */
    private static void await(Cpu cpu, Instruction in) {
        if ((cpu.cr0 & (Bits.CR0_MP | Bits.CR0_TS)) == (Bits.CR0_MP | Bits.CR0_TS)) {
            throw cpu.raise(Vectors.DEVICE_NOT_AVAILABLE, 0);
        }
        cpu.x87.deliverWaiting(cpu);
    }

    private static void storeStatus(Cpu cpu, Instruction in) {
        X87.checkAvailable(cpu);
        cpu.write16(cpu.address(in, 2, true), cpu.x87.statusWord());
    }

    private static void statusToAx(Cpu cpu, Instruction in) {
        X87.checkAvailable(cpu);
        cpu.gpr[Cpu.RAX] = cpu.gpr[Cpu.RAX] & ~0xFFFFL | cpu.x87.statusWord();
    }

    // ---- the environment: control, status and tag word and the pointers, in four formats (SDM vol. 1, figures 8-9 to 8-12)

    private static int environmentSize(Instruction in) {
        return in.operandSize == 2 ? 14 : 28;
    }

    private static void storeEnvironment(Cpu cpu, Instruction in) {
        X87.checkAvailable(cpu);
        int size = environmentSize(in);
        long linear = cpu.address(in, size, true);
        cpu.probeWrite(linear, size);
        writeEnvironment(cpu, in, linear);
        cpu.x87.setControlWord(cpu.x87.control | ExceptionFlags.ALL);
    }

    private static void loadEnvironment(Cpu cpu, Instruction in) {
        X87.check(cpu);
        int size = environmentSize(in);
        long linear = cpu.address(in, size, false);
        cpu.probeRead(linear, size);
        readEnvironment(cpu, in, linear);
    }

    private static void save(Cpu cpu, Instruction in) {
        X87.checkAvailable(cpu);
        int size = environmentSize(in) + 8 * REGISTER_BYTES;
        long linear = cpu.address(in, size, true);
        cpu.probeWrite(linear, size);
        writeEnvironment(cpu, in, linear);
        X87 x87 = cpu.x87;
        for (int i = 0; i < 8; i++) {
            long at = linear + environmentSize(in) + i * REGISTER_BYTES;
            cpu.write64(at & cpu.linearMask, x87.significand(i));
            cpu.write16(at + 8 & cpu.linearMask, x87.signExponent(i));
        }
        x87.initialise();
    }

    private static void restore(Cpu cpu, Instruction in) {
        X87.check(cpu);
        int size = environmentSize(in) + 8 * REGISTER_BYTES;
        long linear = cpu.address(in, size, false);
        cpu.probeRead(linear, size);
        readEnvironment(cpu, in, linear);
        X87 x87 = cpu.x87;
        for (int i = 0; i < 8; i++) {
            long at = linear + environmentSize(in) + i * REGISTER_BYTES;
            int physical = x87.physical(i);
            x87.significand[physical] = cpu.read64(at & cpu.linearMask);
            x87.signExponent[physical] = cpu.read16(at + 8 & cpu.linearMask);
        }
    }

    private static void writeEnvironment(Cpu cpu, Instruction in, long linear) {
        X87 x87 = cpu.x87;
        boolean linearPointers = !cpu.protectedMode();
        int instruction = (int) x87.instructionPointer;
        int data = (int) x87.dataPointer;
        int instructionSelector = x87.instructionSelector;
        int dataSelector = x87.dataSelector;
        if (linearPointers) {
            instruction += instructionSelector << 4;
            data += dataSelector << 4;
        }
        if (in.operandSize == 2) {
            put16(cpu, linear, 0, x87.control);
            put16(cpu, linear, 2, x87.statusWord());
            put16(cpu, linear, 4, x87.tagWord());
            put16(cpu, linear, 6, instruction);
            put16(cpu, linear, 8, linearPointers ? instruction >> 4 & 0xF000 | x87.opcode : instructionSelector);
            put16(cpu, linear, 10, data);
            put16(cpu, linear, 12, linearPointers ? data >> 4 & 0xF000 : dataSelector);
            return;
        }
        put32(cpu, linear, 0, 0xFFFF_0000 | x87.control);
        put32(cpu, linear, 4, 0xFFFF_0000 | x87.statusWord());
        put32(cpu, linear, 8, 0xFFFF_0000 | x87.tagWord());
        if (linearPointers) {
            put32(cpu, linear, 12, 0xFFFF_0000 | instruction);
            put32(cpu, linear, 16, instruction >>> 16 << 12 | x87.opcode);
            put32(cpu, linear, 20, 0xFFFF_0000 | data);
            put32(cpu, linear, 24, data >>> 16 << 12);
        } else {
            put32(cpu, linear, 12, instruction);
            put32(cpu, linear, 16, x87.opcode << 16 | instructionSelector);
            put32(cpu, linear, 20, data);
            put32(cpu, linear, 24, 0xFFFF_0000 | dataSelector);
        }
    }

    private static void put16(Cpu cpu, long linear, int offset, int value) {
        cpu.write16(linear + offset & cpu.linearMask, value);
    }

    private static void put32(Cpu cpu, long linear, int offset, int value) {
        cpu.write32(linear + offset & cpu.linearMask, value);
    }

    private static void readEnvironment(Cpu cpu, Instruction in, long linear) {
        X87 x87 = cpu.x87;
        boolean linearPointers = !cpu.protectedMode();
        int step = in.operandSize == 2 ? 2 : 4;
        long mask = cpu.linearMask;
        int controlWord = cpu.read16(linear);
        int statusWord = cpu.read16(linear + step & mask);
        int tagWord = cpu.read16(linear + 2L * step & mask);
        int instruction = (int) cpu.read(linear + 3L * step & mask, step);
        int instructionHigh = (int) cpu.read(linear + 4L * step & mask, step);
        int data = (int) cpu.read(linear + 5L * step & mask, step);
        int dataHigh = (int) cpu.read(linear + 6L * step & mask, step);
        x87.setControlWord(controlWord);
        x87.setStatusWord(statusWord);
        x87.setTagWord(tagWord);
        if (linearPointers) {
            // bits 16 and up of the linear address lie in bits 12 and up
            x87.instructionPointer = instruction & 0xFFFFL | (instructionHigh & 0x0FFF_F000L) << 4;
            x87.dataPointer = data & 0xFFFFL | (dataHigh & 0x0FFF_F000L) << 4;
            x87.instructionSelector = 0;
            x87.dataSelector = 0;
            x87.opcode = instructionHigh & 0x7FF;
        } else {
            x87.instructionPointer = instruction & 0xFFFF_FFFFL;
            x87.dataPointer = data & 0xFFFF_FFFFL;
            x87.instructionSelector = instructionHigh & 0xFFFF;
            x87.dataSelector = dataHigh & 0xFFFF;
            x87.opcode = step == 2 ? 0 : instructionHigh >>> 16 & 0x7FF;
        }
    }
}
