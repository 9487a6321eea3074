package org.bundlevisor.cpu.core.execute;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.ByteArrayOutputStream;
import java.util.List;
import java.util.Set;
import org.bundlevisor.cpu.core.decode.Mnemonic;
import org.bundlevisor.cpu.core.execute.Encoding.Form;
import org.bundlevisor.cpu.core.host.HostCpu;
import org.bundlevisor.cpu.core.host.Operands;
import org.junit.jupiter.api.Test;

/**
 * Random straight-line code with forward branches against the host's processor: flags that one instruction leaves for
 * another, in whatever form they are kept in between, and traces of more than one instruction.
 */
class InstructionSequencesTest {
    private static final int LENGTH = 40;

    /** What reads or sets flags, or keeps them, and leaves none undefined that is not clear on Intel's processors. */
    private static final Set<Mnemonic> CHOICE = Set.of(
            Mnemonic.ADD, Mnemonic.ADC, Mnemonic.SUB, Mnemonic.SBB, Mnemonic.CMP, Mnemonic.AND, Mnemonic.OR,
            Mnemonic.XOR, Mnemonic.TEST, Mnemonic.INC, Mnemonic.DEC, Mnemonic.NEG, Mnemonic.NOT, Mnemonic.XADD,
            Mnemonic.CMPXCHG, Mnemonic.CLC, Mnemonic.STC, Mnemonic.CMC, Mnemonic.LAHF, Mnemonic.SAHF,
            Mnemonic.POPCNT, Mnemonic.MOV, Mnemonic.MOVZX, Mnemonic.MOVSX, Mnemonic.XCHG, Mnemonic.BSWAP,
            Mnemonic.CBW, Mnemonic.CWD, Mnemonic.SETB, Mnemonic.SETBE, Mnemonic.SETP, Mnemonic.SETL, Mnemonic.SETO,
            Mnemonic.SETLE, Mnemonic.SETE, Mnemonic.SETS, Mnemonic.CMOVAE, Mnemonic.CMOVA, Mnemonic.CMOVNP,
            Mnemonic.CMOVGE, Mnemonic.CMOVNO, Mnemonic.CMOVG, Mnemonic.CMOVNE, Mnemonic.CMOVNS);

    @Test
    void sequencesEndAsOnTheHost() {
        assumeThat(HostCpu.available()).isTrue();
        List<TableRow> rows = TableRow.all().stream()
                .filter(row -> CHOICE.contains(row.mnemonic()) && !row.has("i64") && !row.has("end"))
                .filter(row -> row.operands().stream().noneMatch(Set.of("Sw", "Cd", "Dd", "Ob", "Ov")::contains))
                .toList();
        try (HostComparison both = new HostComparison("InstructionSequencesTest", true)) {
            both.fillMemory();
            for (int i = 0; i < Operands.count(800); i++) {
                both.load(sequence(both, rows));
                for (int values = 0; values < 4; values++) {
                    both.fillRegisters();
                    assertThat(both.runGuest(1000)).as(both.describe()).isEmpty();
                    both.runHost();
                    assertThat(both.difference(Bits.ARITHMETIC_FLAGS)).as(both.describe()).isEmpty();
                }
            }
        }
    }

    private static byte[] sequence(HostComparison both, List<TableRow> rows) {
        Operands random = both.random;
        ByteArrayOutputStream code = new ByteArrayOutputStream();
        for (int i = 0; i < LENGTH; i++) {
            int branch = random.nextInt(6) == 0 ? random.nextInt(16) : -1;
            long at = both.start() + code.size() + (branch < 0 ? 0 : 2);
            TableRow row = rows.get(random.nextInt(rows.size()));
            int size = 2 << random.nextInt(3);
            Form form = row.modRm() && random.nextInt(3) == 0
                    ? random.nextBoolean() ? Form.RIP_RELATIVE : Form.ABSOLUTE
                    : Form.REGISTER;
            Encoding encoding = new Encoding(row, true, size, form, false, 0, false);
            encoding.write(random, both.data() + random.nextInt(1024) * 8L, at, random.nextLong());
            if (branch >= 0) {
                // a conditional jump over the instruction
                code.write(0x70 | branch);
                code.write(encoding.bytes.length);
            }
            code.writeBytes(encoding.bytes);
        }
        return code.toByteArray();
    }
}
