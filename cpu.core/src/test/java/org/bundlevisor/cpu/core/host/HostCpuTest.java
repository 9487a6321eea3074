package org.bundlevisor.cpu.core.host;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.lang.foreign.ValueLayout;
import java.util.HexFormat;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class HostCpuTest {

    private HostCpu host;
    private final HostState in = new HostState();
    private final HostState out = new HostState();

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

    @Test
    void everyRegisterGoesInAndComesOut() {
        for (int i = 0; i < 16; i++) {
            in.gpr[i] = 0x1111_1111_1111_1111L * i;
            in.setXmm(i, i, -i);
        }
        in.setFtw(0xFF);
        for (int i = 0; i < 8; i++) {
            in.setSt(i, 0x3FFF + i, 0x8000_0000_0000_0000L | i);
        }
        in.rflags = 0xCD5;
        host.run(code("90"), in, out);
        assertThat(out.gpr).containsExactly(in.gpr);
        assertThat(out.rflags & HostState.FLAGS).isEqualTo(0xCD5);
        assertThat(out.xmmLow(15)).isEqualTo(15);
        assertThat(out.xmmHigh(15)).isEqualTo(-15);
        assertThat(out.stExponent(3)).isEqualTo(0x4002);
        assertThat(out.stSignificand(3)).isEqualTo(0x8000_0000_0000_0003L);
        assertThat(out.ftw()).isEqualTo(0xFF);
    }

    @Test
    void arithmeticSetsFlags() {
        in.gpr[0] = Long.MAX_VALUE;
        in.gpr[3] = 1;
        host.run(code("4801d8"), in, out); // ADD RAX, RBX
        assertThat(out.gpr[0]).isEqualTo(Long.MIN_VALUE);
        assertThat(out.rflags & HostState.FLAGS).isEqualTo(0x894); // OF, SF, AF, PF
    }

    @Test
    void theStackPointerMayBeAnything() {
        in.gpr[4] = host.memoryAddress() + 0x1000;
        in.gpr[5] = 42;
        host.run(code("55"), in, out); // PUSH RBP
        assertThat(out.gpr[4]).isEqualTo(in.gpr[4] - 8);
        assertThat(host.memory().get(ValueLayout.JAVA_LONG, 0xFF8)).isEqualTo(42);
    }

    @Test
    void theX87UnitKeepsItsState() {
        host.run(code("d9ebd9e8"), in, out); // FLDPI; FLD1
        assertThat(out.stExponent(1)).isEqualTo(0x4000);
        assertThat(out.stSignificand(1)).isEqualTo(0xC90F_DAA2_2168_C235L);
        assertThat(out.stExponent(0)).isEqualTo(0x3FFF);
        assertThat(out.ftw()).isEqualTo(0xC0);
    }

    @Test
    void compatibilityModeRunsWhat64BitModeHasNot() {
        in.gpr[0] = 0x0F;
        host.run32(code("37"), in, out); // AAA
        assertThat(out.gpr[0]).isEqualTo(0x105);
    }

    private static byte[] code(String hexadecimal) {
        return HexFormat.of().parseHex(hexadecimal);
    }
}
