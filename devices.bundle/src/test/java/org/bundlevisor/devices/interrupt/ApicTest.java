package org.bundlevisor.devices.interrupt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.bundlevisor.device.LocalInterruptControllers.LocalInterruptController;
import org.bundlevisor.devices.test.FakeContext;
import org.bundlevisor.devices.test.FakeCpu;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** One local APIC by itself: the behaviour that chapter 12 of SDM vol. 3A states. */
class ApicTest {
    static final int ID = 0x020;
    static final int VERSION = 0x030;
    static final int TPR = 0x080;
    static final int PPR = 0x0A0;
    static final int EOI = 0x0B0;
    static final int LDR = 0x0D0;
    static final int DFR = 0x0E0;
    static final int SVR = 0x0F0;
    static final int ISR = 0x100;
    static final int TMR = 0x180;
    static final int IRR = 0x200;
    static final int ESR = 0x280;
    static final int ICR_LOW = 0x300;
    static final int ICR_HIGH = 0x310;
    static final int LVT_TIMER = 0x320;
    static final int LVT_LINT0 = 0x350;
    static final int LVT_LINT1 = 0x360;
    static final int LVT_ERROR = 0x370;
    static final int INITIAL_COUNT = 0x380;
    static final int CURRENT_COUNT = 0x390;
    static final int DIVIDE = 0x3E0;

    static final int APIC_BASE = 0x1B;
    static final int TSC_DEADLINE = 0x6E0;
    static final long XAPIC = 0xFEE0_0900L;
    static final long X2APIC = 0xFEE0_0D00L;

    private static final int MASKED = 1 << 16;
    private static final int PERIODIC = 1 << 17;
    private static final int DEADLINE = 2 << 17;
    private static final int DIVIDE_BY_ONE = 0b1011;

    private final FakeContext context = new FakeContext()
            .with("tscFrequency", 2_000_000_000L)
            .with("timerFrequency", "100000000")
            .with("virtualWire", false)
            .withExternalController(() -> 0x55);
    private final LocalApics apics = (LocalApics) new ApicFactory().create(context);
    private final LocalInterruptController apic = apics.of(0);
    private final FakeCpu cpu = context.fakeCpu(0);
    private final long[] value = new long[1];

    @BeforeEach
    void enable() {
        apics.reset();
        write(SVR, 0x1FF);
    }

    private int read(int register) {
        return (int) apic.registers().read(register, 4);
    }

    private void write(int register, int value) {
        apic.registers().write(register, 4, value & 0xFFFF_FFFFL);
    }

    private long msr(int index) {
        assertThat(apic.readMsr(index, value)).isTrue();
        return value[0];
    }

    /** A fixed interrupt message to the only local APIC. */
    private void message(int vector, boolean level) {
        apics.send(0xFEE0_0000L, (level ? 0xC000 : 0) | vector);
    }

    private void enterX2Apic() {
        assertThat(apic.writeMsr(APIC_BASE, X2APIC)).isTrue();
    }

    // ---- registers ----------------------------------------------------------------------------------------------------

    @Test
    void isInItsResetStateAfterReset() {
        apics.reset();
        assertThat(read(ID)).isZero();
        assertThat(read(VERSION)).isEqualTo(0x0105_0015);
        assertThat(read(TPR)).isZero();
        assertThat(read(LDR)).isZero();
        assertThat(read(DFR)).isEqualTo(0xFFFF_FFFF);
        assertThat(read(SVR)).isEqualTo(0xFF);
        for (int register = LVT_TIMER; register <= LVT_ERROR; register += 0x10) {
            assertThat(read(register)).isEqualTo(MASKED);
        }
        assertThat(read(INITIAL_COUNT)).isZero();
        assertThat(read(CURRENT_COUNT)).isZero();
        assertThat(read(DIVIDE)).isZero();
        assertThat(msr(APIC_BASE)).isEqualTo(XAPIC);
        assertThat(apic.registerBase()).isEqualTo(0xFEE0_0000L);
    }

