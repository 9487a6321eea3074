package org.bundlevisor.cpu.core.execute;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import org.bundlevisor.cpu.XsaveArea;
import org.bundlevisor.cpu.core.Intercept;
import org.bundlevisor.cpu.core.ProcessorExit;
import org.bundlevisor.cpu.core.decode.Instruction;
import org.bundlevisor.cpu.core.decode.Mnemonic;

/** x87 and SSE state in memory: FXSAVE, the XSAVE feature set, MXCSR and XCR0. SDM vol. 1, 10.5 and chapter 13. */
final class ExtendedState {
    private static final int FPU = 1;
    private static final int SSE = 2;

    /** Quadwords of the legacy region that are in use: x87 and XMM registers with what controls them. */
    static final int IMAGE_WORDS = 52;

    private static final int LEGACY_BYTES = 512;
    private static final int HEADER_BYTES = 64;
    private static final int MXCSR_WORD = 3;
    private static final int ST_WORD = 4;
    private static final int XMM_WORD = 20;
    private static final int MXCSR_MASK = 0xFFFF;
    private static final int MXCSR_INITIAL = 0x1F80;
    private static final long COMPACTED = 1L << 63;

    private ExtendedState() {}

    static void register(HandlerTable table) {
        table.addOne(Mnemonic.FXSAVE, ExtendedState::fxsave);
        table.addOne(Mnemonic.FXRSTOR, ExtendedState::fxrstor);
        table.addOne(Mnemonic.XSAVE, (cpu, in) -> xsave(cpu, in, false, 0));
        table.addOne(Mnemonic.XSAVEOPT, (cpu, in) -> xsave(cpu, in, true, 0));
        table.addOne(Mnemonic.XSAVEC, (cpu, in) -> xsave(cpu, in, true, COMPACTED));
        table.addOne(Mnemonic.XRSTOR, (cpu, in) -> xrstor(cpu, in, false));
        table.addOne(Mnemonic.XSAVES, (cpu, in) -> {
            checkPrivileged(cpu);
            xsave(cpu, in, true, COMPACTED);
        });
        table.addOne(Mnemonic.XRSTORS, (cpu, in) -> {
            checkPrivileged(cpu);
            xrstor(cpu, in, true);
        });
        table.addOne(Mnemonic.XGETBV, ExtendedState::xgetbv);
        table.addOne(Mnemonic.XSETBV, ExtendedState::xsetbv);
        table.addOne(Mnemonic.LDMXCSR, (cpu, in) -> {
            Sse.check(cpu);
            int value = cpu.read32(cpu.address(in, 4, false));
            if ((value & ~MXCSR_MASK) != 0) {
                throw cpu.raise(Vectors.GENERAL_PROTECTION, 0);
            }
            cpu.mxcsr = value;
        });
        table.addOne(Mnemonic.STMXCSR, (cpu, in) -> {
            Sse.check(cpu);
            cpu.write32(cpu.address(in, 4, true), cpu.mxcsr);
        });
    }

    // ---- the image: the legacy region as quadwords

    /** Fills the vCPU's scratch image; {@code wide} is the format with 64-bit pointers and no selectors. */
    private static long[] compose(Cpu cpu, boolean wide) {
        X87 x87 = cpu.x87;
        long[] image = x87.image;
        image[0] = x87.control
                | (long) x87.statusWord() << 16
                | (long) x87.used << 32
                | (long) x87.opcode << 48;
        if (wide) {
            image[1] = x87.instructionPointer;
            image[2] = x87.dataPointer;
        } else {
            image[1] = x87.instructionPointer & 0xFFFF_FFFFL | (long) x87.instructionSelector << 32;
            image[2] = x87.dataPointer & 0xFFFF_FFFFL | (long) x87.dataSelector << 32;
        }
        image[MXCSR_WORD] = cpu.mxcsr | (long) MXCSR_MASK << 32;
        for (int i = 0; i < 8; i++) {
            image[ST_WORD + 2 * i] = x87.significand(i);
            image[ST_WORD + 2 * i + 1] = x87.signExponent(i);
        }
        System.arraycopy(cpu.xmm, 0, image, XMM_WORD, 32);
        return image;
    }

