package org.bundlevisor.cpu.core.execute;

import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.util.HexFormat;
import org.bundlevisor.cpu.core.host.HostCpu;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Branches against the host's processor; every path of the code ends behind its last byte. */
class BranchesTest {
    private static final long FLAGS = Bits.ARITHMETIC_FLAGS;
    private static final long[] ARITHMETIC_FLAGS = {
        Bits.FLAG_CF, Bits.FLAG_PF, Bits.FLAG_AF, Bits.FLAG_ZF, Bits.FLAG_SF, Bits.FLAG_OF
    };

    /** LEA rAX, [rAX + 1], which changes no flag, in 64-bit and in 32-bit code. */
    private static final String STEP_64 = "488d4001";

    private static final String STEP_32 = "8d400190";

    private HostComparison both;

    @AfterEach
    void close() {
        if (both != null) {
            both.close();
        }
    }

    private void open(boolean wide) {
        assumeThat(HostCpu.available()).isTrue();
        both = new HostComparison("BranchesTest", wide);
        both.fillMemory();
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void conditionalJumpsAreTakenAsTheFlagsSay(boolean wide) {
        open(wide);
        for (int condition = 0; condition < 16; condition++) {
            allFlags("%02x04%s".formatted(0x70 | condition, wide ? STEP_64 : STEP_32));
            allFlags("0f%02x04000000%s".formatted(0x80 | condition, wide ? STEP_64 : STEP_32));
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void loopsCountAsWideAsTheAddressSizeSays(boolean wide) {
        open(wide);
        for (String prefix : new String[] {"", "67"}) {
            for (String opcode : new String[] {"e0", "e1", "e2", "e3"}) {
                String code = prefix + opcode + "04" + (wide ? STEP_64 : STEP_32);
                for (long count : new long[] {0, 1, 2, 0x10000, 0x10001, 1L << 32, (1L << 32) + 1, -1}) {
                    for (long flags : new long[] {2, 2 | Bits.FLAG_ZF}) {
                        both.fillRegisters();
                        both.in.gpr[Cpu.RCX] = count;
                        both.in.rflags = flags;
                        same(code);
                    }
                }
            }
        }
    }

    @Test
    void aLoopRunsBackwards() {
        open(true);
        both.fillRegisters();
        both.in.gpr[Cpu.RCX] = 100;
        // L: ADD RAX, RCX; ADC RBX, RAX; LOOP L
        same("4801c84811c3e2f8");
        // L: SBB RAX, RBX; DEC ECX; JNZ L
        both.in.gpr[Cpu.RCX] = 77;
        same("4819d8ffc975f9");
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void callsPushAndReturnsPop(boolean wide) {
        open(wide);
        String step = wide ? STEP_64 : STEP_32;
        for (String ret : new String[] {"c3", "c21000", "c20080"}) {
            // CALL L; JMP end; L: step; RET
            int length = 4 + ret.length() / 2;
            stack();
            same("e802000000eb%02x%s%s".formatted(length, step, ret));
        }
        for (int register : new int[] {0, 1, 2, 3, 5, 6, 7}) {
            // CALL r; JMP end; L: step; RET
            stack();
            both.in.gpr[register] = both.start() + 4;
            same("ff%02xeb05%sc3".formatted(0xD0 | register, step));
            // JMP r; step; L: step
            both.in.gpr[register] = both.start() + 6;
            same("ff%02x%s%s".formatted(0xE0 | register, step, step));
        }
    }

    @Test
    void targetsComeFromMemory() {
        open(true);
        stack();
        both.memoryBefore.set(JAVA_LONG_UNALIGNED, 8, both.start() + 5);
        both.in.gpr[Cpu.RBX] = both.data();
        // CALL [RBX + 8]; JMP end; L: step; RET
        same("ff5308eb05" + STEP_64 + "c3");
        // JMP [RBX + 8]; 2 bytes; L: step
        same("ff63089090" + STEP_64);
        // CALL [RSP + 8] reads before it pushes
        both.in.gpr[Cpu.RSP] = both.data();
        both.memoryBefore.set(JAVA_LONG_UNALIGNED, 8, both.start() + 6);
        both.in.gpr[Cpu.RSP] = both.data() + 16;
        same("ff5424f8eb05" + STEP_64 + "c3");
    }

    private void stack() {
        both.fillRegisters();
        both.in.gpr[Cpu.RSP] = both.data() + 0x2000 + both.random.nextInt(64);
    }

    private void allFlags(String code) {
        for (int subset = 0; subset < 64; subset++) {
            both.fillRegisters();
            both.in.rflags = 2;
            for (int i = 0; i < 6; i++) {
                both.in.rflags |= (subset >>> i & 1) != 0 ? ARITHMETIC_FLAGS[i] : 0;
            }
            same(code);
        }
    }

    private void same(String code) {
        both.load(HexFormat.of().parseHex(code));
        assertThat(both.runGuest(1000)).as(both.describe()).isEmpty();
        both.runHost();
        assertThat(both.difference(FLAGS)).as(both.describe()).isEmpty();
    }
}