    @Test
    void aVirtualWireComesOutOfResetAsFirmwareLeavesIt() {
        FakeContext two = new FakeContext(2).withExternalController(() -> 0x55);
        LocalApics wired = (LocalApics) new ApicFactory().create(two);
        wired.reset();
        assertThat(wired.of(0).registers().read(SVR, 4)).isEqualTo(0x1FF);
        assertThat(wired.of(0).registers().read(LVT_LINT0, 4)).isEqualTo(0x700);
        assertThat(wired.of(0).registers().read(LVT_LINT1, 4)).isEqualTo(0x400);
        assertThat(wired.of(1).registers().read(SVR, 4)).isEqualTo(0xFF);
        assertThat(wired.of(1).registers().read(LVT_LINT0, 4)).isEqualTo(MASKED);

        wired.of(0).localInterrupt(0).set(true);
        assertThat(two.fakeCpu(0).requested()).isTrue();
        assertThat(wired.of(0).acknowledge()).isEqualTo(0x55);
    }

    @Test
    void keepsTheWritableBitsOfItsRegisters() {
        write(ID, 0x12FF_FFFF);
        assertThat(read(ID)).isEqualTo(0x1200_0000);
        write(TPR, -1);
        assertThat(read(TPR)).isEqualTo(0xFF);
        write(LDR, -1);
        assertThat(read(LDR)).isEqualTo(0xFF00_0000);
        write(DFR, 0);
        assertThat(read(DFR)).isEqualTo(0x0FFF_FFFF);
        write(SVR, -1);
        assertThat(read(SVR)).isEqualTo(0x11FF);
        write(LVT_TIMER, -1);
        assertThat(read(LVT_TIMER)).isEqualTo(0x7_00FF);
        write(LVT_LINT0, -1);
        assertThat(read(LVT_LINT0)).isEqualTo(0x1_A7FF);
        write(LVT_ERROR, -1);
        assertThat(read(LVT_ERROR)).isEqualTo(0x1_00FF);
        write(DIVIDE, -1);
        assertThat(read(DIVIDE)).isEqualTo(0xB);
        write(VERSION, 0);
        assertThat(read(VERSION)).isEqualTo(0x0105_0015);
    }

    @Test
    void takesAlignedDoublewordWritesOnly() {
        apic.registers().write(TPR, 1, 0x20);
        apic.registers().write(TPR, 8, 0x20);
        apic.registers().write(TPR + 4, 4, 0x20);
        assertThat(read(TPR)).isZero();
        write(TPR, 0x43);
        assertThat(apic.registers().read(TPR, 1)).isEqualTo(0x43);
        assertThat(apic.registers().read(VERSION + 2, 2)).isEqualTo(0x0105);
        assertThat(apic.registers().read(TPR + 4, 4)).isZero();
        assertThat(apic.registers().read(TPR, 8)).isEqualTo(0x43);
    }

    @Test
    void anAccessToAReservedRegisterIsAnError() {
        write(LVT_ERROR, 0xE0);
        assertThat(read(0x040)).isZero();
        assertThat(read(ESR)).as("latched by a write only").isZero();
        write(ESR, 0);
        assertThat(read(ESR)).isEqualTo(0x80);
        assertThat(apic.acknowledge()).isEqualTo(0xE0);
        write(ESR, 0);
        assertThat(read(ESR)).isZero();
    }

    @Test
    void anErrorInterruptsOnceUntilTheStatusIsWritten() {
        write(LVT_ERROR, 0xE0);
        write(0x040, 0);
        assertThat(apic.acknowledge()).isEqualTo(0xE0);
        write(EOI, 0);
        write(0x040, 0);
        assertThat(apic.acknowledge()).isEqualTo(-1);
        write(ESR, 0);
        write(0x040, 0);
        assertThat(apic.acknowledge()).isEqualTo(0xE0);
    }

    // ---- priorities ---------------------------------------------------------------------------------------------------

    @Test
    void anInterruptIsRequestedServedAndEnded() {
        message(0x41, false);
        assertThat(cpu.requested()).isTrue();
        assertThat(read(IRR + 0x20)).isEqualTo(0x02);
        assertThat(apic.acknowledge()).isEqualTo(0x41);
        assertThat(cpu.requested()).isFalse();
        assertThat(read(IRR + 0x20)).isZero();
        assertThat(read(ISR + 0x20)).isEqualTo(0x02);
        assertThat(read(PPR)).isEqualTo(0x40);
        write(EOI, 0);
        assertThat(read(ISR + 0x20)).isZero();
        assertThat(read(PPR)).isZero();
        assertThat(context.endsOfInterrupt()).isEmpty();
    }