    private static void takeX87(Cpu cpu, long[] image, boolean wide) {
        X87 x87 = cpu.x87;
        x87.setControlWord((int) image[0] & 0xFFFF);
        x87.setStatusWord((int) (image[0] >>> 16) & 0xFFFF);
        x87.used = (int) (image[0] >>> 32) & 0xFF;
        x87.opcode = (int) (image[0] >>> 48) & 0x7FF;
        x87.instructionPointer = wide ? image[1] : image[1] & 0xFFFF_FFFFL;
        x87.dataPointer = wide ? image[2] : image[2] & 0xFFFF_FFFFL;
        x87.instructionSelector = wide ? 0 : (int) (image[1] >>> 32) & 0xFFFF;
        x87.dataSelector = wide ? 0 : (int) (image[2] >>> 32) & 0xFFFF;
        for (int i = 0; i < 8; i++) {
            int physical = x87.physical(i);
            x87.significand[physical] = image[ST_WORD + 2 * i];
            x87.signExponent[physical] = (int) image[ST_WORD + 2 * i + 1] & 0xFFFF;
        }
    }

    private static void initialiseX87(Cpu cpu) {
        cpu.x87.initialise();
        Arrays.fill(cpu.x87.significand, 0);
        Arrays.fill(cpu.x87.signExponent, 0);
    }

    /** XMM registers that the mode has. */
    private static int xmmWords(Cpu cpu) {
        return cpu.code64() ? 32 : 16;
    }

    private static void write(Cpu cpu, long linear, long[] image, int from, int to) {
        for (int i = from; i < to; i++) {
            cpu.write64(linear + 8L * i & cpu.linearMask, image[i]);
        }
    }

    private static long[] read(Cpu cpu, long linear) {
        long[] image = cpu.x87.image;
        for (int i = 0; i < IMAGE_WORDS; i++) {
            image[i] = cpu.read64(linear + 8L * i & cpu.linearMask);
        }
        return image;
    }

    private static void checkMxcsr(Cpu cpu, long[] image) {
        if (((int) image[MXCSR_WORD] & ~MXCSR_MASK) != 0) {
            throw cpu.raise(Vectors.GENERAL_PROTECTION, 0);
        }
    }

    /** Linear address of an area, which has to be aligned. */
    private static long area(Cpu cpu, Instruction in, int size, int alignment, boolean write) {
        long linear = cpu.address(in, size, write);
        if ((linear & alignment - 1) != 0) {
            throw cpu.raise(Vectors.GENERAL_PROTECTION, 0);
        }
        if (write) {
            cpu.probeWrite(linear, size);
        } else {
            cpu.probeRead(linear, size);
        }
        return linear;
    }

    // ---- FXSAVE and FXRSTOR

    private static void fxsave(Cpu cpu, Instruction in) {
        X87.checkAvailable(cpu);
        long linear = area(cpu, in, LEGACY_BYTES, 16, true);
        write(cpu, linear, compose(cpu, in.operandSize == 8), 0, XMM_WORD + xmmWords(cpu));
    }

    private static void fxrstor(Cpu cpu, Instruction in) {
        X87.checkAvailable(cpu);
        long linear = area(cpu, in, LEGACY_BYTES, 16, false);
        long[] image = read(cpu, linear);
        checkMxcsr(cpu, image);
        takeX87(cpu, image, in.operandSize == 8);
        cpu.mxcsr = (int) image[MXCSR_WORD];
        System.arraycopy(image, XMM_WORD, cpu.xmm, 0, xmmWords(cpu));
    }

    // ---- XSAVE and XRSTOR

    private static void checkXsave(Cpu cpu) {
        if ((cpu.cr4 & Bits.CR4_OSXSAVE) == 0) {
            throw cpu.raise(Vectors.INVALID_OPCODE, 0);
        }
    }

