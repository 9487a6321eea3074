package org.bundlevisor.cpu.core.execute;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.HexFormat;
import org.bundlevisor.cpu.core.ProcessorExit.Kind;
import org.bundlevisor.mmu.SecondLevelTables;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Instructions that memory stops half-way: all but the repeated ones have then done nothing that software could see, and those
 * have done a whole number of elements (SDM vol. 3A, 7.6 "Program or Task Restart"). Then they do the rest.
 */
class InterruptedInstructionsTest {
    private static final long BASE = 0x10_0000;
    private static final long CODE = BASE;
    private static final long FIRST = BASE + 0x1000;
    private static final long SECOND = BASE + 0x2000;
    private static final long THIRD = BASE + 0x3000;
    private static final long FOURTH = BASE + 0x4000;
    private static final int PAGE = 0x1000;

    private final FlatMachine machine = new FlatMachine(BASE, 0x5000);
    private final Cpu cpu = machine.cpu;

    @AfterEach
    void close() {
        machine.close();
    }

    private void load(String code) {
        machine.load(CODE, HexFormat.of().parseHex(code + "ebfe"));
        cpu.rip = CODE;
    }

    private byte[] memory() {
        return machine.ram().asSlice(PAGE).toArray(ValueLayout.JAVA_BYTE);
    }

    private void fill() {
        MemorySegment ram = machine.ram();
        for (int i = PAGE; i < ram.byteSize(); i++) {
            ram.set(ValueLayout.JAVA_BYTE, i, (byte) (i * 7 + (i >> 8)));
        }
    }

    /** The operand's page is the second, and may be read only. RBX points to it, RCX to the end of the page before. */
    @ParameterizedTest
    @ValueSource(
            strings = {"480103", "4811d8480103", "0103", "660103", "0003", "f0480103", "f00003", "66f00103",
                "48ff03", "fe0b", "48f71b", "f613", "f048ff0b", "48c1230448", "48d10b", "d303", "c01303", "480fa40303",
                "0fad03", "660fab03", "0fba2b03", "f0480fba2b03", "480fb10b", "f00fb003", "480fc103", "f00fc003",
                "488703",
                "8603", "0f9003", "480fc70b", "f0480fc70b", "0fc70b", "488903", "c60305", "a4", "48ab", "480fc303",
                "480f38f103", "8f03", "480101", "660111", "f0480101", "488901", "668901", "488709", "48d301",
                "480fc101",
                "8f01"})
    void aWriteThatIsRefusedLeavesEverythingAsItWas(String code) {
        fill();
        load(code);
        for (int i = 0; i < 16; i++) {
            cpu.gpr[i] = 0x1234_5678_9ABC_DEF0L * (2 * i + 1);
        }
        cpu.gpr[Cpu.RBX] = SECOND + 16;
        cpu.gpr[Cpu.RCX] = SECOND - 1;
        cpu.gpr[Cpu.RSI] = FIRST;
        cpu.gpr[Cpu.RDI] = SECOND + 8;
        cpu.gpr[Cpu.RSP] = THIRD + 0x800;
        cpu.gpr[Cpu.RAX] = 0x0102_0304_0506_0708L;
        cpu.setRflags(Bits.FLAG_CF | Bits.FLAG_AF | Bits.FLAG_SF | 2);
        machine.protect(SECOND, SecondLevelTables.READ);
        byte[] before = memory();
        long[] registers = cpu.gpr.clone();
        long rip = cpu.rip;
        long flags = cpu.rflags();
        Kind stop = machine.run(1);
        if (stop == Kind.LIMIT) {
            // the first of two instructions, which prepares the carry
            registers = cpu.gpr.clone();
            flags = cpu.rflags();
            rip = cpu.rip;
            stop = machine.run(1);
        }
        assertThat(stop).isEqualTo(Kind.SECOND_LEVEL);
        assertThat(cpu.exit.linearAddress & -PAGE).isEqualTo(SECOND);
        assertThat(cpu.rip).isEqualTo(rip);
        for (int i = 0; i < 16; i++) {
            assertThat(cpu.gpr[i]).as("register " + i).isEqualTo(registers[i]);
        }
        assertThat(cpu.rflags()).isEqualTo(flags);
        assertThat(memory()).isEqualTo(before);
    }

    @ParameterizedTest
    @CsvSource({"50, push", "6a05, push", "ff33, push of memory", "e800000000, call", "ffd0, call", "c8100000, enter",
        "c8100003, enter with levels", "9c, pushf"})
    void theStackPointerMovesWithThePushOnly(String code, String name) {
        load(code);
        cpu.gpr[Cpu.RAX] = CODE;
        cpu.gpr[Cpu.RBX] = FIRST;
        cpu.gpr[Cpu.RBP] = THIRD + 0x100;
        cpu.gpr[Cpu.RSP] = THIRD;
        machine.protect(SECOND, SecondLevelTables.READ);
        assertThat(machine.run(1)).as(name).isEqualTo(Kind.SECOND_LEVEL);
        assertThat(cpu.gpr[Cpu.RSP]).isEqualTo(THIRD);
        assertThat(cpu.gpr[Cpu.RBP]).isEqualTo(THIRD + 0x100);
        assertThat(cpu.rip).isEqualTo(CODE);
    }