    @Test
    void onlyAHigherClassInterruptsAService() {
        message(0x41, false);
        apic.acknowledge();
        message(0x4F, false);
        assertThat(cpu.requested()).isFalse();
        message(0x50, false);
        assertThat(apic.acknowledge()).isEqualTo(0x50);
        write(EOI, 0);
        assertThat(cpu.requested()).isFalse();
        write(EOI, 0);
        assertThat(apic.acknowledge()).isEqualTo(0x4F);
    }

    @Test
    void theTaskPriorityHoldsItsClassAndLowerOnesBack() {
        write(TPR, 0x45);
        message(0x4F, false);
        assertThat(cpu.requested()).isFalse();
        assertThat(apic.acknowledge()).isEqualTo(-1);
        assertThat(read(PPR)).isEqualTo(0x45);
        write(TPR, 0x3F);
        assertThat(cpu.requested()).isTrue();
        assertThat(apic.acknowledge()).isEqualTo(0x4F);
    }

    @Test
    void cr8IsTheTaskPriorityClass() {
        apic.setTaskPriority(9);
        assertThat(read(TPR)).isEqualTo(0x90);
        write(TPR, 0x57);
        assertThat(apic.taskPriority()).isEqualTo(5);

        message(0x61, false);
        assertThat(cpu.requested()).isTrue();
        apic.setTaskPriority(6);
        assertThat(cpu.requested()).isFalse();
    }

    @Test
    void aVectorBelowSixteenIsAnErrorAndNoInterrupt() {
        message(0x0F, false);
        assertThat(cpu.requested()).isFalse();
        write(ESR, 0);
        assertThat(read(ESR)).isEqualTo(0x40);
    }

    @Test
    void theSameVectorCanBeRequestedAndInService() {
        message(0x41, false);
        apic.acknowledge();
        message(0x41, false);
        message(0x41, false);
        write(EOI, 0);
        assertThat(apic.acknowledge()).isEqualTo(0x41);
        write(EOI, 0);
        assertThat(apic.acknowledge()).isEqualTo(-1);
    }

    // ---- end of interrupt ---------------------------------------------------------------------------------------------

    @Test
    void theEndOfALevelIsBroadcast() {
        message(0x62, true);
        assertThat(read(TMR + 0x30)).isEqualTo(0x04);
        apic.acknowledge();
        write(EOI, 0);
        assertThat(context.endsOfInterrupt()).containsExactly(0x62);

        message(0x62, false);
        assertThat(read(TMR + 0x30)).isZero();
    }

    @Test
    void theBroadcastCanBeSuppressed() {
        write(SVR, 0x11FF);
        message(0x62, true);
        apic.acknowledge();
        write(EOI, 0);
        assertThat(context.endsOfInterrupt()).isEmpty();
        assertThat(read(ISR + 0x30)).isZero();
    }

    @Test
    void anEndWithoutAServiceDoesNothing() {
        write(EOI, 0);
        assertThat(context.endsOfInterrupt()).isEmpty();
    }

    // ---- software disable ---------------------------------------------------------------------------------------------

    @Test
    void whileSoftwareDisabledItTakesNoFixedInterruptsAndMasksItsTable() {
        message(0x41, false);
        write(LVT_LINT0, 0x700);
        write(SVR, 0xFF);
        assertThat(read(LVT_LINT0)).isEqualTo(MASKED | 0x700);
        write(LVT_LINT0, 0x700);
        assertThat(read(LVT_LINT0)).as("the mask cannot be cleared").isEqualTo(MASKED | 0x700);
        message(0x51, false);
        assertThat(read(IRR + 0x20)).as("what was requested stays").isEqualTo(0x0002);
        apics.send(0xFEE0_0000L, 0x400);
        assertThat(cpu.events()).containsExactly("NMI");
    }

    // ---- local interrupt pins -----------------------------------------------------------------------------------------

