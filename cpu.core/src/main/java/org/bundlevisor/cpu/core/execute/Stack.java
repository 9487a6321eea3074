package org.bundlevisor.cpu.core.execute;

/** The stack in SS: pushing and popping with the stack's own address size, SDM vol. 1, 6.2. */
final class Stack {
    private Stack() {}

    /** Pushes 2, 4 or 8 bytes. */
    static void push(Cpu cpu, long value, int size) {
        long pointer = cpu.gpr[Cpu.RSP] - size & cpu.stackMask;
        cpu.write(cpu.address(Cpu.SS, pointer, size, true), value, size);
        setPointer(cpu, pointer);
    }

    /** Pops 2, 4 or 8 bytes, zero-extended. */
    static long pop(Cpu cpu, int size) {
        long pointer = cpu.gpr[Cpu.RSP] & cpu.stackMask;
        long value = cpu.read(cpu.address(Cpu.SS, pointer, size, false), size);
        setPointer(cpu, pointer + size);
        return value;
    }

    /** Pushes 8 bytes in 64-bit mode. */
    static void push64(Cpu cpu, long value) {
        long pointer = cpu.gpr[Cpu.RSP] - 8;
        cpu.write64(pointer, value);
        cpu.gpr[Cpu.RSP] = pointer;
    }

    /** What lies on the stack, {@code depth} bytes above its top, zero-extended. */
    static long peek(Cpu cpu, int depth, int size) {
        long offset = cpu.gpr[Cpu.RSP] + depth & cpu.stackMask;
        return cpu.read(cpu.address(Cpu.SS, offset, size, false), size);
    }

    /** Moves the stack pointer up by so many bytes, as RET with an operand does. */
    static void drop(Cpu cpu, long bytes) {
        setPointer(cpu, cpu.gpr[Cpu.RSP] + bytes);
    }

    /** Sets as much of RSP as the stack's address size covers. */
    static void setPointer(Cpu cpu, long value) {
        long mask = cpu.stackMask;
        cpu.gpr[Cpu.RSP] = mask == 0xFFFF ? cpu.gpr[Cpu.RSP] & ~0xFFFFL | value & 0xFFFF : value & mask;
    }
}
