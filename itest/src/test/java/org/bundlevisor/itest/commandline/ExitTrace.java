package org.bundlevisor.itest.commandline;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What {@code --trace exits} writes: a line for each VM exit. */
final class ExitTrace {
    /** For example {@code cpu 0  1234567  rip 0xffffffff81000000  EPT violation  qualification=0x181 gpa=0xfee000b0}. */
    private static final Pattern LINE = Pattern.compile(
            "cpu (\\d+)  (\\d+)  rip 0x[0-9a-f]{16}  (?<reason>[A-Z][^ ]*(?: [^ ]+)*?)(?:  (?<information>[^ ].*))?");

    private ExitTrace() {}

    /** Checks each line. @return numbers of VM exits by their reasons */
    static Map<String, Long> read(Path file) throws IOException {
        Map<String, Long> exits = new TreeMap<>();
        try (BufferedReader lines = Files.newBufferedReader(file)) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                Matcher matcher = LINE.matcher(line);
                assertThat(matcher.matches()).as("\"%s\" is a line of a trace", line).isTrue();
                exits.merge(matcher.group("reason"), 1L, Long::sum);
            }
        }
        return exits;
    }
}
