package org.bundlevisor.cpu.core.execute;

import java.io.ByteArrayOutputStream;
import java.util.SplittableRandom;

/**
 * Endless 64-bit code to measure with. {@link #mixed()} resembles compiled code: functions that keep a register, address
 * memory through a pointer, and branch every few instructions, with so many different instructions that no call of a
 * handler is predictable.
 */
final class GuestWork {
    static final long BASE = 0x10_0000;
    static final long SIZE = 0x20_0000;
    private static final long DATA = BASE + 0x10_0000;
    private static final long STACK = BASE + 0x1F_0000;
    private static final int FUNCTIONS = 40;

    /** Registers that the functions compute with: not RSP, nor RBX, which is their pointer, nor RDI. */
    private static final int[] REGISTERS = {0, 1, 2, 6, 8, 9, 10, 11};

    private final ByteArrayOutputStream code = new ByteArrayOutputStream();
    private final SplittableRandom random = new SplittableRandom(42);

    private GuestWork() {}

    /** A machine about to execute the code. */
    static FlatMachine machine(byte[] code) {
        FlatMachine machine = new FlatMachine(BASE, SIZE);
        machine.load(BASE, code);
        machine.cpu.rip = BASE;
        machine.cpu.gpr[Cpu.RSP] = STACK;
        machine.cpu.gpr[Cpu.RDI] = DATA;
        return machine;
    }

    static byte[] mixed() {
        return new GuestWork().functions();
    }

    /** Register arithmetic in a loop of eight instructions. */
    static byte[] arithmetic() {
        GuestWork work = new GuestWork();
        // ADD RAX, RCX; XOR EDX, EAX; LEA RSI, [RAX + 4 * RDX]; SHR RSI, 3; SUB R8, RSI; AND R8D, FFFF; INC RCX; JMP
        work.bytes(0x48, 0x01, 0xC8, 0x31, 0xC2, 0x48, 0x8D, 0x34, 0x90, 0x48, 0xC1, 0xEE, 0x03, 0x49, 0x29, 0xF0);
        work.bytes(0x41, 0x81, 0xE0, 0xFF, 0xFF, 0, 0, 0x48, 0xFF, 0xC1, 0xEB, 0xE4);
        return work.code.toByteArray();
    }

    /** Loads and stores in a loop of eight instructions. */
    static byte[] memory() {
        GuestWork work = new GuestWork();
        // MOV RAX, [RDI]; ADD RAX, [RDI + 8]; MOV [RDI + 16], RAX; MOVZX ECX, byte [RDI + RDX]; MOV [RDI + 24], CL
        work.bytes(0x48, 0x8B, 0x07, 0x48, 0x03, 0x47, 0x08, 0x48, 0x89, 0x47, 0x10, 0x0F, 0xB6, 0x0C, 0x17);
        // ADD dword [RDI + 32], 1; CMP [RDI + 40], RAX; JMP
        work.bytes(0x88, 0x4F, 0x18, 0x83, 0x47, 0x20, 0x01, 0x48, 0x39, 0x47, 0x28, 0xEB, 0xE4);
        return work.code.toByteArray();
    }

    /** Calls, returns, pushes and pops. */
    static byte[] calls() {
        GuestWork work = new GuestWork();
        // L: CALL F; JMP L; F: PUSH RBX; PUSH RBP; MOV RBP, RSP; POP RBP; POP RBX; RET
        work.bytes(0xE8, 0x02, 0, 0, 0, 0xEB, 0xF9, 0x53, 0x55, 0x48, 0x89, 0xE5, 0x5D, 0x5B, 0xC3);
        return work.code.toByteArray();
    }

    private byte[] functions() {
        int[] entries = new int[FUNCTIONS];
        int bodies = FUNCTIONS * 5 + 5;
        while (code.size() < bodies) {
            bytes(0x90);
        }
        for (int i = 0; i < FUNCTIONS; i++) {
            entries[i] = code.size();
            function();
        }
        byte[] bytes = code.toByteArray();
        int at = 0;
        for (int entry : entries) {
            at = branch(bytes, at, 0xE8, entry);
        }
        branch(bytes, at, 0xE9, 0);
        return bytes;
    }

