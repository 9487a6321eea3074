package org.bundlevisor.devices.interrupt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import org.bundlevisor.devices.test.FakeContext;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Messages among local APICs, and from outside to them: SDM vol. 3A, 12.6, 12.11 and 12.12.9 to 12.12.10. */
class InterprocessorInterruptTest {
    private static final int CPUS = 4;

    private static final int LOWEST_PRIORITY = 1 << 8;
    private static final int SMI = 2 << 8;
    private static final int NMI = 4 << 8;
    private static final int INIT = 5 << 8;
    private static final int START_UP = 6 << 8;
    private static final int LOGICAL = 1 << 11;
    private static final int ASSERT = 1 << 14;
    private static final int LEVEL = 1 << 15;
    private static final int SELF = 1 << 18;
    private static final int ALL = 2 << 18;
    private static final int OTHERS = 3 << 18;

    private final FakeContext context = new FakeContext(CPUS).with("virtualWire", false);
    private final LocalApics apics = (LocalApics) new ApicFactory().create(context);

    @BeforeEach
    void enable() {
        apics.reset();
        for (int cpu = 0; cpu < CPUS; cpu++) {
            write(cpu, ApicTest.SVR, 0x1FF);
        }
    }

    private void write(int cpu, int register, int value) {
        apics.of(cpu).registers().write(register, 4, value & 0xFFFF_FFFFL);
    }

    private int read(int cpu, int register) {
        return (int) apics.of(cpu).registers().read(register, 4);
    }

    private void send(int cpu, int destination, int command) {
        write(cpu, ApicTest.ICR_HIGH, destination << 24);
        write(cpu, ApicTest.ICR_LOW, command);
    }

    private void enterX2Apic() {
        for (int cpu = 0; cpu < CPUS; cpu++) {
            assertThat(apics.of(cpu).writeMsr(ApicTest.APIC_BASE, ApicTest.X2APIC & ~0x100)).isTrue();
        }
    }

    private void sendX2Apic(int cpu, long destination, int command) {
        assertThat(apics.of(cpu).writeMsr(0x830, destination << 32 | command)).isTrue();
    }

    /** Which vCPUs have got an interrupt since the last call; it is taken and ended. */
    private List<Integer> interrupted() {
        List<Integer> interrupted = new ArrayList<>();
        for (int cpu = 0; cpu < CPUS; cpu++) {
            if (context.fakeCpu(cpu).requested()) {
                interrupted.add(cpu);
                assertThat(apics.of(cpu).acknowledge()).isNotNegative();
                write(cpu, ApicTest.EOI, 0);
                apics.of(cpu).writeMsr(0x80B, 0);
            }
        }
        return interrupted;
    }

    private List<Integer> signalled(String event) {
        List<Integer> signalled = new ArrayList<>();
        for (int cpu = 0; cpu < CPUS; cpu++) {
            if (context.fakeCpu(cpu).events().contains(event)) {
                signalled.add(cpu);
            }
            context.fakeCpu(cpu).events().clear();
        }
        return signalled;
    }

    @Test
    void physicalDestination() {
        send(0, 2, ASSERT | 0x40);
        assertThat(interrupted()).containsExactly(2);
        send(1, 0xFF, ASSERT | 0x40);
        assertThat(interrupted()).containsExactly(0, 1, 2, 3);
        send(0, 9, ASSERT | 0x40);
        assertThat(interrupted()).isEmpty();
        assertThat(read(0, ApicTest.ICR_LOW)).as("never pending").isEqualTo(ASSERT | 0x40);
    }

    @Test
    void logicalDestinationInTheFlatModel() {
        for (int cpu = 0; cpu < CPUS; cpu++) {
            write(cpu, ApicTest.LDR, 1 << 24 + cpu);
        }
        send(0, 0b1010, LOGICAL | ASSERT | 0x40);
        assertThat(interrupted()).containsExactly(1, 3);
        send(0, 0xFF, LOGICAL | ASSERT | 0x40);
        assertThat(interrupted()).containsExactly(0, 1, 2, 3);
    }

