package org.bundlevisor.cpu.core.softfloat;

import static org.assertj.core.api.Assertions.fail;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.HexFormat;
import org.bundlevisor.cpu.core.host.HostCpu;
import org.bundlevisor.cpu.core.host.HostState;
import org.bundlevisor.cpu.core.host.Operands;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Each operation with all roundings, precisions and masks, against the host's x87 unit. */
class ExtendedArithmeticTest {

    private static final int CASES = Operands.count(15_000);
    private static final int C0 = 0x100;
    private static final int C1 = 0x200;
    private static final int C2 = 0x400;
    private static final int C3 = 0x4000;

    private HostCpu host;
    private final HostState in = new HostState();
    private final HostState out = new HostState();
    private final ExtendedArithmetic arithmetic = new ExtendedArithmetic();
    private final Operands operands = Operands.seeded("ExtendedArithmeticTest");

    private int aSe;
    private long a;
    private int bSe;
    private long b;

    @BeforeEach
    void open() {
        assumeThat(HostCpu.available()).isTrue();
        host = HostCpu.open();
        assumeThat(host.isIntel()).isTrue();
    }

    @AfterEach
    void close() {
        if (host != null) {
            host.close();
        }
    }

    /** ST(0) is a, ST(1) is b; the control word is anything. */
    private void operands(boolean anyMasks) {
        in.clear();
        a = operands.nextExtended();
        aSe = operands.signExponent;
        b = operands.nextExtended();
        bSe = operands.signExponent;
        if (operands.nextInt(16) == 0) {
            b = a;
            bSe = operands.nextBoolean() ? aSe : aSe ^ 0x8000;
        } else if (operands.nextInt(8) == 0) {
            bSe = bSe & 0x8000 | aSe + operands.nextInt(3) & 0x7FFF;
        }
        int masks = anyMasks && operands.nextInt(4) == 0 ? operands.nextInt(64) : 63;
        int fcw = operands.nextInt(16) << 8 | 0x40 | masks;
        in.setFcw(fcw);
        in.setFtw(3);
        in.setSt(0, aSe, a);
        in.setSt(1, bSe, b);
        arithmetic.setControl(fcw);
    }

    private static byte[] code(String hexadecimal) {
        return HexFormat.of().parseHex(hexadecimal);
    }

    private void check(String operation, boolean same, String detail) {
        if (!same) {
            fail("%s a=%04X:%016X b=%04X:%016X fcw=%04X%nhost %04X:%016X fsw=%04X%nours %04X:%016X exceptions=%02X up=%s %s"
                    .formatted(
                            operation,
                            aSe,
                            a,
                            bSe,
                            b,
                            in.fcw(),
                            out.stExponent(0),
                            out.stSignificand(0),
                            out.fsw(),
                            arithmetic.signExponent,
                            arithmetic.significand,
                            arithmetic.exceptions,
                            arithmetic.roundedUp(),
                            detail));
        }
    }

    /** Compares exceptions, C1, and ST(0), which an unmasked exception before computation leaves alone. */
    private void checkResult(String operation) {
        boolean kept = (arithmetic.exceptions & ~in.fcw() & ExceptionFlags.BEFORE_COMPUTATION) != 0;
        int se = kept ? aSe : arithmetic.signExponent;
        long significand = kept ? a : arithmetic.significand;
        check(
                operation,
                (out.fsw() & 63) == arithmetic.exceptions
                        && ((out.fsw() & C1) != 0) == arithmetic.roundedUp()
                        && out.stExponent(0) == se
                        && out.stSignificand(0) == significand,
                "");
    }

    @ParameterizedTest
    @CsvSource({"add,d8c1", "multiply,d8c9", "subtract,d8e1", "reverse subtract,d8e9", "divide,d8f1",
        "reverse divide,d8f9", "scale,d9fd"})
    void operationsOnTwoNumbers(String operation, String code) {
        byte[] bytes = code(code);
        for (int i = 0; i < CASES; i++) {
            operands(true);
            host.run(bytes, in, out);
            switch (operation) {
                case "add" -> arithmetic.add(aSe, a, bSe, b);
                case "multiply" -> arithmetic.multiply(aSe, a, bSe, b);
                case "subtract" -> arithmetic.subtract(aSe, a, bSe, b);
                case "reverse subtract" -> arithmetic.subtract(bSe, b, aSe, a);
                case "divide" -> arithmetic.divide(aSe, a, bSe, b);
                case "reverse divide" -> arithmetic.divide(bSe, b, aSe, a);
                default -> arithmetic.scale(aSe, a, bSe, b);
            }
            checkResult(operation);
        }
    }