    @Test
    void lint0AsExtIntFollowsItsLevel() {
        write(LVT_LINT0, 0x700);
        apic.localInterrupt(0).set(true);
        assertThat(cpu.requested()).isTrue();
        apic.localInterrupt(0).set(false);
        assertThat(cpu.requested()).isFalse();

        apic.localInterrupt(0).set(true);
        assertThat(apic.acknowledge()).isEqualTo(0x55);
        assertThat(read(ISR + 0x20)).as("the local APIC has no part in it").isZero();
        write(LVT_LINT0, MASKED | 0x700);
        assertThat(cpu.requested()).isFalse();
        write(LVT_LINT0, 0x700);
        assertThat(cpu.requested()).isTrue();
    }

    @Test
    void extIntIgnoresTheTaskPriority() {
        write(TPR, 0xFF);
        write(LVT_LINT0, 0x700);
        apic.localInterrupt(0).set(true);
        assertThat(cpu.requested()).isTrue();
    }

    @Test
    void anExtIntMessageIsAcknowledgedOnce() {
        apics.send(0xFEE0_0000L, 0x4700);
        assertThat(cpu.requested()).isTrue();
        assertThat(apic.acknowledge()).isEqualTo(0x55);
        assertThat(cpu.requested()).isFalse();
        assertThat(apic.acknowledge()).isEqualTo(-1);
    }

    @Test
    void lint1AsNmiTakesRisingEdges() {
        write(LVT_LINT1, 0x400);
        apic.localInterrupt(1).set(true);
        apic.localInterrupt(1).set(true);
        assertThat(cpu.events()).containsExactly("NMI");
        write(LVT_LINT1, MASKED | 0x400);
        apic.localInterrupt(1).set(false);
        apic.localInterrupt(1).set(true);
        assertThat(cpu.events()).hasSize(1);
    }

    @Test
    void aFixedPinTakesRisingEdges() {
        write(LVT_LINT0, 0x71);
        apic.localInterrupt(0).set(true);
        assertThat(apic.acknowledge()).isEqualTo(0x71);
        write(EOI, 0);
        assertThat(cpu.requested()).isFalse();
    }

    @Test
    void aFixedLevelOnLint0ComesAgainAfterItsEnd() {
        write(LVT_LINT0, 0x8071);
        apic.localInterrupt(0).set(true);
        assertThat(read(LVT_LINT0)).as("remote IRR").isEqualTo(0xC071);
        assertThat(apic.acknowledge()).isEqualTo(0x71);
        write(EOI, 0);
        assertThat(apic.acknowledge()).isEqualTo(0x71);
        apic.localInterrupt(0).set(false);
        write(EOI, 0);
        assertThat(cpu.requested()).isFalse();
        assertThat(read(LVT_LINT0)).isEqualTo(0x8071);
    }

    // ---- IA32_APIC_BASE -----------------------------------------------------------------------------------------------

    @Test
    void reservedBitsOfTheBaseAreRefused() {
        assertThat(apic.writeMsr(APIC_BASE, XAPIC | 1)).isFalse();
        assertThat(apic.writeMsr(APIC_BASE, XAPIC | 0x200)).isFalse();
        assertThat(apic.writeMsr(APIC_BASE, XAPIC | 1L << 40)).isFalse();
        assertThat(apic.writeMsr(APIC_BASE, XAPIC | 1L << 39)).isTrue();
        assertThat(apic.registerBase()).isEqualTo(0x80_FEE0_0000L);
    }

    @Test
    void theTransitionsBetweenModesAreThoseOfTheManual() {
        long disabled = 0xFEE0_0100L;
        long invalid = 0xFEE0_0500L;
        assertThat(apic.writeMsr(APIC_BASE, invalid)).isFalse();
        assertThat(apic.writeMsr(APIC_BASE, X2APIC)).isTrue();
        assertThat(apic.registerBase()).isEqualTo(-1);
        assertThat(apic.writeMsr(APIC_BASE, XAPIC)).as("from x2APIC to xAPIC").isFalse();
        assertThat(apic.writeMsr(APIC_BASE, invalid)).isFalse();
        assertThat(apic.writeMsr(APIC_BASE, disabled)).isTrue();
        assertThat(apic.registerBase()).isEqualTo(-1);
        assertThat(apic.writeMsr(APIC_BASE, X2APIC)).as("from disabled to x2APIC").isFalse();
        assertThat(apic.writeMsr(APIC_BASE, XAPIC)).isTrue();
        assertThat(read(SVR)).as("as after power-up").isEqualTo(0xFF);
    }

