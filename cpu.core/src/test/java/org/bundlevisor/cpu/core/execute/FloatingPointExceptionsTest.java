package org.bundlevisor.cpu.core.execute;

import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;
import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.MemorySegment;
import java.util.HexFormat;
import org.bundlevisor.cpu.core.Intercept;
import org.bundlevisor.cpu.core.ProcessorExit;
import org.bundlevisor.cpu.core.host.HostState;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** When x87, MMX and SSE instructions fault, which the host cannot be asked: SDM vol. 2A, 2.5 and 2.6; vol. 3A, 2.5, chapters 14 and 15. */
class FloatingPointExceptionsTest {
    private static final long CODE = 0x10_0000;
    private static final long MEMORY = 0x10_1000;
    private static final int RDI = 7;

    private static final String ADDPS = "0f5807"; // ADDPS XMM0, [RDI]
    private static final String PADDB_MMX = "0ffcc1"; // PADDB MM0, MM1
    private static final String FLD1 = "d9e8";
    private static final String FWAIT = "9b";
    private static final String DIVPS = "0f5ec1"; // DIVPS XMM0, XMM1

    private TestProcessor processor = new TestProcessor(CODE, MEMORY, 8);
    private final HostState in = new HostState();
    private final HostState out = new HostState();

    FloatingPointExceptionsTest() {
        in.gpr[RDI] = MEMORY;
    }

    @AfterEach
    void close() {
        processor.close();
    }

    private int run(String code) {
        return processor.run(HexFormat.of().parseHex(code), in, out);
    }

    private int step(String code) {
        return processor.run(HexFormat.of().parseHex(code));
    }

    private void codeSize(int bytes) {
        processor.close();
        processor = new TestProcessor(CODE, MEMORY, bytes);
    }

    @ParameterizedTest
    @ValueSource(strings = {ADDPS, PADDB_MMX, FLD1, FWAIT, "0fae07", "0fae1f", "480fae27", "dbe3"})
    void taskSwitchedMakesTheUnitUnavailable(String code) {
        processor.cpu.cr0 |= Bits.CR0_TS;
        assertThat(run(code)).isEqualTo(Vectors.DEVICE_NOT_AVAILABLE);
    }

    @Test
    void waitHeedsTaskSwitchedOnlyWithMonitorCoprocessor() {
        processor.cpu.cr0 = processor.cpu.cr0 & ~Bits.CR0_MP | Bits.CR0_TS;
        assertThat(run(FWAIT)).isEqualTo(-1);
        processor.cpu.cr0 = processor.cpu.cr0 & ~Bits.CR0_TS | Bits.CR0_EM;
        assertThat(run(FWAIT)).isEqualTo(-1);
    }

    @ParameterizedTest
    @CsvSource({ADDPS + ",6", PADDB_MMX + ",6", FLD1 + ",7", "0fae17,6"})
    void emulationTurnsItOff(String code, int vector) {
        processor.cpu.cr0 |= Bits.CR0_EM;
        assertThat(run(code)).isEqualTo(vector);
    }

    @Test
    void sseNeedsTheOperatingSystemsConsent() {
        processor.cpu.cr4 &= ~Bits.CR4_OSFXSR;
        assertThat(run(ADDPS)).isEqualTo(Vectors.INVALID_OPCODE);
        assertThat(run(PADDB_MMX)).isEqualTo(-1);
        processor.cpu.cr4 &= ~Bits.CR4_OSXSAVE;
        assertThat(run("0fae27")).isEqualTo(Vectors.INVALID_OPCODE); // XSAVE
        assertThat(run("0f01d0")).isEqualTo(Vectors.INVALID_OPCODE); // XGETBV
    }

    @ParameterizedTest
    @ValueSource(strings = {ADDPS, "0f2807", "0f2907", "660f6f07", "660f7f07", "660ffc07", "0f2b07", "f30fe607"})
    void sixteenByteOperandsAreAligned(String code) {
        in.gpr[RDI] = MEMORY + 8;
        boolean eightBytes = code.startsWith("f30fe6"); // CVTDQ2PD reads eight
        assertThat(run(code)).isEqualTo(eightBytes ? -1 : Vectors.GENERAL_PROTECTION);
    }

    @ParameterizedTest
    @ValueSource(strings = {"0f1007", "0f1107", "f30f6f07", "f30f7f07", "f20ff007", "660f3a630700"})
    void someOperandsNeedNotBe(String code) {
        in.gpr[RDI] = MEMORY + 4095 - 8;
        assertThat(run(code)).isEqualTo(-1);
    }