    @ParameterizedTest
    @CsvSource({"58, pop", "5c, pop rSP", "c3, ret", "c9, leave", "8f03, pop to memory"})
    void theStackPointerMovesWithThePopOnly(String code, String name) {
        load(code);
        cpu.gpr[Cpu.RBX] = FIRST;
        cpu.gpr[Cpu.RBP] = THIRD - 4;
        cpu.gpr[Cpu.RSP] = THIRD - 4;
        machine.protect(THIRD, 0);
        assertThat(machine.run(1)).as(name).isEqualTo(Kind.SECOND_LEVEL);
        assertThat(cpu.gpr[Cpu.RSP]).isEqualTo(THIRD - 4);
        assertThat(cpu.gpr[Cpu.RBP]).isEqualTo(THIRD - 4);
        assertThat(cpu.rip).isEqualTo(CODE);
    }

    @ParameterizedTest
    @ValueSource(strings = {"60", "61"})
    void pushaAndPopaMoveAllOrNothing(String code) {
        machine.codeSize(4);
        fill();
        load(code);
        for (int i = 0; i < 8; i++) {
            cpu.gpr[i] = i * 0x1111_1111L;
        }
        boolean push = code.equals("60");
        cpu.gpr[Cpu.RSP] = push ? THIRD + 16 : SECOND - 16;
        long[] registers = cpu.gpr.clone();
        machine.protect(SECOND, push ? SecondLevelTables.READ : 0);
        byte[] before = memory();
        assertThat(machine.run(1)).isEqualTo(Kind.SECOND_LEVEL);
        for (int i = 0; i < 8; i++) {
            assertThat(cpu.gpr[i]).isEqualTo(registers[i]);
        }
        assertThat(memory()).isEqualTo(before);
        machine.protect(SECOND, SecondLevelTables.ALL);
        assertThat(machine.run(1)).isEqualTo(Kind.LIMIT);
        assertThat(cpu.gpr[Cpu.RSP]).isEqualTo(registers[Cpu.RSP] + (push ? -32 : 32));
    }

    @Test
    void pushaAndPopaWrapAroundAtTheEndOfA16BitStack() {
        try (FlatMachine small = new FlatMachine(BASE, 0x2_0000)) {
            small.codeSize(2);
            Cpu there = small.cpu;
            there.segmentBase[Cpu.SS] = BASE + 0x1000;
            there.segmentLimit[Cpu.SS] = 0xFFFF;
            there.modeChanged();
            small.load(CODE, HexFormat.of().parseHex("6061ebfe"));
            there.rip = CODE;
            for (int i = 0; i < 8; i++) {
                there.gpr[i] = 0x1110 * i;
            }
            there.gpr[Cpu.RSP] = 8;
            long[] registers = there.gpr.clone();
            assertThat(small.run(1)).isEqualTo(Kind.LIMIT);
            assertThat(there.gpr[Cpu.RSP]).isEqualTo(0xFFF8);
            // CX is the second that is pushed, SP the fifth
            assertThat(small.ram().get(ValueLayout.JAVA_SHORT, 0x1000 + 4)).isEqualTo((short) 0x1110);
            assertThat(small.ram().get(ValueLayout.JAVA_SHORT, 0x1_1000 - 2)).isEqualTo((short) 8);
            assertThat(small.run(1)).isEqualTo(Kind.LIMIT);
            for (int i = 0; i < 8; i++) {
                assertThat(there.gpr[i]).isEqualTo(registers[i]);
            }
        }
    }

    /** Sizes 1 to 8, both directions; the destination is refused from a page boundary on. */
    @ParameterizedTest
    @CsvSource({"f3a4, 1, false", "f366a5, 2, false", "f3a5, 4, false", "f348a5, 8, false", "f3a4, 1, true",
        "f348a5, 8, true"})
    void aRepeatedMoveStopsAtTheElementAndGoesOn(String code, int size, boolean down) {
        fill();
        load(code);
        int direction = down ? -size : size;
        int done = 10;
        int count = 700 / size;
        cpu.setRflags(down ? Bits.FLAG_DF : 0);
        // the destination runs into the second page from below, or from above
        long to = down ? THIRD + (done - 1) * size : SECOND - done * size;
        long from = down ? FOURTH + 0xFF0 - size : FIRST + 8;
        cpu.gpr[Cpu.RSI] = from;
        cpu.gpr[Cpu.RDI] = to;
        cpu.gpr[Cpu.RCX] = count;
        machine.protect(SECOND, SecondLevelTables.READ);
        byte[] expected = memory();
        assertThat(machine.run(100)).isEqualTo(Kind.SECOND_LEVEL);
        assertThat(cpu.gpr[Cpu.RCX]).isEqualTo(count - done);
        assertThat(cpu.gpr[Cpu.RSI]).isEqualTo(from + (long) done * direction);
        assertThat(cpu.gpr[Cpu.RDI]).isEqualTo(to + (long) done * direction);
        assertThat(cpu.rip).isEqualTo(CODE);
        machine.protect(SECOND, SecondLevelTables.ALL);
        while (cpu.rip == CODE) {
            assertThat(machine.run(1)).isEqualTo(Kind.LIMIT);
        }
        for (int i = 0; i < count; i++) {
            int at = (int) (to - FIRST) + i * direction;
            System.arraycopy(expected, (int) (from - FIRST) + i * direction, expected, at, size);
        }
        assertThat(memory()).isEqualTo(expected);
        assertThat(cpu.gpr[Cpu.RCX]).isZero();
        assertThat(cpu.gpr[Cpu.RDI]).isEqualTo(to + (long) count * direction);
    }