    @Test
    void withoutLocalApicThePinsAreIntrAndNmi() {
        apic.writeMsr(APIC_BASE, 0xFEE0_0100L);
        message(0x41, false);
        assertThat(cpu.requested()).isFalse();
        apic.localInterrupt(0).set(true);
        assertThat(cpu.requested()).isTrue();
        assertThat(apic.acknowledge()).isEqualTo(0x55);
        apic.localInterrupt(1).set(true);
        assertThat(cpu.events()).containsExactly("NMI");
    }

    @Test
    void initKeepsIdentifierAndMode() {
        write(ID, 0x0700_0000);
        write(TPR, 0x30);
        write(LVT_TIMER, 0x40);
        write(INITIAL_COUNT, 1000);
        message(0x41, false);
        apic.initReset();
        assertThat(read(ID)).isEqualTo(0x0700_0000);
        assertThat(read(TPR)).isZero();
        assertThat(read(SVR)).isEqualTo(0xFF);
        assertThat(cpu.requested()).isFalse();
        assertThat(context.clock().armedTimers()).isZero();

        enterX2Apic();
        apic.initReset();
        assertThat(msr(APIC_BASE)).isEqualTo(X2APIC);
    }

    // ---- x2APIC -------------------------------------------------------------------------------------------------------

    @Test
    void theMsrsExistInX2ApicModeOnly() {
        assertThat(apic.readMsr(0x802, value)).isFalse();
        assertThat(apic.writeMsr(0x808, 0x20)).isFalse();
        enterX2Apic();
        assertThat(msr(0x802)).isZero();
        assertThat(msr(0x803)).isEqualTo(0x0105_0015);
        assertThat(msr(0x80D)).isEqualTo(1);
        assertThat(msr(0x80F)).isEqualTo(0x1FF);
        assertThat(apic.writeMsr(0x808, 0x20)).isTrue();
        assertThat(apic.taskPriority()).isEqualTo(2);
    }

    @Test
    void msrsThatDoNotExistAreRefused() {
        enterX2Apic();
        for (int index : new int[] {0x800, 0x801, 0x804, 0x809, 0x80C, 0x80E, 0x829, 0x82F, 0x831, 0x83A, 0x83F,
            0x840}) {
            assertThat(apic.readMsr(index, value)).as("read %x", index).isFalse();
        }
        for (int index : new int[] {0x800, 0x802, 0x803, 0x80A, 0x80D, 0x80E, 0x810, 0x827, 0x82F, 0x831, 0x839,
            0x840}) {
            assertThat(apic.writeMsr(index, 0)).as("write %x", index).isFalse();
        }
        assertThat(apic.readMsr(0x80B, value)).as("EOI is write-only").isFalse();
        assertThat(apic.readMsr(0x10, value)).isFalse();
    }

    @Test
    void reservedBitsAreRefused() {
        enterX2Apic();
        assertThat(apic.writeMsr(0x808, 0x100)).isFalse();
        assertThat(apic.writeMsr(0x808, 1L << 32)).isFalse();
        assertThat(apic.writeMsr(0x80B, 1)).isFalse();
        assertThat(apic.writeMsr(0x828, 1)).isFalse();
        assertThat(apic.writeMsr(0x80F, 0x3FF)).isFalse();
        assertThat(apic.writeMsr(0x832, 1 << 20)).isFalse();
        assertThat(apic.writeMsr(0x835, 0x1_F7FF)).as("read-only bits may be set").isTrue();
        assertThat(apic.writeMsr(0x83E, 4)).isFalse();
        assertThat(apic.writeMsr(0x830, 1 << 20)).isFalse();
        assertThat(apic.writeMsr(0x83F, 0x100)).isFalse();
    }