    private static void checkXsaveAvailable(Cpu cpu) {
        checkXsave(cpu);
        if ((cpu.cr0 & Bits.CR0_TS) != 0) {
            throw cpu.raise(Vectors.DEVICE_NOT_AVAILABLE, 0);
        }
    }

    private static void checkPrivileged(Cpu cpu) {
        checkXsave(cpu);
        if (cpu.cpl != 0) {
            throw cpu.raise(Vectors.GENERAL_PROTECTION, 0);
        }
    }

    /** The requested-feature bitmap: SDM vol. 1, 13.3. */
    private static long requested(Cpu cpu) {
        return cpu.xcr0 & (cpu.gpr[Cpu.RDX] << 32 | cpu.gpr[Cpu.RAX] & 0xFFFF_FFFFL);
    }

    /** XINUSE: which components are not in their initial state, SDM vol. 1, 13.6. */
    private static long inUse(Cpu cpu) {
        long result = cpu.x87.isInitial() ? 0 : FPU;
        for (long quadword : cpu.xmm) {
            if (quadword != 0) {
                return result | SSE;
            }
        }
        return result;
    }

    /**
     * @param optimised whether components in their initial state are not written
     * @param format {@link #COMPACTED} or 0; with x87 and SSE alone the two differ in the header only
     */
    private static void xsave(Cpu cpu, Instruction in, boolean optimised, long format) {
        checkXsaveAvailable(cpu);
        long linear = area(cpu, in, LEGACY_BYTES + HEADER_BYTES, 64, true);
        long wanted = requested(cpu);
        long inUse = inUse(cpu);
        // MXCSR apart from its initial value makes the compacted form save SSE state
        if (format != 0 && cpu.mxcsr != MXCSR_INITIAL) {
            inUse |= SSE;
        }
        long written = optimised ? wanted & inUse : wanted;
        long before = format == 0 ? cpu.read64(linear + LEGACY_BYTES & cpu.linearMask) : 0;
        long[] image = compose(cpu, in.operandSize == 8);
        if ((written & FPU) != 0) {
            write(cpu, linear, image, 0, MXCSR_WORD);
            write(cpu, linear, image, ST_WORD, XMM_WORD);
        }
        if ((format == 0 ? wanted & SSE : written & SSE) != 0) {
            write(cpu, linear, image, MXCSR_WORD, ST_WORD);
        }
        if ((written & SSE) != 0) {
            write(cpu, linear, image, XMM_WORD, XMM_WORD + xmmWords(cpu));
        }
        cpu.write64(linear + LEGACY_BYTES & cpu.linearMask, before & ~wanted | inUse & wanted);
        if (format != 0) {
            cpu.write64(linear + LEGACY_BYTES + 8 & cpu.linearMask, format | wanted);
        }
    }

    private static void xrstor(Cpu cpu, Instruction in, boolean supervisor) {
        checkXsaveAvailable(cpu);
        long linear = area(cpu, in, LEGACY_BYTES + HEADER_BYTES, 64, false);
        long wanted = requested(cpu);
        long present = cpu.read64(linear + LEGACY_BYTES & cpu.linearMask);
        long format = cpu.read64(linear + LEGACY_BYTES + 8 & cpu.linearMask);
        long reserved = cpu.read64(linear + LEGACY_BYTES + 16 & cpu.linearMask);
        boolean compacted = (format & COMPACTED) != 0;
        boolean knowsCompacted = cpu.feature(0xD, 1, 0, 1);
        long components = compacted ? format & ~COMPACTED : present;
        boolean wrong = compacted
                ? !knowsCompacted || (components & ~cpu.xcr0) != 0 || (present & ~components) != 0
                : supervisor || format != 0 || (present & ~cpu.xcr0) != 0;
        if (wrong || reserved != 0) {
            throw cpu.raise(Vectors.GENERAL_PROTECTION, 0);
        }
        long[] image = read(cpu, linear);
        boolean loadsSse = (wanted & present & SSE) != 0;
        // the standard form takes MXCSR from memory even where it initialises the XMM registers
        boolean loadsMxcsr = compacted ? loadsSse : (wanted & SSE) != 0;
        if (loadsMxcsr) {
            checkMxcsr(cpu, image);
            cpu.mxcsr = (int) image[MXCSR_WORD];
        } else if ((wanted & SSE) != 0) {
            cpu.mxcsr = MXCSR_INITIAL;
        }
        if ((wanted & FPU) != 0) {
            if ((present & FPU) != 0) {
                takeX87(cpu, image, in.operandSize == 8);
            } else {
                initialiseX87(cpu);
            }
        }
        if (loadsSse) {
            System.arraycopy(image, XMM_WORD, cpu.xmm, 0, xmmWords(cpu));
        } else if ((wanted & SSE) != 0) {
            Arrays.fill(cpu.xmm, 0, xmmWords(cpu), 0);
        }
    }