    @Test
    void aRepeatedStoreStopsAtThePage() {
        load("f348ab");
        cpu.gpr[Cpu.RAX] = 0x0102_0304_0506_0708L;
        cpu.gpr[Cpu.RDI] = SECOND - 44;
        cpu.gpr[Cpu.RCX] = 100;
        machine.protect(SECOND, SecondLevelTables.READ);
        assertThat(machine.run(100)).isEqualTo(Kind.SECOND_LEVEL);
        // the sixth element would cross into the page
        assertThat(cpu.gpr[Cpu.RCX]).isEqualTo(95);
        assertThat(cpu.gpr[Cpu.RDI]).isEqualTo(SECOND - 4);
        assertThat(machine.ram().get(ValueLayout.JAVA_INT_UNALIGNED, SECOND - 4 - BASE)).isZero();
    }

    @Test
    void aRepeatedComparisonStopsAtThePage() {
        load("f3a6");
        cpu.gpr[Cpu.RSI] = FIRST;
        cpu.gpr[Cpu.RDI] = SECOND - 5;
        cpu.gpr[Cpu.RCX] = 100;
        machine.protect(SECOND, 0);
        assertThat(machine.run(100)).isEqualTo(Kind.SECOND_LEVEL);
        assertThat(cpu.gpr[Cpu.RCX]).isEqualTo(95);
        assertThat(cpu.gpr[Cpu.RSI]).isEqualTo(FIRST + 5);
        assertThat(cpu.zero()).isTrue();
    }

    @Test
    void aSegmentsLimitStopsARepeatedMoveWhereItEnds() {
        machine.codeSize(4);
        fill();
        load("f3a4");
        cpu.segmentBase[Cpu.ES] = FIRST;
        cpu.segmentLimit[Cpu.ES] = 0x1F;
        cpu.modeChanged();
        cpu.gpr[Cpu.RSI] = SECOND;
        cpu.gpr[Cpu.RDI] = 0x10;
        cpu.gpr[Cpu.RCX] = 100;
        assertThat(machine.run(100)).isEqualTo(Kind.EXCEPTION);
        assertThat(cpu.exit.vector).isEqualTo(Vectors.GENERAL_PROTECTION);
        assertThat(cpu.gpr[Cpu.RCX]).isEqualTo(84);
        assertThat(cpu.gpr[Cpu.RDI]).isEqualTo(0x20);
    }

    @Test
    void lockedInstructionsAreAtomicWithinQuadwordsAndAcross() throws InterruptedException {
        Cpu other = machine.another(1);
        Interpreter otherLoop = new Interpreter(other);
        int rounds = 20_000;
        // L: LOCK ADD word [RBX + 7], 1; LOCK ADC qword [RBX + 24], -1; LOCK INC qword [RBX + 16]
        // CMP RAX, RAX; DEC ECX; JNZ L
        load("66f083430701f048835318fff048ff43104839c0ffc975e8");
        for (Cpu each : new Cpu[] {cpu, other}) {
            each.rip = CODE;
            each.gpr[Cpu.RBX] = FIRST;
            each.gpr[Cpu.RCX] = rounds;
            each.setInstructionLimit(each.instructions + 6L * rounds);
        }
        Thread second = Thread.ofPlatform().start(otherLoop::run);
        machine.interpreter.run();
        second.join();
        assertThat(machine.ram().get(ValueLayout.JAVA_LONG, PAGE + 16)).isEqualTo(2L * rounds);
        // each finds CF clear, also after an attempt that the other vCPU made fail
        assertThat(machine.ram().get(ValueLayout.JAVA_LONG, PAGE + 24)).isEqualTo(-2L * rounds);
        int word = machine.ram().get(ValueLayout.JAVA_SHORT_UNALIGNED, PAGE + 7) & 0xFFFF;
        assertThat(word).isEqualTo(2 * rounds & 0xFFFF);
    }
}
