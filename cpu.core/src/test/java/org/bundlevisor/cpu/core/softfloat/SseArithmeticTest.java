package org.bundlevisor.cpu.core.softfloat;

import static org.assertj.core.api.Assertions.fail;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.util.HexFormat;
import java.util.stream.Stream;
import org.bundlevisor.cpu.core.host.HostCpu;
import org.bundlevisor.cpu.core.host.HostState;
import org.bundlevisor.cpu.core.host.Operands;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Each operation with all roundings, FTZ and DAZ, against the host; exceptions are masked, as unmasked ones end in a signal. */
class SseArithmeticTest {

    private static final int CASES = Operands.count(15_000);

    private HostCpu host;
    private final HostState in = new HostState();
    private final HostState out = new HostState();
    private final SseArithmetic arithmetic = new SseArithmetic();
    private final Operands operands = Operands.seeded("SseArithmeticTest");

    @BeforeEach
    void open() {
        assumeThat(HostCpu.available()).isTrue();
        host = HostCpu.open();
    }

    @AfterEach
    void close() {
        if (host != null) {
            host.close();
        }
    }

    /** What to compute of a and b; the result of a comparison is a set of flags. */
    private interface Operation {
        long compute(SseArithmetic arithmetic, long a, long b);
    }

    private static Arguments of(String name, String code, int kind, Operation operation) {
        return Arguments.of(name, code, kind, operation);
    }

    private static final int DOUBLE = 0;
    private static final int SINGLE = 1;
    private static final int INTEGER = 2;
    private static final int TO_RAX = 4;
    private static final int TO_FLAGS = 8;
    private static final int SINGLE_RESULT = 16;

    private static int flags(int order) {
        return switch (order) {
            case SseArithmetic.LESS -> 1;
            case SseArithmetic.EQUAL -> 0x40;
            case SseArithmetic.GREATER -> 0;
            default -> 0x45;
        };
    }