    @ParameterizedTest
    @CsvSource({"squareRoot,d9fa", "roundToInteger,d9fc"})
    void operationsOnOneNumber(String operation, String code) {
        byte[] bytes = code(code);
        for (int i = 0; i < CASES; i++) {
            operands(true);
            host.run(bytes, in, out);
            if (operation.equals("squareRoot")) {
                arithmetic.squareRoot(aSe, a);
            } else {
                arithmetic.roundToInteger(aSe, a);
            }
            checkResult(operation);
        }
    }

    @ParameterizedTest
    @CsvSource({"FPREM,d9f8,false", "FPREM1,d9f5,true"})
    void partialRemainder(String operation, String code, boolean nearest) {
        byte[] bytes = code(code);
        for (int i = 0; i < CASES; i++) {
            operands(true);
            host.run(bytes, in, out);
            boolean complete = arithmetic.partialRemainder(aSe, a, bSe, b, nearest);
            boolean kept = (arithmetic.exceptions & ~in.fcw() & ExceptionFlags.BEFORE_COMPUTATION) != 0;
            long quotient = arithmetic.quotient;
            int conditions = kept
                    ? 0
                    : (complete ? 0 : C2) | ((quotient & 4) != 0 ? C0 : 0) | ((quotient & 2) != 0 ? C3 : 0)
                            | ((quotient & 1) != 0 ? C1 : 0);
            check(
                    operation,
                    (out.fsw() & 63) == arithmetic.exceptions
                            && (out.fsw() & (C0 | C1 | C2 | C3)) == conditions
                            && out.stExponent(0) == (kept ? aSe : arithmetic.signExponent)
                            && out.stSignificand(0) == (kept ? a : arithmetic.significand),
                    "quotient=%X complete=%s".formatted(quotient, complete));
        }
    }

    @Test
    void extract() {
        byte[] bytes = code("d9f4");
        for (int i = 0; i < CASES; i++) {
            operands(false);
            host.run(bytes, in, out);
            arithmetic.extractExponent(aSe, a);
            check(
                    "FXTRACT exponent",
                    (out.fsw() & 63) == arithmetic.exceptions
                            && out.stExponent(1) == arithmetic.signExponent
                            && out.stSignificand(1) == arithmetic.significand,
                    "%04X:%016X".formatted(out.stExponent(1), out.stSignificand(1)));
            arithmetic.extractSignificand(aSe, a);
            checkResult("FXTRACT significand");
        }
    }

    @ParameterizedTest
    @CsvSource({"FCOM,d8d1,false", "FUCOM,dde1,true"})
    void compare(String operation, String code, boolean quiet) {
        byte[] bytes = code(code);
        for (int i = 0; i < CASES; i++) {
            operands(false);
            host.run(bytes, in, out);
            int order = arithmetic.compare(aSe, a, bSe, b, quiet);
            int conditions = switch (order) {
                case ExtendedArithmetic.LESS -> C0;
                case ExtendedArithmetic.EQUAL -> C3;
                case ExtendedArithmetic.GREATER -> 0;
                default -> C0 | C2 | C3;
            };
            check(
                    operation,
                    (out.fsw() & 63) == arithmetic.exceptions && (out.fsw() & (C0 | C1 | C2 | C3)) == conditions,
                    "order=" + order);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "FIST m16,df10,16,false",
        "FIST m32,db10,32,false",
        "FISTP m64,df38,64,false",
        "FISTTP m16,df08,16,true",
        "FISTTP m32,db08,32,true",
        "FISTTP m64,dd08,64,true"
    })
    void toInteger(String operation, String code, int bits, boolean truncate) {
        byte[] bytes = code(code);
        MemorySegment memory = host.memory();
        for (int i = 0; i < CASES; i++) {
            operands(true);
            memory.set(ValueLayout.JAVA_LONG, 0, 0x1234);
            in.gpr[0] = host.memoryAddress();
            host.run(bytes, in, out);
            long value = memory.get(ValueLayout.JAVA_LONG, 0) << 64 - bits >> 64 - bits;
            long ours = arithmetic.toInteger(aSe, a, bits, truncate);
            boolean kept = (arithmetic.exceptions & ~in.fcw() & ExceptionFlags.INVALID) != 0;
            check(
                    operation,
                    (out.fsw() & 63) == arithmetic.exceptions
                            && ((out.fsw() & C1) != 0) == arithmetic.roundedUp()
                            && value == (kept ? 0x1234 : ours),
                    "host %X ours %X".formatted(value, ours));
        }
    }