    @Test
    void theEndOfInterruptIsWrittenAsZero() {
        enterX2Apic();
        message(0x62, true);
        apic.acknowledge();
        assertThat(apic.writeMsr(0x80B, 0)).isTrue();
        assertThat(context.endsOfInterrupt()).containsExactly(0x62);
    }

    @Test
    void selfIpi() {
        enterX2Apic();
        assertThat(apic.writeMsr(0x83F, 0x99)).isTrue();
        assertThat(apic.acknowledge()).isEqualTo(0x99);
    }

    // ---- timer --------------------------------------------------------------------------------------------------------

    private void pass(long ticks) {
        context.clock().advance(10 * ticks);
    }

    @Test
    void oneShotInterruptsOnce() {
        write(DIVIDE, DIVIDE_BY_ONE);
        write(LVT_TIMER, 0xEC);
        write(INITIAL_COUNT, 1000);
        pass(400);
        assertThat(read(CURRENT_COUNT)).isEqualTo(600);
        pass(599);
        assertThat(cpu.requested()).isFalse();
        pass(1);
        assertThat(read(CURRENT_COUNT)).isZero();
        assertThat(apic.acknowledge()).isEqualTo(0xEC);
        write(EOI, 0);
        pass(10_000);
        assertThat(cpu.requested()).isFalse();
        assertThat(read(INITIAL_COUNT)).isEqualTo(1000);
    }

    @Test
    void periodicInterruptsAgainAndAgain() {
        write(DIVIDE, DIVIDE_BY_ONE);
        write(LVT_TIMER, PERIODIC | 0xEC);
        write(INITIAL_COUNT, 10_000);
        for (int i = 0; i < 5; i++) {
            pass(9_999);
            assertThat(cpu.requested()).isFalse();
            pass(1);
            assertThat(apic.acknowledge()).isEqualTo(0xEC);
            write(EOI, 0);
        }
        pass(2_500);
        assertThat(read(CURRENT_COUNT)).isEqualTo(7_500);
    }

    @Test
    void theDivideConfigurationDivides() {
        int[] codes = {0b0000, 0b0001, 0b0010, 0b0011, 0b1000, 0b1001, 0b1010, 0b1011};
        int[] divisors = {2, 4, 8, 16, 32, 64, 128, 1};
        for (int i = 0; i < codes.length; i++) {
            write(DIVIDE, codes[i]);
            write(INITIAL_COUNT, 1000);
            pass(100L * divisors[i]);
            assertThat(read(CURRENT_COUNT)).as("divided by %d", divisors[i]).isEqualTo(900);
        }
    }

    @Test
    void aNewDivisorGoesOnFromTheCurrentCount() {
        write(DIVIDE, DIVIDE_BY_ONE);
        write(INITIAL_COUNT, 1000);
        pass(400);
        write(DIVIDE, 0b0001);
        assertThat(read(CURRENT_COUNT)).isEqualTo(600);
        pass(400);
        assertThat(read(CURRENT_COUNT)).isEqualTo(500);
    }

    @Test
    void aMaskedTimerCountsAndDoesNotInterrupt() {
        write(DIVIDE, DIVIDE_BY_ONE);
        write(LVT_TIMER, MASKED | 0xEC);
        write(INITIAL_COUNT, 1000);
        pass(300);
        assertThat(read(CURRENT_COUNT)).isEqualTo(700);
        assertThat(context.clock().armedTimers()).isZero();
        pass(1000);
        write(LVT_TIMER, 0xEC);
        pass(1000);
        assertThat(cpu.requested()).as("it expired while it was masked").isFalse();

        write(INITIAL_COUNT, 1000);
        write(LVT_TIMER, MASKED | 0xEC);
        pass(500);
        write(LVT_TIMER, 0xEC);
        pass(500);
        assertThat(cpu.requested()).isTrue();
    }

    @Test
    void theGreatestCountIsUnsigned() {
        write(DIVIDE, DIVIDE_BY_ONE);
        write(INITIAL_COUNT, -1);
        pass(16);
        assertThat(read(CURRENT_COUNT)).isEqualTo(0xFFFF_FFEF);
    }