    @Test
    void anUnmaskedExceptionKeepsTheDestination() {
        in.setXmm(0, 0x3F80_0000_3F80_0000L, 0x3F80_0000_3F80_0000L);
        in.setXmm(1, 0x3F80_0000_0000_0000L, 0x4040_0000_3F80_0000L);
        in.setMxcsr(0x1F80 & ~(4 << 7));
        assertThat(run(DIVPS)).isEqualTo(Vectors.SIMD_FLOATING_POINT);
        assertThat(out.xmmLow(0)).isEqualTo(in.xmmLow(0));
        // 1/3 is inexact as well, but the zero divide was found before anything was computed
        assertThat(out.mxcsr() & 63).isEqualTo(4);
        processor.cpu.cr4 &= ~Bits.CR4_OSXMMEXCPT;
        assertThat(run(DIVPS)).isEqualTo(Vectors.INVALID_OPCODE);
    }

    @Test
    void anUnmaskedPrecisionExceptionIsFoundThoughItsFlagIsSet() {
        in.setXmm(0, 0x3F80_0000_3F80_0000L, 0x3F80_0000_3F80_0000L);
        in.setXmm(1, 0x4040_0000_4040_0000L, 0x4040_0000_4040_0000L);
        in.setMxcsr(0x1F80 & ~(32 << 7) | 32);
        assertThat(run(DIVPS)).isEqualTo(Vectors.SIMD_FLOATING_POINT);
    }

    @Test
    void anX87ExceptionWaitsForTheNextInstruction() {
        in.setFcw(0x37B);
        in.setFtw(1);
        in.setSt(0, 0x3FFF, Long.MIN_VALUE);
        assertThat(run("def1")).isEqualTo(-1); // FDIVRP ST(1), ST(0): ST(1) is empty, and invalid operation masked
        in.setFtw(3);
        in.setSt(1, 0, 0);
        assertThat(run("d8f1")).isEqualTo(-1); // FDIV ST(0), ST(1)
        assertThat(out.fsw() & 0x8084).isEqualTo(0x8084);
        assertThat(out.stExponent(0)).isEqualTo(0x3FFF);
        assertThat(step(FLD1)).isEqualTo(Vectors.MATH_FAULT);
        assertThat(step(FWAIT)).isEqualTo(Vectors.MATH_FAULT);
        assertThat(step(PADDB_MMX)).isEqualTo(Vectors.MATH_FAULT);
        assertThat(step(ADDPS)).isEqualTo(-1);
        assertThat(step("dfe0")).isEqualTo(-1); // FNSTSW AX
        assertThat(step("dbe2")).isEqualTo(-1); // FNCLEX
        assertThat(step(FLD1)).isEqualTo(-1);
    }

    @Test
    void withoutNumericErrorItIsIgnored() {
        processor.cpu.cr0 &= ~Bits.CR0_NE;
        in.setFcw(0x37B);
        in.setFtw(3);
        in.setSt(0, 0x3FFF, Long.MIN_VALUE);
        assertThat(run("d8f1")).isEqualTo(-1);
        assertThat(step(FLD1)).isEqualTo(-1);
    }

    @Test
    void unmaskingWhatIsPendingRaisesIt() {
        in.setFsw(1);
        processor.memory().set(JAVA_SHORT_UNALIGNED, 0, (short) 0x37E);
        assertThat(run("d92f")).isEqualTo(-1); // FLDCW
        assertThat(out.fsw() & 0x8080).isEqualTo(0x8080);
        assertThat(step(FWAIT)).isEqualTo(Vectors.MATH_FAULT);
    }

    @Test
    void reservedBitsOfMxcsrAreRefused() {
        MemorySegment memory = processor.memory();
        memory.set(JAVA_INT_UNALIGNED, 0, 0x1_1F80);
        assertThat(run("0fae17")).isEqualTo(Vectors.GENERAL_PROTECTION); // LDMXCSR
        assertThat(out.mxcsr()).isEqualTo(0x1F80);
        memory.fill((byte) 0);
        memory.set(JAVA_INT_UNALIGNED, 24, 0x1_0000);
        assertThat(run("0fae0f")).isEqualTo(Vectors.GENERAL_PROTECTION); // FXRSTOR
    }