    static Stream<Arguments> operations() {
        int single = SINGLE | SINGLE_RESULT;
        return Stream.of(
                of("ADDSD", "f20f58c1", DOUBLE, SseArithmetic::addDouble),
                of("SUBSD", "f20f5cc1", DOUBLE, SseArithmetic::subtractDouble),
                of("MULSD", "f20f59c1", DOUBLE, SseArithmetic::multiplyDouble),
                of("DIVSD", "f20f5ec1", DOUBLE, SseArithmetic::divideDouble),
                of("SQRTSD", "f20f51c1", DOUBLE, (s, a, b) -> s.squareRootDouble(b)),
                of("MINSD", "f20f5dc1", DOUBLE, SseArithmetic::minimumDouble),
                of("MAXSD", "f20f5fc1", DOUBLE, SseArithmetic::maximumDouble),
                of("COMISD", "660f2fc1", DOUBLE | TO_FLAGS, (s, a, b) -> flags(s.compareDouble(a, b, true))),
                of("UCOMISD", "660f2ec1", DOUBLE | TO_FLAGS, (s, a, b) -> flags(s.compareDouble(a, b, false))),
                of("ADDSS", "f30f58c1", single, (s, a, b) -> s.addSingle((int) a, (int) b)),
                of("SUBSS", "f30f5cc1", single, (s, a, b) -> s.subtractSingle((int) a, (int) b)),
                of("MULSS", "f30f59c1", single, (s, a, b) -> s.multiplySingle((int) a, (int) b)),
                of("DIVSS", "f30f5ec1", single, (s, a, b) -> s.divideSingle((int) a, (int) b)),
                of("SQRTSS", "f30f51c1", single, (s, a, b) -> s.squareRootSingle((int) b)),
                of("MINSS", "f30f5dc1", single, (s, a, b) -> s.minimumSingle((int) a, (int) b)),
                of("MAXSS", "f30f5fc1", single, (s, a, b) -> s.maximumSingle((int) a, (int) b)),
                of("COMISS", "0f2fc1", SINGLE | TO_FLAGS, (s, a, b) -> flags(s.compareSingle((int) a, (int) b, true))),
                of("UCOMISS", "0f2ec1", SINGLE | TO_FLAGS,
                        (s, a, b) -> flags(s.compareSingle((int) a, (int) b, false))),
                of("CVTSD2SS", "f20f5ac1", DOUBLE | SINGLE_RESULT, (s, a, b) -> s.doubleToSingle(b)),
                of("CVTSS2SD", "f30f5ac1", SINGLE, (s, a, b) -> s.singleToDouble((int) b)),
                of("CVTSI2SD", "f2480f2ac0", INTEGER, (s, a, b) -> s.longToDouble(a)),
                of("CVTSI2SS", "f3480f2ac0", INTEGER | SINGLE_RESULT, (s, a, b) -> s.longToSingle(a)),
                of("CVTSI2SD r32", "f20f2ac0", INTEGER, (s, a, b) -> s.intToDouble((int) a)),
                of("CVTSD2SI", "f20f2dc1", DOUBLE | TO_RAX, (s, a, b) -> s.doubleToInt(b, false) & 0xFFFF_FFFFL),
                of("CVTSD2SI r64", "f2480f2dc1", DOUBLE | TO_RAX, (s, a, b) -> s.doubleToLong(b, false)),
                of("CVTTSD2SI", "f20f2cc1", DOUBLE | TO_RAX, (s, a, b) -> s.doubleToInt(b, true) & 0xFFFF_FFFFL),
                of("CVTTSD2SI r64", "f2480f2cc1", DOUBLE | TO_RAX, (s, a, b) -> s.doubleToLong(b, true)),
                of("CVTSS2SI", "f30f2dc1", SINGLE | TO_RAX, (s, a, b) -> s.singleToInt((int) b, false) & 0xFFFF_FFFFL),
                of("CVTSS2SI r64", "f3480f2dc1", SINGLE | TO_RAX, (s, a, b) -> s.singleToLong((int) b, false)),
                of("CVTTSS2SI", "f30f2cc1", SINGLE | TO_RAX, (s, a, b) -> s.singleToInt((int) b, true) & 0xFFFF_FFFFL),
                of("CVTTSS2SI r64", "f3480f2cc1", SINGLE | TO_RAX, (s, a, b) -> s.singleToLong((int) b, true)),
                of("ROUNDSD", "660f3a0bc104", DOUBLE, (s, a, b) -> s.roundDouble(b)),
                of("ROUNDSS", "660f3a0ac104", single, (s, a, b) -> s.roundSingle((int) b)));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("operations")
    void asOnTheHost(String name, String code, int kind, Operation operation) {
        byte[] bytes = HexFormat.of().parseHex(code);
        for (int i = 0; i < CASES; i++) {
            in.clear();
            long a = operand(kind & 3);
            long b = operands.nextInt(16) == 0 ? a : operand(kind & 3);
            int control = operands.nextInt(3) == 0 ? 0 : operands.nextInt(8) << 13 | operands.nextInt(2) << 6;
            int sticky = operands.nextInt(4) == 0 ? operands.nextInt(64) : 0;
            int mxcsr = 0x1F80 | control | sticky;
            in.setMxcsr(mxcsr);
            in.setXmm(0, a, 0);
            in.setXmm(1, b, 0);
            in.gpr[0] = a;
            host.run(bytes, in, out);
            arithmetic.begin(mxcsr);
            long ours = operation.compute(arithmetic, a, b);
            long theirs;
            if ((kind & TO_RAX) != 0) {
                theirs = out.gpr[0];
            } else if ((kind & TO_FLAGS) != 0) {
                theirs = out.rflags & 0x45;
            } else {
                theirs = out.xmmLow(0);
                if ((kind & SINGLE_RESULT) != 0) {
                    theirs = (int) theirs;
                }
            }
            if (ours != theirs || (arithmetic.exceptions | sticky) != (out.mxcsr() & 63)) {
                fail("%s a=%016X b=%016X mxcsr=%04X%nhost %016X mxcsr=%04X%nours %016X exceptions=%02X"
                        .formatted(name, a, b, mxcsr, theirs, out.mxcsr(), ours, arithmetic.exceptions));
            }
        }
    }

    private long operand(int kind) {
        return switch (kind) {
            case DOUBLE -> operands.nextDouble();
            case SINGLE -> operands.nextSingle();
            default -> operands.nextLong();
        };
    }
}