    @Test
    void anInitialCountOfZeroStopsTheTimer() {
        write(LVT_TIMER, PERIODIC | 0xEC);
        write(INITIAL_COUNT, 1000);
        write(INITIAL_COUNT, 0);
        assertThat(read(CURRENT_COUNT)).isZero();
        assertThat(context.clock().armedTimers()).isZero();
    }

    @Test
    void aChangeOfModeDisarms() {
        write(LVT_TIMER, 0xEC);
        write(INITIAL_COUNT, 1000);
        write(LVT_TIMER, DEADLINE | 0xEC);
        assertThat(read(CURRENT_COUNT)).isZero();
        assertThat(context.clock().armedTimers()).isZero();
        write(INITIAL_COUNT, 1000);
        assertThat(read(INITIAL_COUNT)).as("ignored in TSC-deadline mode").isZero();
        apic.writeMsr(TSC_DEADLINE, 1_000_000);
        write(LVT_TIMER, 0xEC);
        assertThat(msr(TSC_DEADLINE)).isZero();
        assertThat(context.clock().armedTimers()).isZero();
    }

    @Test
    void theDeadlineIsInTicksOfTheTsc() {
        write(LVT_TIMER, DEADLINE | 0xEC);
        assertThat(apic.writeMsr(TSC_DEADLINE, 2_000_001)).isTrue();
        assertThat(msr(TSC_DEADLINE)).isEqualTo(2_000_001);
        context.clock().advanceTo(1_000_000);
        assertThat(cpu.requested()).as("TSC 2000000").isFalse();
        context.clock().advanceTo(1_000_001);
        assertThat(cpu.requested()).as("TSC 2000002").isTrue();
        assertThat(msr(TSC_DEADLINE)).as("cleared when it expires").isZero();
    }

    @Test
    void aDeadlineInThePastExpiresAtOnce() {
        context.clock().advanceTo(1_000_000);
        write(LVT_TIMER, DEADLINE | 0xEC);
        apic.writeMsr(TSC_DEADLINE, 5);
        context.clock().advance(0);
        assertThat(apic.acknowledge()).isEqualTo(0xEC);
    }

    @Test
    void aDeadlineOfZeroDisarms() {
        write(LVT_TIMER, DEADLINE | 0xEC);
        apic.writeMsr(TSC_DEADLINE, 2_000_000);
        apic.writeMsr(TSC_DEADLINE, 0);
        context.clock().advance(10_000_000);
        assertThat(cpu.requested()).isFalse();
    }

    @Test
    void aDeadlineIsIgnoredInOtherModes() {
        write(LVT_TIMER, 0xEC);
        assertThat(apic.writeMsr(TSC_DEADLINE, 2_000_000)).isTrue();
        assertThat(msr(TSC_DEADLINE)).isZero();
        assertThat(context.clock().armedTimers()).isZero();
    }

    @Test
    void aDeadlineBeyondTimeNeverExpires() {
        write(LVT_TIMER, DEADLINE | 0xEC);
        apic.writeMsr(TSC_DEADLINE, -1);
        assertThat(msr(TSC_DEADLINE)).isEqualTo(-1);
        assertThat(context.clock().armedTimers()).isZero();
    }

    @Test
    void aTinyPeriodDoesNotCallBackAtEachTick() {
        write(DIVIDE, DIVIDE_BY_ONE);
        write(LVT_TIMER, PERIODIC | 0xEC);
        write(INITIAL_COUNT, 1);
        assertThat(context.clock().nextDue()).isGreaterThanOrEqualTo(10_000);
    }

    // ---- configuration ------------------------------------------------------------------------------------------------

    @Test
    void aWrongPropertyIsRefusedInOneSentence() {
        assertThatThrownBy(() -> new ApicFactory().create(new FakeContext().with("tscFrequency", 5)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage(
                        "device: the property tscFrequency is 5 (expected a whole number from 1000000 to 9000000000); "
                                + "change it or leave it out");
        assertThatThrownBy(() -> new ApicFactory().create(new FakeContext().with("virtualWire", "maybe")))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new ApicFactory().create(new FakeContext().with("timerFrequency", "fast")))
                .isInstanceOf(IllegalArgumentException.class);
    }
}