    // ---- XCR0

    private static void xgetbv(Cpu cpu, Instruction in) {
        checkXsave(cpu);
        int index = (int) cpu.gpr[Cpu.RCX];
        boolean knowsInUse = cpu.feature(0xD, 1, 0, 2);
        if (index != 0 && !(index == 1 && knowsInUse)) {
            throw cpu.raise(Vectors.GENERAL_PROTECTION, 0);
        }
        long value = index == 0 ? cpu.xcr0 : cpu.xcr0 & inUse(cpu);
        cpu.gpr[Cpu.RAX] = value & 0xFFFF_FFFFL;
        cpu.gpr[Cpu.RDX] = value >>> 32;
    }

    private static void xsetbv(Cpu cpu, Instruction in) {
        checkPrivileged(cpu);
        if (cpu.intercepts.has(Intercept.XSETBV) && !cpu.completing) {
            cpu.exit.intercept = Intercept.XSETBV;
            throw cpu.exit(ProcessorExit.Kind.INSTRUCTION, in.length);
        }
        long value = cpu.gpr[Cpu.RDX] << 32 | cpu.gpr[Cpu.RAX] & 0xFFFF_FFFFL;
        if (!setControlRegister(cpu, (int) cpu.gpr[Cpu.RCX], value)) {
            throw cpu.raise(Vectors.GENERAL_PROTECTION, 0);
        }
    }

    /** Sets an extended control register, of which there is XCR0; returns whether the value is allowed. x87 state is always on. */
    static boolean setControlRegister(Cpu cpu, int index, long value) {
        long supported = cpu.model.leaf(0xD, 0).eax() & (FPU | SSE);
        if (index != 0 || (value & FPU) == 0 || (value & ~supported) != 0) {
            return false;
        }
        cpu.xcr0 = value;
        return true;
    }

    // ---- the neutral state

    /** The state in XSAVE's standard form, all components marked present. */
    static XsaveArea save(Cpu cpu) {
        ByteBuffer buffer = ByteBuffer.allocate(XsaveArea.SIZE).order(ByteOrder.LITTLE_ENDIAN);
        long[] image = compose(cpu, true);
        for (int i = 0; i < IMAGE_WORDS; i++) {
            buffer.putLong(8 * i, image[i]);
        }
        buffer.putLong(LEGACY_BYTES, FPU | SSE);
        return new XsaveArea(buffer.array());
    }

    /** Takes the state from XSAVE's standard form; components that are not present become initial. */
    static void restore(Cpu cpu, XsaveArea area) {
        ByteBuffer buffer = ByteBuffer.wrap(area.bytes()).order(ByteOrder.LITTLE_ENDIAN);
        long[] image = cpu.x87.image;
        for (int i = 0; i < IMAGE_WORDS; i++) {
            image[i] = buffer.getLong(8 * i);
        }
        long present = buffer.getLong(LEGACY_BYTES);
        if ((present & FPU) != 0) {
            takeX87(cpu, image, true);
        } else {
            initialiseX87(cpu);
        }
        if ((present & SSE) != 0) {
            System.arraycopy(image, XMM_WORD, cpu.xmm, 0, 32);
        } else {
            Arrays.fill(cpu.xmm, 0);
        }
        cpu.mxcsr = (int) image[MXCSR_WORD] & MXCSR_MASK;
    }
}
