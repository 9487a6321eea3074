package org.bundlevisor.cpu.core.host;

import java.io.ByteArrayOutputStream;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.Arrays;

/**
 * Runs instructions on the host's processor, at CPL 3, in 64-bit mode or in compatibility mode with 32-bit code. Everything lies
 * below 2 GiB, so that 32-bit addresses reach {@link #memory()} too.
 *
 * <p>The instructions must not fault (no SSE exception unmasked, no waiting x87 instruction after an unmasked exception, no access
 * outside {@link #memory()}), must not leave by a branch other than to their own end, and must not change segment registers.
 * What faults here kills the Java virtual machine. A test begins with {@code assumeThat(HostCpu.available()).isTrue()}. One
 * object is for one thread.
 */
public final class HostCpu implements AutoCloseable {

    /** Bytes in {@link #memory()}. */
    public static final int MEMORY_SIZE = 4 * 4096;

    // the state has a page of its own, so that storing to it does not look to the host like code that modifies itself
    private static final int IN_GPR = 0;
    private static final int IN_FLAGS = 128;
    private static final int OUT_GPR = 256;
    private static final int OUT_FLAGS = 384;
    private static final int HOST_RSP = 400;
    private static final int FAR_POINTER = 416;
    private static final int IN_FX = 512;
    private static final int OUT_FX = 1024;
    private static final int HOST_FX = 1536;
    private static final int CODE = 4096;
    private static final int CODE_SIZE = 4096;
    private static final int MEMORY = CODE + CODE_SIZE;
    private static final int SIZE = MEMORY + MEMORY_SIZE;

    private static final int PROT_READ_WRITE_EXEC = 7;
    private static final int MAP_PRIVATE_ANONYMOUS_32BIT = 0x62;
    private static final int USER_CODE_32 = 0x23;
    private static final int USER_CODE_64 = 0x33;
    private static final int USER_DATA = 0x2B;

    private final Linker linker = Linker.nativeLinker();
    private final MethodHandle unmap;
    private final MemorySegment block;
    private final MethodHandle enter;
    private final MethodHandle enter32;
    private final int epilogue;
    private final int slot;
    private byte[] loaded = {};
    private boolean loaded32;

