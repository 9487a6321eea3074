package org.bundlevisor.cpu.core.execute;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.bundlevisor.cpu.core.decode.Opcode;
import org.junit.jupiter.api.Test;

class HandlerTableTest {
    @Test
    void everyInstructionOfTheModelHasAHandler() {
        try (TestMachine m = new TestMachine()) {
            List<Opcode> missing = new ArrayList<>();
            for (int row = 0; row < m.opcodes().rowCount(); row++) {
                Opcode opcode = m.opcodes().row(row);
                if (m.cpu.features.has(opcode.feature) && !m.handlerTable().knows(opcode.mnemonic)) {
                    missing.add(opcode);
                }
            }
            assertThat(missing).isEmpty();
        }
    }

    @Test
    void whatTheModelLacksIsUndefined() {
        try (TestMachine m = new TestMachine().longMode().handlers()) {
            // rdseed eax
            m.execute("0F C7 F8");
            assertThat(m.vectorTaken()).isEqualTo(Vectors.INVALID_OPCODE);
        }
    }
}
