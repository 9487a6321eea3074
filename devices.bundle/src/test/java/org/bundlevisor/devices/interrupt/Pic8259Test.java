package org.bundlevisor.devices.interrupt;

import static org.assertj.core.api.Assertions.assertThat;

import org.bundlevisor.devices.test.FakeContext;
import org.bundlevisor.devices.test.FakeLine;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The behaviour that the 8259A data sheet (Intel 231468) states. */
class Pic8259Test {
    private static final int MASTER = 0;
    private static final int SLAVE = 1;
    private static final int ELCR = 2;

    private static final int NON_SPECIFIC_END = 0x20;
    private static final int READ_REQUESTED = 0x0A;
    private static final int READ_IN_SERVICE = 0x0B;
    private static final int POLL = 0x0C;

    private final FakeContext context = new FakeContext();
    private final Pic8259 pic = new Pic8259(context);
    private final FakeLine output = context.wire("intr");

    @BeforeEach
    void initialise() {
        pic.reset();
        initialise(MASTER, 0x20, 0x04, 0x01);
        initialise(SLAVE, 0x28, 0x02, 0x01);
    }

    private void initialise(int chip, int word2, int word3, int word4) {
        write(chip, 0, 0x11);
        write(chip, 1, word2);
        write(chip, 1, word3);
        write(chip, 1, word4);
    }

    private void write(int region, int offset, int value) {
        pic.portRegions().get(region).write(offset, 1, value);
    }

    private int read(int region, int offset) {
        return (int) pic.portRegions().get(region).read(offset, 1);
    }

    private int requested(int chip) {
        write(chip, 0, READ_REQUESTED);
        return read(chip, 0);
    }

    private int inService(int chip) {
        write(chip, 0, READ_IN_SERVICE);
        return read(chip, 0);
    }

    private void raise(int input) {
        pic.input(input).set(true);
    }

    private void lower(int input) {
        pic.input(input).set(false);
    }

    private void pulse(int input) {
        lower(input);
        raise(input);
    }

    @Test
    void aRisingEdgeRequestsAndTheAcknowledgeCycleServesIt() {
        raise(3);

        assertThat(output.level()).isTrue();
        assertThat(requested(MASTER)).isEqualTo(0x08);
        assertThat(pic.acknowledge()).isEqualTo(0x23);
        assertThat(output.level()).isFalse();
        assertThat(requested(MASTER)).isZero();
        assertThat(inService(MASTER)).isEqualTo(0x08);
    }

    @Test
    void aHighLevelRequestsOnlyOnceInEdgeMode() {
        raise(3);
        pic.acknowledge();
        write(MASTER, 0, NON_SPECIFIC_END);
        assertThat(output.level()).isFalse();

        pulse(3);
        assertThat(output.level()).isTrue();
    }

    @Test
    void aHighLevelRequestsAgainAfterEndOfInterruptInLevelMode() {
        write(ELCR, 1, 0x04);
        raise(10);
        assertThat(pic.acknowledge()).isEqualTo(0x2A);
        write(SLAVE, 0, NON_SPECIFIC_END);
        write(MASTER, 0, NON_SPECIFIC_END);
        assertThat(pic.acknowledge()).isEqualTo(0x2A);

        lower(10);
        write(SLAVE, 0, NON_SPECIFIC_END);
        write(MASTER, 0, NON_SPECIFIC_END);
        assertThat(output.level()).isFalse();
    }

    @Test
    void timerKeyboardCascadeClockAndCoprocessorAreAlwaysEdgeTriggered() {
        write(ELCR, 0, 0xFF);
        write(ELCR, 1, 0xFF);
        assertThat(read(ELCR, 0)).isEqualTo(0xF8);
        assertThat(read(ELCR, 1)).isEqualTo(0xDE);
    }

    @Test
    void theSlaveAnswersThroughInputTwoOfTheMaster() {
        raise(14);
        assertThat(requested(MASTER)).isEqualTo(0x04);
        assertThat(pic.acknowledge()).isEqualTo(0x2E);
        assertThat(inService(MASTER)).isEqualTo(0x04);
        assertThat(inService(SLAVE)).isEqualTo(0x40);
    }