    @Test
    void logicalDestinationInTheClusterModel() {
        for (int cpu = 0; cpu < CPUS; cpu++) {
            write(cpu, ApicTest.DFR, 0x0FFF_FFFF);
            write(cpu, ApicTest.LDR, (cpu >> 1) << 28 | 1 << 24 + (cpu & 1));
        }
        send(0, 0x13, LOGICAL | ASSERT | 0x40);
        assertThat(interrupted()).containsExactly(2, 3);
        send(0, 0x01, LOGICAL | ASSERT | 0x40);
        assertThat(interrupted()).containsExactly(0);
        send(0, 0xFF, LOGICAL | ASSERT | 0x40);
        assertThat(interrupted()).containsExactly(0, 1, 2, 3);
    }

    @Test
    void shorthands() {
        send(1, 3, SELF | ASSERT | 0x40);
        assertThat(interrupted()).containsExactly(1);
        send(1, 3, ALL | ASSERT | 0x40);
        assertThat(interrupted()).containsExactly(0, 1, 2, 3);
        send(1, 3, OTHERS | ASSERT | 0x40);
        assertThat(interrupted()).containsExactly(0, 2, 3);
    }

    @Test
    void theLowestPriorityWinsAndEqualsTakeTurns() {
        write(0, ApicTest.TPR, 0x20);
        write(2, ApicTest.TPR, 0x10);
        write(3, ApicTest.TPR, 0x20);
        write(1, ApicTest.TPR, 0x20);
        send(0, 0xFF, LOWEST_PRIORITY | ASSERT | 0x40);
        assertThat(interrupted()).containsExactly(2);

        write(2, ApicTest.TPR, 0x20);
        List<Integer> winners = new ArrayList<>();
        for (int i = 0; i < CPUS; i++) {
            send(0, 0xFF, LOWEST_PRIORITY | ASSERT | 0x40);
            winners.addAll(interrupted());
        }
        assertThat(winners).containsExactly(3, 0, 1, 2);
    }

    @Test
    void aSoftwareDisabledLocalApicDoesNotTakePartInArbitration() {
        write(1, ApicTest.SVR, 0xFF);
        for (int i = 0; i < CPUS; i++) {
            send(0, 0xFF, LOWEST_PRIORITY | ASSERT | 0x40);
        }
        assertThat(interrupted()).doesNotContain(1);
    }

    @Test
    void nonMaskableInterruptInitAndStartUp() {
        send(0, 1, NMI | ASSERT);
        assertThat(signalled("NMI")).containsExactly(1);
        send(0, 0, OTHERS | INIT | ASSERT);
        assertThat(signalled("INIT")).containsExactly(1, 2, 3);
        send(0, 3, START_UP | ASSERT | 0x9A);
        assertThat(signalled("SIPI 154")).containsExactly(3);
    }

    @Test
    void theyReachASoftwareDisabledLocalApic() {
        write(2, ApicTest.SVR, 0xFF);
        send(0, 2, INIT | ASSERT);
        assertThat(signalled("INIT")).containsExactly(2);
        send(0, 2, ASSERT | 0x40);
        assertThat(interrupted()).isEmpty();
    }

    @Test
    void initLevelDeassertIsIgnored() {
        send(0, 1, INIT | LEVEL);
        assertThat(signalled("INIT")).isEmpty();
        send(0, 1, INIT | LEVEL | ASSERT);
        assertThat(signalled("INIT")).containsExactly(1);
    }

    @Test
    void toItselfAProcessorSendsFixedInterruptsOnly() {
        send(0, 0, SELF | NMI | ASSERT);
        send(0, 0, ALL | INIT | ASSERT);
        assertThat(context.fakeCpu(0).events()).isEmpty();
        assertThat(context.fakeCpu(1).events()).isEmpty();
    }

    @Test
    void systemManagementInterruptsAreIgnored() {
        send(0, 1, SMI | ASSERT);
        assertThat(context.fakeCpu(1).events()).isEmpty();
        assertThat(interrupted()).isEmpty();
    }

    @Test
    void anIllegalVectorIsASendError() {
        send(0, 1, ASSERT | 0x0F);
        assertThat(interrupted()).isEmpty();
        write(0, ApicTest.ESR, 0);
        assertThat(read(0, ApicTest.ESR)).isEqualTo(0x20);
    }

    @Test
    void anIpiIsEdgeTriggeredWhateverItSays() {
        send(0, 1, LEVEL | ASSERT | 0x62);
        assertThat(interrupted()).containsExactly(1);
        assertThat(context.endsOfInterrupt()).isEmpty();
    }