    private static int branch(byte[] bytes, int at, int opcode, int target) {
        bytes[at] = (byte) opcode;
        int distance = target - (at + 5);
        for (int i = 0; i < 4; i++) {
            bytes[at + 1 + i] = (byte) (distance >> 8 * i);
        }
        return at + 5;
    }

    private void function() {
        bytes(0x53, 0x48, 0x89, 0xFB); // PUSH RBX; MOV RBX, RDI
        for (int block = 0; block < 6; block++) {
            for (int i = random.nextInt(2, 5); i > 0; i--) {
                instruction();
            }
            compare();
            bytes(0x70 | random.nextInt(16));
            int distance = code.size();
            bytes(0);
            byte[] before = code.toByteArray();
            instruction();
            before[distance] = (byte) (code.size() - before.length);
            byte[] all = code.toByteArray();
            all[distance] = before[distance];
            code.reset();
            code.writeBytes(all);
        }
        bytes(0x5B, 0xC3); // POP RBX; RET
    }

    private int register() {
        return REGISTERS[random.nextInt(REGISTERS.length)];
    }

    /** Most branches of real code go the same way almost always: here those on RBX, the pointer. */
    private void compare() {
        if (random.nextInt(8) != 0) {
            bytes(0x48, 0x39, random.nextBoolean() ? 0xDB : 0xFB); // CMP RBX, RBX or RBX, RDI
            return;
        }
        switch (random.nextInt(4)) {
            case 0 -> registers(0x39, random.nextBoolean());
            case 1 -> registers(0x85, random.nextBoolean());
            case 2 -> memory(0x3B, random.nextBoolean());
            default -> immediate(7, random.nextBoolean());
        }
    }

    private void instruction() {
        boolean wide = random.nextBoolean();
        switch (random.nextInt(20)) {
            case 0, 1, 2, 3 -> memory(0x8B, wide);
            case 4, 5 -> memory(0x89, wide);
            case 6, 7 -> registers(0x89, wide);
            case 8 -> registers(0x01, wide);
            case 9 -> registers(0x29, wide);
            case 10 -> registers(0x31, wide);
            case 11 -> registers(0x21, wide);
            case 12 -> immediate(random.nextInt(7), wide);
            case 13 -> memory(0x03, wide);
            case 14 -> memory(0x8D, true);
            case 15 -> {
                // SHL or SHR by a constant
                int register = register();
                bytes(rex(wide, 0, register), 0xC1, 0xE0 | random.nextInt(2) << 3 | register & 7,
                        random.nextInt(1, 31));
            }
            case 16 -> {
                int to = register();
                // MOVZX of a byte
                bytes(rex(false, to, 0), 0x0F, 0xB6, 0x43 | (to & 7) << 3, displacement());
            }
            case 17 -> memory(0x01, wide);
            case 18 -> {
                int register = register();
                bytes(rex(false, 0, register), 0xB8 | register & 7, random.nextInt(256), 1, 0, 0);
            }
            default -> bytes(0x56, 0x5A); // PUSH RSI; POP RDX
        }
    }

    private void registers(int opcode, boolean wide) {
        int reg = register();
        int rm = register();
        bytes(rex(wide, reg, rm), opcode, 0xC0 | (reg & 7) << 3 | rm & 7);
    }

    private void memory(int opcode, boolean wide) {
        int reg = register();
        bytes(rex(wide, reg, 0), opcode, 0x43 | (reg & 7) << 3, displacement());
    }

    private void immediate(int operation, boolean wide) {
        int rm = register();
        bytes(rex(wide, 0, rm), 0x83, 0xC0 | operation << 3 | rm & 7, random.nextInt(128));
    }

    private int displacement() {
        return random.nextInt(16) * 8;
    }

    private static int rex(boolean wide, int reg, int rm) {
        return 0x40 | (wide ? 8 : 0) | reg >> 3 << 2 | rm >> 3;
    }

    private void bytes(int... values) {
        for (int value : values) {
            code.write(value);
        }
    }
}