    @Test
    void nothingElseReachesTheCascadeInput() {
        raise(2);
        assertThat(output.level()).isFalse();
    }

    @Test
    void aMoreImportantRequestInterruptsALessImportantOne() {
        raise(5);
        pic.acknowledge();
        raise(6);
        assertThat(output.level()).isFalse();
        raise(1);
        assertThat(pic.acknowledge()).isEqualTo(0x21);

        write(MASTER, 0, NON_SPECIFIC_END);
        assertThat(inService(MASTER)).isEqualTo(0x20);
        write(MASTER, 0, NON_SPECIFIC_END);
        assertThat(pic.acknowledge()).isEqualTo(0x26);
    }

    @Test
    void aMaskedRequestWaits() {
        write(MASTER, 1, 0x10);
        raise(4);
        assertThat(output.level()).isFalse();
        assertThat(requested(MASTER)).isEqualTo(0x10);
        assertThat(read(MASTER, 1)).isEqualTo(0x10);

        write(MASTER, 1, 0);
        assertThat(pic.acknowledge()).isEqualTo(0x24);
    }

    @Test
    void aRequestThatGoesAwayBecomesTheSpuriousSeven() {
        raise(4);
        lower(4);
        assertThat(pic.acknowledge()).isEqualTo(0x27);
        assertThat(inService(MASTER)).isZero();
    }

    @Test
    void aRequestThatGoesAwayBehindTheSlaveTakesTheCascadeWithIt() {
        raise(12);
        lower(12);
        assertThat(pic.acknowledge()).isEqualTo(0x27);
        assertThat(inService(MASTER)).isZero();
        assertThat(inService(SLAVE)).isZero();
    }

    @Test
    void inputsMustRiseAgainAfterInitialisation() {
        raise(3);
        initialise(MASTER, 0x20, 0x04, 0x01);
        assertThat(output.level()).isFalse();
        assertThat(requested(MASTER)).isZero();
        pulse(3);
        assertThat(output.level()).isTrue();
    }

    @Test
    void initialisationClearsTheMaskAndReadsRequests() {
        write(MASTER, 1, 0xFF);
        write(MASTER, 0, READ_IN_SERVICE);
        initialise(MASTER, 0x40, 0x04, 0x01);
        raise(7);
        assertThat(read(MASTER, 0)).isEqualTo(0x80);
        assertThat(read(MASTER, 1)).isZero();
        assertThat(pic.acknowledge()).isEqualTo(0x47);
    }

    @Test
    void withoutTheFourthWordTheNextWriteIsTheMask() {
        write(MASTER, 0, 0x10);
        write(MASTER, 1, 0x20);
        write(MASTER, 1, 0x04);
        write(MASTER, 1, 0xAA);
        assertThat(read(MASTER, 1)).isEqualTo(0xAA);
    }

    @Test
    void specificEndClearsOneLevel() {
        raise(5);
        pic.acknowledge();
        raise(1);
        pic.acknowledge();
        write(MASTER, 0, 0x60 | 5);
        assertThat(inService(MASTER)).isEqualTo(0x02);
    }

    @Test
    void rotationOnEndMakesTheServedLevelTheLeastImportant() {
        raise(4);
        pic.acknowledge();
        write(MASTER, 0, 0xA0);
        pulse(4);
        raise(7);
        raise(5);
        // after the rotation: 5, 6, 7, 0, 1, 2, 3, 4
        assertThat(pic.acknowledge()).isEqualTo(0x25);
        write(MASTER, 0, NON_SPECIFIC_END);
        assertThat(pic.acknowledge()).isEqualTo(0x27);
        write(MASTER, 0, NON_SPECIFIC_END);
        assertThat(pic.acknowledge()).isEqualTo(0x24);
    }

    @Test
    void rotationOnSpecificEndAndSetPriorityNameTheLeastImportantLevel() {
        raise(0);
        pic.acknowledge();
        write(MASTER, 0, 0xE0);
        pulse(0);
        raise(1);
        assertThat(pic.acknowledge()).isEqualTo(0x21);
        write(MASTER, 0, NON_SPECIFIC_END);

        write(MASTER, 0, 0xC0 | 7);
        raise(6);
        assertThat(pic.acknowledge()).isEqualTo(0x20);
    }

