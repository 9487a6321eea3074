package org.bundlevisor.launcher.trace;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import org.bundlevisor.cpu.VmExit;
import org.junit.jupiter.api.Test;

class ExitLogTest {
    @Test
    void eachExitIsALineWithReasonAndQualification() {
        ByteArrayOutputStream text = new ByteArrayOutputStream();

        try (ExitLog log = new ExitLog(text)) {
            log.exited(new VmExit(1, 1234, 0xffffffff81000000L, "EPT violation", "qualification=0x181 gpa=0xfee000b0"));
            log.exited(new VmExit(0, 5, 0xfff0, "HLT", ""));
        }

        assertThat(text).hasToString("""
            cpu 1  1234  rip 0xffffffff81000000  EPT violation  qualification=0x181 gpa=0xfee000b0
            cpu 0  5  rip 0x000000000000fff0  HLT
            """);
    }
}