    @Test
    void statesInMemoryAreAligned() {
        in.gpr[RDI] = MEMORY + 8;
        assertThat(run("0fae07")).isEqualTo(Vectors.GENERAL_PROTECTION); // FXSAVE
        in.gpr[RDI] = MEMORY + 16;
        assertThat(run("0fae07")).isEqualTo(-1);
        assertThat(run("0fae27")).isEqualTo(Vectors.GENERAL_PROTECTION); // XSAVE
    }

    @Test
    void outside64BitModeOnlyEightXmmRegistersAreSaved() {
        codeSize(4);
        processor.memory().fill((byte) 0x55);
        for (int i = 0; i < 16; i++) {
            in.setXmm(i, i, i);
        }
        assertThat(run("0fae07")).isEqualTo(-1); // FXSAVE
        assertThat(processor.memory().get(JAVA_LONG_UNALIGNED, 160 + 7 * 16)).isEqualTo(7);
        assertThat(processor.memory().get(JAVA_LONG_UNALIGNED, 160 + 8 * 16)).isEqualTo(0x5555_5555_5555_5555L);
        assertThat(processor.memory().get(JAVA_INT_UNALIGNED, 28)).isEqualTo(0xFFFF); // MXCSR_MASK
    }

    @Test
    void selectorsAreSavedUnlessThePointersHave64Bits() {
        processor.cpu.selector[Cpu.CS] = 0x33;
        assertThat(run(FLD1)).isEqualTo(-1);
        assertThat(step("0fae07")).isEqualTo(-1);
        assertThat(processor.memory().get(JAVA_LONG_UNALIGNED, 8)).isEqualTo(0x33L << 32 | CODE);
        assertThat(step("480fae07")).isEqualTo(-1); // FXSAVE64
        assertThat(processor.memory().get(JAVA_LONG_UNALIGNED, 8)).isEqualTo(CODE);
    }

    @Test
    void restoringRefusesAWrongHeader() {
        in.gpr[0] = 3;
        MemorySegment memory = processor.memory();
        assertThat(run("0fae2f")).isEqualTo(-1); // XRSTOR
        memory.set(JAVA_LONG_UNALIGNED, 512, 4);
        assertThat(run("0fae2f")).isEqualTo(Vectors.GENERAL_PROTECTION);
        memory.set(JAVA_LONG_UNALIGNED, 512, 3);
        memory.set(JAVA_LONG_UNALIGNED, 520, 1L << 63);
        assertThat(run("0fae2f")).isEqualTo(Vectors.GENERAL_PROTECTION);
        memory.set(JAVA_LONG_UNALIGNED, 520, 0);
        memory.set(JAVA_LONG_UNALIGNED, 528, 1);
        assertThat(run("0fae2f")).isEqualTo(Vectors.GENERAL_PROTECTION);
    }

    @Test
    void aComponentThatIsNotPresentBecomesInitial() {
        in.gpr[0] = 3;
        in.setXmm(5, 1, 2);
        in.setFtw(0xFF);
        in.setFcw(0x27F);
        processor.memory().set(JAVA_INT_UNALIGNED, 24, 0x1F00);
        assertThat(run("0fae2f")).isEqualTo(-1);
        assertThat(out.xmmLow(5)).isZero();
        assertThat(out.fcw()).isEqualTo(0x37F);
        assertThat(out.ftw()).isZero();
        assertThat(out.mxcsr()).isEqualTo(0x1F00);
    }

    @Test
    void theExtendedControlRegisterIsChecked() {
        in.gpr[0] = 3;
        assertThat(run("0f01d1")).isEqualTo(-1); // XSETBV
        assertThat(run("0f01d0")).isEqualTo(-1); // XGETBV
        assertThat(out.gpr[0]).isEqualTo(3);
        in.gpr[0] = 2;
        assertThat(run("0f01d1")).isEqualTo(Vectors.GENERAL_PROTECTION);
        in.gpr[0] = 7;
        assertThat(run("0f01d1")).isEqualTo(Vectors.GENERAL_PROTECTION);
        in.gpr[0] = 1;
        in.gpr[1] = 1;
        assertThat(run("0f01d1")).isEqualTo(Vectors.GENERAL_PROTECTION);
        processor.cpu.cpl = 3;
        in.gpr[1] = 0;
        assertThat(run("0f01d1")).isEqualTo(Vectors.GENERAL_PROTECTION);
    }

    @Test
    void settingItCanBeIntercepted() {
        processor.cpu.intercepts.set(Intercept.XSETBV, true);
        in.gpr[0] = 1;
        try {
            run("0f01d1");
        } catch (ExitSignal signal) {
            assertThat(processor.cpu.exit.kind).isEqualTo(ProcessorExit.Kind.INSTRUCTION);
            assertThat(processor.cpu.exit.intercept).isEqualTo(Intercept.XSETBV);
            assertThat(processor.cpu.xcr0).isEqualTo(3);
            return;
        }
        throw new AssertionError("XSETBV did not stop the processor");
    }