    @Test
    void automaticEndLeavesNothingInService() {
        initialise(MASTER, 0x20, 0x04, 0x03);
        raise(0);
        assertThat(pic.acknowledge()).isEqualTo(0x20);
        assertThat(inService(MASTER)).isZero();
    }

    @Test
    void automaticEndRotatesWhenToldTo() {
        initialise(MASTER, 0x20, 0x04, 0x03);
        write(MASTER, 0, 0x80);
        raise(0);
        pic.acknowledge();
        pulse(0);
        raise(1);
        assertThat(pic.acknowledge()).isEqualTo(0x21);

        write(MASTER, 0, 0x00);
        assertThat(pic.acknowledge()).isEqualTo(0x20);
        pulse(0);
        raise(7);
        // rotation is off: level 1 stays the least important
        assertThat(pic.acknowledge()).isEqualTo(0x27);
    }

    @Test
    void specialMaskModeLetsLessImportantLevelsThrough() {
        raise(2 + 1);
        pic.acknowledge();
        write(MASTER, 1, 0x08);
        raise(6);
        assertThat(output.level()).isFalse();

        write(MASTER, 0, 0x68);
        assertThat(pic.acknowledge()).isEqualTo(0x26);
        // the masked level in service is not cleared by a non-specific end
        write(MASTER, 0, NON_SPECIFIC_END);
        write(MASTER, 0, NON_SPECIFIC_END);
        assertThat(inService(MASTER)).isEqualTo(0x08);

        write(MASTER, 0, 0x48);
        write(MASTER, 0, NON_SPECIFIC_END);
        assertThat(inService(MASTER)).isZero();
    }

    @Test
    void specialFullyNestedModeLetsTheSlaveInterruptItself() {
        raise(13);
        pic.acknowledge();
        raise(8);
        assertThat(output.level()).isFalse();

        initialise(MASTER, 0x20, 0x04, 0x11);
        lower(13);
        lower(8);
        write(SLAVE, 0, NON_SPECIFIC_END);
        raise(13);
        assertThat(pic.acknowledge()).isEqualTo(0x2D);
        raise(3);
        assertThat(output.level()).isFalse();
        raise(8);
        assertThat(pic.acknowledge()).isEqualTo(0x28);
    }

    @Test
    void aPollAcknowledges() {
        raise(5);
        write(MASTER, 0, POLL);
        assertThat(read(MASTER, 0)).isEqualTo(0x85);
        assertThat(output.level()).isFalse();
        assertThat(inService(MASTER)).isEqualTo(0x20);

        write(MASTER, 0, POLL);
        assertThat(read(MASTER, 0)).isZero();
    }

    @Test
    void readStatusStaysAsChosen() {
        raise(5);
        pic.acknowledge();
        write(MASTER, 0, READ_IN_SERVICE);
        assertThat(read(MASTER, 0)).isEqualTo(0x20);
        assertThat(read(MASTER, 0)).isEqualTo(0x20);
        // RR clear: no action
        write(MASTER, 0, 0x08);
        assertThat(read(MASTER, 0)).isEqualTo(0x20);
    }

    @Test
    void theOutputFallsWithEachAcknowledgeSoThatAnEdgeTriggeredReceiverSeesTheNextRequest() {
        write(MASTER, 1, 0xFF);
        raise(1);
        raise(0);
        write(MASTER, 1, 0x00);
        write(MASTER, 0, 0x68);
        pic.acknowledge();
        int falls = output.falls();
        write(MASTER, 1, 0x01);
        assertThat(output.level()).isTrue();
        assertThat(pic.acknowledge()).isEqualTo(0x21);
        assertThat(output.falls()).isGreaterThan(falls);
    }

    @Test
    void aWideAccessIsTwoNarrowOnes() {
        pic.portRegions().get(MASTER).write(0, 2, 0x5500 | READ_IN_SERVICE);
        assertThat(read(MASTER, 1)).isEqualTo(0x55);
        assertThat(pic.portRegions().get(MASTER).read(0, 2)).isEqualTo(0x5500);
    }
}
