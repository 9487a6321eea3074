package org.bundlevisor.devices.acpi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.HexFormat;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Against ACPI 20.2, "AML Grammar Definition". */
class AmlTest {
    private static String hex(byte[] bytes) {
        return HexFormat.of().formatHex(bytes);
    }

    @ParameterizedTest
    @CsvSource({
        "0, 00", "1, 01", "2, 0a02", "0xff, 0aff", "0x100, 0b0001", "0xffff, 0bffff", "0x10000, 0c00000100",
        "0x100000000, 0e0000000001000000"
    })
    void writesIntegersInTheirShortestForm(String value, String bytes) {
        assertThat(hex(Aml.integer(Long.decode(value)))).isEqualTo(bytes);
    }

    @Test
    void packsPlugAndPlayIdentifiers() {
        assertThat(hex(Aml.eisaId("PNP0501"))).isEqualTo("0c41d00501");
        assertThat(hex(Aml.eisaId("PNP0A03"))).isEqualTo("0c41d00a03");
    }

    @Test
    void padsNames() {
        assertThat(hex(Aml.name("\\_S5", Aml.packageOf(Aml.integer(5), Aml.integer(0)))))
                .isEqualTo("08" + "5c5f53355f" + "12" + "05" + "02" + "0a05" + "00");
        assertThatThrownBy(() -> Aml.name("TOOLONG", Aml.integer(0))).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void countsThePackageLengthItself() {
        // a scope is its operator, the length, four bytes of name and its terms
        assertThat(hex(Aml.scope("_SB", new byte[58]))).startsWith("103f5f53425f");
        assertThat(hex(Aml.scope("_SB", new byte[59]))).startsWith("1041045f53425f");
        assertThat(hex(Aml.scope("_SB", new byte[4089]))).startsWith("104fff5f53425f");
        assertThat(hex(Aml.scope("_SB", new byte[4090]))).startsWith("1081" + "0001" + "5f53425f");
    }

    @Test
    void endsResourcesWithATag() {
        assertThat(hex(Aml.resources(Aml.ports(0x3F8, 8), Aml.interrupt(4))))
                .isEqualTo("11" + "10" + "0a0d" + "4701f803f8030108" + "221000" + "7900");
        assertThat(hex(Aml.interrupt(20))).isEqualTo("890600030114000000");
        assertThat(hex(Aml.memory(0xFED00000L, 0x400))).isEqualTo("860900010000d0fe00040000");
    }
}
