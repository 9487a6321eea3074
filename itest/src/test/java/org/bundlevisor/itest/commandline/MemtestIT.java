package org.bundlevisor.itest.commandline;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.regex.Pattern;
import org.bundlevisor.itest.commandline.Bundlevisor.Result;
import org.junit.jupiter.api.Test;

/** memtest86+ of Debian's package: another boot loader's customer, and a judge of memory and paging. */
class MemtestIT {
    private static final Pattern ERRORS = Pattern.compile("Errors: (\\d+)");

    /** It draws its screen with ANSI sequences, each line as a whole. */
    @Test
    void runsItsFirstTest() {
        Guests.require("memtest");
        try (Bundlevisor run = Bundlevisor.start("run", "memtest", "--memory", "16M")) {
            run.expect("Memtest86\\+ v\\d");
            run.expect("#0 +\\[Address test, walking ones");
            // it has gone on to another, so the first is over
            run.expect("#[1-9]\\d* +\\[");
            // the line below the one that names the test
            run.expect("Errors: \\d");
            run.type("\u0001x");
            Result end = run.end();

            List<String> errors = ERRORS.matcher(end.output()).results().map(found -> found.group(1)).toList();
            assertThat(errors).containsOnly("0");
            assertThat(end.status()).isZero();
        }
    }
}
