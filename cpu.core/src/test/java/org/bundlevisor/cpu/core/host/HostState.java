package org.bundlevisor.cpu.core.host;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * What an instruction may read and change: general registers, flags and the image FXSAVE64 writes (SDM vol. 1, 10.5.1). A new
 * state is that after FNINIT and reset of MXCSR: all exceptions masked, all registers zero.
 */
public final class HostState {

    /** The arithmetic flags and DF: those a test may load. TF, AC and the system flags are left as the host has them. */
    public static final long FLAGS = 0x0CD5;

    private static final VarHandle SHORT = MethodHandles.byteArrayViewVarHandle(short[].class, ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle INT = MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle LONG = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

    /** RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8 to R15: the order of their encodings. */
    public final long[] gpr = new long[16];

    /** RFLAGS; of those going in only {@link #FLAGS} count, and coming out the others are as the host has them. */
    public long rflags;

    /** The FXSAVE64 image. */
    public final byte[] fx = new byte[512];

    public HostState() {
        clear();
    }

    /** Makes this state new again. */
    public void clear() {
        Arrays.fill(gpr, 0);
        rflags = 0x202;
        Arrays.fill(fx, (byte) 0);
        setFcw(0x37F);
        setMxcsr(0x1F80);
    }

    public void copyFrom(HostState other) {
        System.arraycopy(other.gpr, 0, gpr, 0, 16);
        rflags = other.rflags;
        System.arraycopy(other.fx, 0, fx, 0, 512);
    }

    public int fcw() {
        return u16(0);
    }

    public void setFcw(int value) {
        SHORT.set(fx, 0, (short) value);
    }

    public int fsw() {
        return u16(2);
    }

    public void setFsw(int value) {
        SHORT.set(fx, 2, (short) value);
    }

    /** The abridged tag word: bit n is set when physical register n is not empty. */
    public int ftw() {
        return fx[4] & 0xFF;
    }

    public void setFtw(int value) {
        fx[4] = (byte) value;
    }

    public int fop() {
        return u16(6);
    }

    public long fip() {
        return (long) LONG.get(fx, 8);
    }

    public long fdp() {
        return (long) LONG.get(fx, 16);
    }

    public int mxcsr() {
        return (int) INT.get(fx, 24);
    }

    public void setMxcsr(int value) {
        INT.set(fx, 24, value & 0xFFFF);
    }

    /** The significand of ST(i), which is also MMX register (i + TOP) mod 8. */
    public long stSignificand(int i) {
        return (long) LONG.get(fx, 32 + 16 * i);
    }

    /** Sign and exponent of ST(i). */
    public int stExponent(int i) {
        return u16(40 + 16 * i);
    }

    public void setSt(int i, int signExponent, long significand) {
        LONG.set(fx, 32 + 16 * i, significand);
        SHORT.set(fx, 40 + 16 * i, (short) signExponent);
    }

    public long xmmLow(int i) {
        return (long) LONG.get(fx, 160 + 16 * i);
    }

    public long xmmHigh(int i) {
        return (long) LONG.get(fx, 168 + 16 * i);
    }

    public void setXmm(int i, long low, long high) {
        LONG.set(fx, 160 + 16 * i, low);
        LONG.set(fx, 168 + 16 * i, high);
    }

    private int u16(int offset) {
        return (short) SHORT.get(fx, offset) & 0xFFFF;
    }
}