    private HostCpu() {
        var lookup = linker.defaultLookup();
        var map = linker.downcallHandle(
                lookup.find("mmap").orElseThrow(),
                FunctionDescriptor.of(
                        ValueLayout.JAVA_LONG,
                        ValueLayout.JAVA_LONG,
                        ValueLayout.JAVA_LONG,
                        ValueLayout.JAVA_INT,
                        ValueLayout.JAVA_INT,
                        ValueLayout.JAVA_INT,
                        ValueLayout.JAVA_LONG));
        unmap = linker.downcallHandle(
                lookup.find("munmap").orElseThrow(),
                FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG));
        long address;
        try {
            address = (long) map.invokeExact(0L, (long) SIZE, PROT_READ_WRITE_EXEC, MAP_PRIVATE_ANONYMOUS_32BIT, -1,
                    0L);
        } catch (Throwable t) {
            throw new IllegalStateException("mmap could not be called", t);
        }
        if (address == -1) {
            throw new IllegalStateException(
                    "The host gave no writable and executable memory below 2 GiB; allow it, or skip the tests that need the host's CPU");
        }
        block = MemorySegment.ofAddress(address).reinterpret(SIZE);
        var code = new Emitter();
        int prologue64 = code.position();
        prologue(code, false);
        code.bytes(0xE9);
        int jumpToSlot = code.position();
        code.int32(0);
        code.align(16);
        int prologue32 = code.position();
        prologue(code, true);
        // JMP m16:32
        code.bytes(0xFF, 0x2D).relative(FAR_POINTER);
        code.align(16);
        epilogue = code.position();
        epilogue(code);
        code.align(64);
        slot = code.position();
        MemorySegment.copy(MemorySegment.ofArray(code.toByteArray()), 0, block, CODE, slot - CODE);
        block.set(ValueLayout.JAVA_INT_UNALIGNED, jumpToSlot, slot - (jumpToSlot + 4));
        block.set(ValueLayout.JAVA_INT_UNALIGNED, FAR_POINTER, (int) (address + slot));
        block.set(ValueLayout.JAVA_SHORT_UNALIGNED, FAR_POINTER + 4, (short) USER_CODE_32);
        enter = linker.downcallHandle(block.asSlice(prologue64), FunctionDescriptor.ofVoid());
        enter32 = linker.downcallHandle(block.asSlice(prologue32), FunctionDescriptor.ofVoid());
    }

    /** Whether this is x86-64 Linux; everywhere else tests that need the host's processor are skipped. */
    public static boolean available() {
        return System.getProperty("os.name").equals("Linux") && System.getProperty("os.arch").equals("amd64");
    }

    /** @throws IllegalStateException where the host gives no executable memory */
    public static HostCpu open() {
        return new HostCpu();
    }

    /**
     * Whether the host's processor is Intel's, whose answers count where the manual leaves a choice: approximations, the steps of
     * FPREM, undocumented instructions, which of two not-a-numbers a dot product returns.
     */
    public boolean isIntel() {
        HostState state = new HostState();
        run(new byte[] {0x0F, (byte) 0xA2}, state, state); // CPUID
        return state.gpr[3] == 0x756E_6547 && state.gpr[2] == 0x4965_6E69 && state.gpr[1] == 0x6C65_746E;
    }

    /** Memory that instructions may read and write: {@link #MEMORY_SIZE} bytes at {@link #memoryAddress()}. */
    public MemorySegment memory() {
        return block.asSlice(MEMORY, MEMORY_SIZE);
    }

    /** The linear address of {@link #memory()}: page-aligned and below 2 GiB. */
    public long memoryAddress() {
        return block.address() + MEMORY;
    }

    /** The linear address at which the first byte of the instructions lies when they run, below 2 GiB. */
    public long codeAddress() {
        return block.address() + slot;
    }

    /** Runs 64-bit code from one state to another, which may be the same object. */
    public void run(byte[] code, HostState in, HostState out) {
        run(code, false, in, out);
    }

    /** Runs 32-bit code in compatibility mode; general registers 8 to 15 and XMM8 to XMM15 are not seen by it. */
    public void run32(byte[] code, HostState in, HostState out) {
        run(code, true, in, out);
    }

    private void run(byte[] code, boolean is32, HostState in, HostState out) {
        if (is32 != loaded32 || !Arrays.equals(code, loaded)) {
            load(code, is32);
        }
        MemorySegment.copy(in.gpr, 0, block, ValueLayout.JAVA_LONG, IN_GPR, 16);
        block.set(ValueLayout.JAVA_LONG, IN_FLAGS, in.rflags & HostState.FLAGS | 0x202);
        MemorySegment.copy(in.fx, 0, block, ValueLayout.JAVA_BYTE, IN_FX, 512);
        try {
            if (is32) {
                enter32.invokeExact();
            } else {
                enter.invokeExact();
            }
        } catch (Throwable t) {
            throw new IllegalStateException("The host's CPU could not be entered", t);
        }
        MemorySegment.copy(block, ValueLayout.JAVA_LONG, OUT_GPR, out.gpr, 0, 16);
        out.rflags = block.get(ValueLayout.JAVA_LONG, OUT_FLAGS);
        MemorySegment.copy(block, ValueLayout.JAVA_BYTE, OUT_FX, out.fx, 0, 512);
    }

    private void load(byte[] code, boolean is32) {
        if (slot + code.length + 16 > CODE + CODE_SIZE) {
            throw new IllegalArgumentException("%d bytes of code; at most %d fit"
                    .formatted(code.length, CODE + CODE_SIZE - slot - 16));
        }
        MemorySegment.copy(code, 0, block, ValueLayout.JAVA_BYTE, slot, code.length);
        int end = slot + code.length;
        if (is32) {
            // JMP ptr16:32
            block.set(ValueLayout.JAVA_BYTE, end, (byte) 0xEA);
            block.set(ValueLayout.JAVA_INT_UNALIGNED, end + 1, (int) (block.address() + epilogue));
            block.set(ValueLayout.JAVA_SHORT_UNALIGNED, end + 5, (short) USER_CODE_64);
        } else {
            block.set(ValueLayout.JAVA_BYTE, end, (byte) 0xE9);
            block.set(ValueLayout.JAVA_INT_UNALIGNED, end + 1, epilogue - (end + 5));
        }
        loaded = code.clone();
        loaded32 = is32;
    }

    private static void prologue(Emitter code, boolean is32) {
        code.bytes(0x53, 0x55, 0x41, 0x54, 0x41, 0x55, 0x41, 0x56, 0x41, 0x57); // PUSH RBX, RBP, R12 to R15
        code.bytes(0x9C); // PUSHFQ
        code.bytes(0x48, 0x0F, 0xAE, 0x05).relative(HOST_FX); // FXSAVE64
        code.move(0x89, 4, HOST_RSP);
        code.bytes(0x48, 0x0F, 0xAE, 0x0D).relative(IN_FX); // FXRSTOR64
        code.move(0x8B, 0, IN_FLAGS);
        code.bytes(0x50, 0x9D); // PUSH RAX; POPFQ
        if (is32) {
            // the data segments of 64-bit processes are null, which is good for 64-bit mode only
            code.bytes(0xB8, USER_DATA, 0, 0, 0, 0x8E, 0xD8, 0x8E, 0xC0); // MOV EAX, imm32; MOV DS, EAX; MOV ES, EAX
        }
        for (int register = 0; register < 16; register++) {
            code.move(0x8B, register, IN_GPR + 8 * register);
        }
    }

    private static void epilogue(Emitter code) {
        for (int register = 0; register < 16; register++) {
            code.move(0x89, register, OUT_GPR + 8 * register);
        }
        code.move(0x8B, 4, HOST_RSP);
        code.bytes(0x9C, 0x58); // PUSHFQ; POP RAX
        code.move(0x89, 0, OUT_FLAGS);
        code.bytes(0x31, 0xC0, 0x8E, 0xD8, 0x8E, 0xC0); // XOR EAX, EAX; MOV DS, EAX; MOV ES, EAX
        code.bytes(0x48, 0x0F, 0xAE, 0x05).relative(OUT_FX); // FXSAVE64
        code.bytes(0x48, 0x0F, 0xAE, 0x0D).relative(HOST_FX); // FXRSTOR64
        code.bytes(0x9D); // POPFQ
        code.bytes(0x41, 0x5F, 0x41, 0x5E, 0x41, 0x5D, 0x41, 0x5C, 0x5D, 0x5B, 0xC3); // POP R15 to R12, RBP, RBX; RET
    }

    @Override
    public void close() {
        try {
            int status = (int) unmap.invokeExact(block.address(), (long) SIZE);
            assert status == 0;
        } catch (Throwable t) {
            throw new IllegalStateException("munmap could not be called", t);
        }
    }

    /** Writes code whose data is addressed relative to RIP; positions are offsets into the block. */
    private static final class Emitter {

        private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

        int position() {
            return CODE + bytes.size();
        }

        Emitter bytes(int... values) {
            for (int value : values) {
                bytes.write(value);
            }
            return this;
        }

        void int32(int value) {
            bytes(value, value >> 8, value >> 16, value >> 24);
        }

        void relative(int target) {
            int32(target - (position() + 4));
        }

        /** MOV between a 64-bit register and the state. */
        void move(int opcode, int register, int target) {
            bytes(0x48 | register >> 3 << 2, opcode, (register & 7) << 3 | 5).relative(target);
        }

        void align(int boundary) {
            while (position() % boundary != 0) {
                bytes.write(0xCC);
            }
        }

        byte[] toByteArray() {
            return bytes.toByteArray();
        }
    }
}