    // ---- the environment: SDM vol. 1, figures 8-9 to 8-12

    private void prepareEnvironment() {
        X87 x87 = processor.cpu.x87;
        x87.initialise();
        x87.opcode = 0x5A5;
        x87.instructionPointer = 0x2_3456;
        x87.instructionSelector = 0x33;
        x87.dataPointer = 0x3_789A;
        x87.dataSelector = 0x2B;
        processor.cpu.gpr[RDI] = MEMORY;
    }

    private int word(int offset) {
        return processor.memory().get(JAVA_SHORT_UNALIGNED, offset) & 0xFFFF;
    }

    private int doubleword(int offset) {
        return processor.memory().get(JAVA_INT_UNALIGNED, offset);
    }

    @Test
    void the32BitEnvironmentOfProtectedMode() {
        prepareEnvironment();
        assertThat(step("d937")).isEqualTo(-1); // FNSTENV
        assertThat(doubleword(0)).isEqualTo(0xFFFF_037F);
        assertThat(doubleword(8)).isEqualTo(0xFFFF_FFFF);
        assertThat(doubleword(12)).isEqualTo(0x2_3456);
        assertThat(doubleword(16)).isEqualTo(0x5A5 << 16 | 0x33);
        assertThat(doubleword(20)).isEqualTo(0x3_789A);
        assertThat(doubleword(24)).isEqualTo(0xFFFF_002B);
    }

    @Test
    void the16BitEnvironmentOfProtectedMode() {
        prepareEnvironment();
        assertThat(step("66d937")).isEqualTo(-1);
        assertThat(word(6)).isEqualTo(0x3456);
        assertThat(word(8)).isEqualTo(0x33);
        assertThat(word(10)).isEqualTo(0x789A);
        assertThat(word(12)).isEqualTo(0x2B);
    }

    @Test
    void theEnvironmentsOfRealMode() {
        codeSize(2);
        processor.cpu.cr0 &= ~Bits.CR0_PE;
        processor.cpu.modeChanged();
        prepareEnvironment();
        processor.cpu.x87.instructionPointer = 0x3456;
        processor.cpu.x87.instructionSelector = 0x2000;
        processor.cpu.x87.dataPointer = 0x789A;
        processor.cpu.x87.dataSelector = 0x3000;
        assertThat(step("67d937")).isEqualTo(-1);
        assertThat(word(6)).isEqualTo(0x3456);
        assertThat(word(8)).isEqualTo(0x25A5);
        assertThat(word(10)).isEqualTo(0x789A);
        assertThat(word(12)).isEqualTo(0x3000);
        assertThat(step("6667d937")).isEqualTo(-1);
        assertThat(doubleword(12)).isEqualTo(0xFFFF_3456);
        assertThat(doubleword(16)).isEqualTo(2 << 12 | 0x5A5);
        assertThat(doubleword(24)).isEqualTo(3 << 12);
        processor.cpu.x87.initialise();
        assertThat(step("6667d927")).isEqualTo(-1); // FLDENV
        assertThat(processor.cpu.x87.instructionPointer).isEqualTo(0x2_3456);
        assertThat(processor.cpu.x87.dataPointer).isEqualTo(0x3_789A);
        assertThat(processor.cpu.x87.opcode).isEqualTo(0x5A5);
    }

    @Test
    void savingAndRestoringBringsEverythingBack() {
        in.setFcw(0x27F);
        in.setFsw(0x1800);
        in.setFtw(0x1F);
        for (int i = 0; i < 8; i++) {
            in.setSt(i, 0x3FFF + i, Long.MIN_VALUE | i);
        }
        assertThat(run("dd37")).isEqualTo(-1); // FNSAVE
        assertThat(out.ftw()).isZero();
        assertThat(out.fcw()).isEqualTo(0x37F);
        assertThat(step("dd27")).isEqualTo(-1); // FRSTOR
        X87 x87 = processor.cpu.x87;
        assertThat(x87.statusWord()).isEqualTo(0x1800);
        assertThat(x87.used).isEqualTo(0x1F);
        assertThat(x87.signExponent(2)).isEqualTo(0x4001);
        assertThat(x87.control).isEqualTo(0x27F);
    }
}
