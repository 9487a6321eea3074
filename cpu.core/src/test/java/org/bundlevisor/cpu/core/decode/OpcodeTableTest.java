package org.bundlevisor.cpu.core.decode;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.BitSet;
import java.util.EnumSet;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;

class OpcodeTableTest {
    private static final String[] PREFIXES = {"", "66", "F3", "F2", "48", "6648", "F348", "41"};
    private static final String[] MAPS = {"", "0F", "0F38", "0F3A"};

    /**
     * Decodes every opcode with every prefix that can choose among rows and every ModRM byte, in every mode. Loading checks
     * that every row parses and that no two rows stand for the same bytes; this that no row stands in the shadow of others.
     */
    @Test
    void everyRowAndEveryMnemonicIsReached() {
        OpcodeTable table = OpcodeTable.load();
        Decoder decoder = new Decoder(table);
        BitSet rows = new BitSet();
        EnumSet<Mnemonic> mnemonics = EnumSet.noneOf(Mnemonic.class);
        byte[] bytes = new byte[32];
        for (CodeSize code : CodeSize.values()) {
            for (String prefix : PREFIXES) {
                for (String map : MAPS) {
                    byte[] start = HexFormat.of().parseHex(prefix + map);
                    System.arraycopy(start, 0, bytes, 0, start.length);
                    for (int opcode = 0; opcode < 256; opcode++) {
                        bytes[start.length] = (byte) opcode;
                        for (int modRm = 0; modRm < 256; modRm++) {
                            bytes[start.length + 1] = (byte) modRm;
                            Instruction instruction = decoder.decode(bytes, 0, bytes.length, code, 0);
                            assertThat(instruction).isNotNull();
                            rows.set(instruction.opcode.row);
                            mnemonics.add(instruction.mnemonic());
                        }
                    }
                }
            }
        }
        Arrays.fill(bytes, (byte) 0x66);
        Instruction tooLong = decoder.decode(bytes, 0, bytes.length, CodeSize.BITS_64, 0);
        assertThat(tooLong).isNotNull();
        rows.set(tooLong.opcode.row);
        mnemonics.add(tooLong.mnemonic());

        assertThat(mnemonics).isEqualTo(EnumSet.allOf(Mnemonic.class));
        for (int row = 0; row < table.rowCount(); row++) {
            assertThat(table.row(row).row).isEqualTo(row);
            assertThat(rows.get(row)).as("row %d: %s is reached", row, table.row(row)).isTrue();
        }
    }

    @Test
    void lockIsForRowsThatWriteMemory() {
        OpcodeTable table = OpcodeTable.load();
        for (int i = 0; i < table.rowCount(); i++) {
            Opcode row = table.row(i);
            if (row.lockable) {
                assertThat(row.operand(0).place).as(row.toString()).isIn(Operand.Place.RM, Operand.Place.MEMORY);
            }
        }
    }

    @Test
    void twoRowsForTheSameBytesAreRefused() {
        assertThatThrownBy(() -> OpcodeTable.parse("01 /r | ADD Ev,Gv\n01 /2 | SUB Ev,Gv\n"))
                .hasMessageContaining("SUB Ev,Gv");
        assertThatThrownBy(() -> OpcodeTable.parse("01 /2 | ADD Ev\n01 /r | SUB Ev,Gv\n"))
                .hasMessageContaining("same bytes");
        assertThatThrownBy(() -> OpcodeTable.parse("0F 01 C1 | VMCALL\n0F 01 C0+i | VMRUN\n"))
                .hasMessageContaining("same bytes");
        assertThatThrownBy(() -> OpcodeTable.parse("40+r | INC Zv\n47 | NOP | i64\n"))
                .hasMessageContaining("same bytes");
        assertThatThrownBy(() -> OpcodeTable.parse("REX.W 0F C7 /1 | CMPXCHG16B Mdq\n"))
                .hasMessageContaining("without REX");
    }

    @Test
    void rowsThatSplitAnOpcodeStandSideBySide() {
        OpcodeTable.parse("63 /r | ARPL Ew,Gw | i64\n63 /r | MOVSXD Gv,Ez | o64\n");
        OpcodeTable.parse("NP 0F 12 /r | MOVLPS Vq,Mq\nNP 0F 12 /r | MOVHLPS Vq,Uq\n");
        OpcodeTable.parse("0F 1E /r | NOP Ev\nF3 0F 1E FA | ENDBR64\n");
    }

    @Test
    void aWrongRowIsNamed() {
        assertThatThrownBy(() -> OpcodeTable.parse("# one\n01 /r | ADDD Ev,Gv\n")).hasMessageContaining("line 2")
                .hasMessageContaining("ADDD Ev,Gv");
        assertThatThrownBy(() -> OpcodeTable.parse("01 /r | ADD Ev,Gv | loc\n"))
                .hasMessageContaining("no such attribute: loc");
        assertThatThrownBy(() -> OpcodeTable.parse("01 | ADD Ev,Gv\n")).hasMessageContaining("needs ModRM");
        assertThatThrownBy(() -> OpcodeTable.parse("01 /r /2 | ADD Ev,Gv\n")).hasMessageContaining("more words");
    }
}