    @Test
    void x2ApicPhysicalDestinationsAre32Bits() {
        enterX2Apic();
        sendX2Apic(0, 3, ASSERT | 0x40);
        assertThat(interrupted()).containsExactly(3);
        sendX2Apic(0, 0xFF, ASSERT | 0x40);
        assertThat(interrupted()).as("255 is nobody").isEmpty();
        sendX2Apic(0, 0xFFFF_FFFFL, ASSERT | 0x40);
        assertThat(interrupted()).containsExactly(0, 1, 2, 3);
        assertThat(apics.of(0).readMsr(0x830, new long[1])).isTrue();
    }

    @Test
    void x2ApicLogicalDestinationsAreClusterAndMembers() {
        enterX2Apic();
        sendX2Apic(0, 0b0110, LOGICAL | ASSERT | 0x40);
        assertThat(interrupted()).containsExactly(1, 2);
        sendX2Apic(0, 0x1_0006L, LOGICAL | ASSERT | 0x40);
        assertThat(interrupted()).as("another cluster").isEmpty();
    }

    @Test
    void eighteenProcessorsMakeTwoClusters() {
        FakeContext many = new FakeContext(18);
        LocalApics wide = (LocalApics) new ApicFactory().create(many);
        wide.reset();
        long[] value = new long[1];
        wide.of(17).writeMsr(ApicTest.APIC_BASE, ApicTest.X2APIC & ~0x100);
        wide.of(17).readMsr(0x80D, value);
        assertThat(value[0]).isEqualTo(0x1_0002);
        wide.of(17).readMsr(0x802, value);
        assertThat(value[0]).isEqualTo(17);
    }

    @Test
    void messagesOfDevices() {
        apics.send(0xFEE0_2000L, 0x40);
        assertThat(interrupted()).containsExactly(2);
        apics.send(0xFEEF_F000L, 0x40);
        assertThat(interrupted()).containsExactly(0, 1, 2, 3);
        apics.send(0xFEEF_F008L, 0x40);
        assertThat(interrupted()).as("redirection hint: one of them").hasSize(1);
        apics.send(0xFEE0_1000L, LEVEL | 0x40);
        assertThat(interrupted()).as("a level that is taken back").isEmpty();
        apics.send(0xFEE0_1000L, LEVEL | ASSERT | 0x40);
        assertThat(interrupted()).containsExactly(1);
        assertThat(context.endsOfInterrupt()).containsExactly(0x40);
    }

    @Test
    void aMessageToAllReachesX2ApicModeToo() {
        enterX2Apic();
        apics.send(0xFEEF_F000L, 0x40);
        assertThat(interrupted()).containsExactly(0, 1, 2, 3);
        apics.send(0xFEE0_5004L, 0x40);
        assertThat(interrupted()).as("cluster 0, members 0 and 2").containsExactly(0, 2);
    }

    @Test
    void theEndOfALevelIsAnnouncedWithoutTheMonitor() {
        List<Boolean> held = new ArrayList<>();
        LocalApics[] made = new LocalApics[1];
        FakeContext watching = new FakeContext(1).onEndOfInterrupt(vector -> held.add(Thread.holdsLock(made[0])));
        made[0] = (LocalApics) new ApicFactory().create(watching);
        made[0].reset();
        made[0].send(0xFEE0_0000L, LEVEL | ASSERT | 0x40);
        made[0].of(0).acknowledge();
        made[0].of(0).registers().write(ApicTest.EOI, 4, 0);
        assertThat(held).containsExactly(false);
    }

    @Test
    void theExternalControllerIsAskedWithoutTheMonitor() {
        List<Boolean> held = new ArrayList<>();
        LocalApics[] made = new LocalApics[1];
        FakeContext watching = new FakeContext(1).withExternalController(() -> {
            held.add(Thread.holdsLock(made[0]));
            return 0x20;
        });
        made[0] = (LocalApics) new ApicFactory().create(watching);
        made[0].reset();
        made[0].of(0).localInterrupt(0).set(true);
        made[0].of(0).acknowledge();
        assertThat(held).containsExactly(false);
    }

    @Test
    void aStateOfMoreLocalApicsIsRefused() {
        LocalApics one = (LocalApics) new ApicFactory().create(new FakeContext());
        assertThatThrownBy(() -> one.restore(apics.save()))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("4 local APICs");
    }
}