    @Test
    void toDecimal() {
        byte[] bytes = code("df30");
        MemorySegment memory = host.memory();
        for (int i = 0; i < CASES; i++) {
            operands(false);
            in.gpr[0] = host.memoryAddress();
            host.run(bytes, in, out);
            arithmetic.toDecimal(aSe, a);
            check(
                    "FBSTP",
                    (out.fsw() & 63) == arithmetic.exceptions
                            && ((out.fsw() & C1) != 0) == arithmetic.roundedUp()
                            && memory.get(ValueLayout.JAVA_LONG, 0) == arithmetic.significand
                            && memory.get(ValueLayout.JAVA_SHORT, 8) == (short) arithmetic.signExponent,
                    "host %X %X".formatted(memory.get(ValueLayout.JAVA_SHORT, 8),
                            memory.get(ValueLayout.JAVA_LONG, 0)));
        }
    }

    @ParameterizedTest
    @CsvSource({"FST m32,d910,32", "FST m64,dd10,64"})
    void narrow(String operation, String code, int bits) {
        byte[] bytes = code(code);
        MemorySegment memory = host.memory();
        for (int i = 0; i < CASES; i++) {
            operands(true);
            memory.set(ValueLayout.JAVA_LONG, 0, 0x1234);
            in.gpr[0] = host.memoryAddress();
            host.run(bytes, in, out);
            long value = bits == 32 ? memory.get(ValueLayout.JAVA_INT, 0) : memory.get(ValueLayout.JAVA_LONG, 0);
            long ours = bits == 32 ? arithmetic.toSingle(aSe, a) : arithmetic.toDouble(aSe, a);
            boolean kept = (arithmetic.exceptions & ~in.fcw() & (ExceptionFlags.ALL - ExceptionFlags.PRECISION)) != 0;
            check(
                    operation,
                    (out.fsw() & 63) == arithmetic.exceptions
                            && ((out.fsw() & C1) != 0) == arithmetic.roundedUp()
                            && value == (kept ? 0x1234 : ours),
                    "host %X ours %X".formatted(value, ours));
        }
    }

    @ParameterizedTest
    @CsvSource({"FLD m32,d900", "FLD m64,dd00", "FILD m16,df00", "FILD m32,db00", "FILD m64,df28", "FBLD,df20"})
    void load(String operation, String code) {
        byte[] bytes = code(code);
        MemorySegment memory = host.memory();
        for (int i = 0; i < CASES; i++) {
            operands(false);
            in.setFtw(0);
            in.gpr[0] = host.memoryAddress();
            long value = switch (operation) {
                case "FLD m32" -> operands.nextSingle();
                case "FLD m64" -> operands.nextDouble();
                case "FBLD" -> Long.parseLong(Long.toString(operands.nextInt() & 0xFFFF_FFFFL * 100), 16);
                default -> operands.nextLong();
            };
            int high = operands.nextInt(10) << 4 | operands.nextInt(10) | operands.nextInt(2) << 15;
            memory.set(ValueLayout.JAVA_LONG, 0, value);
            memory.set(ValueLayout.JAVA_SHORT, 8, (short) high);
            host.run(bytes, in, out);
            switch (operation) {
                case "FLD m32" -> arithmetic.fromSingle((int) value);
                case "FLD m64" -> arithmetic.fromDouble(value);
                case "FILD m16" -> arithmetic.fromInteger((short) value);
                case "FILD m32" -> arithmetic.fromInteger((int) value);
                case "FBLD" -> arithmetic.fromDecimal(value, high);
                default -> arithmetic.fromInteger(value);
            }
            checkResult(operation);
        }
    }
}
