package org.bundlevisor.launcher.console;

import static org.assertj.core.api.Assertions.assertThat;

import org.bundlevisor.launcher.console.Escape.Meaning;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class EscapeTest {
    private final Escape escape = new Escape();

    @Test
    void everythingButCtrlAGoesToTheGuest() {
        for (int key = 0; key < 256; key++) {
            if (key != Escape.CTRL_A) assertThat(escape.of(key)).isEqualTo(Meaning.INPUT);
        }
    }

    @ParameterizedTest
    @CsvSource({"120, QUIT", "88, QUIT", "24, QUIT", "99, SHELL", "67, SHELL", "3, SHELL", "104, HELP", "1, INPUT",
        "113, NOTHING"})
    void ctrlABeginsACommandOfOneKey(int key, Meaning meaning) {
        assertThat(escape.of(Escape.CTRL_A)).isEqualTo(Meaning.NOTHING);
        assertThat(escape.of(key)).isEqualTo(meaning);
        assertThat(escape.of('x')).isEqualTo(Meaning.INPUT);
    }
}
