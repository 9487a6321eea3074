package org.bundlevisor.launcher;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine.TypeConversionException;

/** What the command line refuses before there is a platform. */
class MainTest {
    @TempDir
    Path folder;

    private final ByteArrayOutputStream output = new ByteArrayOutputStream();
    private final ByteArrayOutputStream errors = new ByteArrayOutputStream();
    private Main.Surroundings surroundings;

    @BeforeEach
    void surround() {
        surroundings = new Main.Surroundings(folder, Map.of("XDG_CACHE_HOME", folder.toString()),
                InputStream.nullInputStream(), output, new PrintStream(errors, true));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', value = {
        "run plan9                    | unknown guest \"plan9\" (there are: linux, memtest, hello)",
        "run --kernel nosuch          | --kernel nosuch: there is no such file",
        "run --kernel .               | --kernel .: expected a file that can be read",
        "run hello --initrd nosuch    | --initrd nosuch: there is no such file",
        "run hello --memory 0         | \"0\" is not enough memory for a guest (at least 2M)",
        "run hello --memory much      | \"much\" is no size of memory (expected for example 512M or 2G)",
        "run hello --cpus 0           | --cpus 0: expected 1 to 64",
        "run hello --cpus 65          | --cpus 65: expected 1 to 64",
        "run hello --cpus two         | 'two' is not an int",
        "run hello --clock sun        | \"sun\" is no clock (expected real or counted)",
        "run hello --trace calls      | \"calls\" cannot be traced (expected exits or exits=FILE)",
        "run hello --trace exits=     | \"exits=\" cannot be traced (expected exits or exits=FILE)",
        "run hello --timeout 0        | --timeout 0.0: expected a number of seconds above 0",
        "run hello --stats no/such    | --stats no/such: the file cannot be written",
        "run hello --trace exits=no/f | --trace exits=no/f: the file cannot be written",
        "run hello --frobnicate       | Unknown option: '--frobnicate'",
        "run hello again              | Unmatched argument at index 2: 'again'",
        "guest                        | \"guest\" needs to know what to do: list, or fetch NAME",
        "guest fetch plan9            | unknown guest \"plan9\" (known are: linux, memtest, hello)",
        "start --vms nosuch           | --vms nosuch: there is no such folder",
        "frobnicate                   | Unmatched argument at index 0: 'frobnicate'"})
    void wrongUsageIsOneSentenceAndStatusTwo(String commandLine, String sentence) {
        int status = Main.execute(surroundings, commandLine.split(" "));

        assertThat(errors.toString().lines()).singleElement().asString().startsWith("bundlevisor: ").contains(sentence);
        assertThat(status).isEqualTo(2);
        assertThat(output).hasToString("");
    }

    @Test
    void aFolderWithoutBundlesIsNamed() {
        assertThat(Main.execute(surroundings, "run", "hello")).isEqualTo(1);
        assertThat(errors.toString().lines()).containsExactly(
                "bundlevisor: the folder of bundles %s cannot be read; build again"
                        .formatted(folder.resolve("bundle")));
    }

    @Test
    void guestsAreListedAndFetched() {
        assertThat(Main.execute(surroundings, "guest", "list")).isZero();
        assertThat(output.toString()).containsPattern("linux +not fetched").containsPattern("hello +here");
        output.reset();

        assertThat(Main.execute(surroundings, "guest", "fetch", "hello")).isZero();
        assertThat(Path.of(output.toString().strip().replaceFirst("kernel +", ""))).isRegularFile().startsWith(folder);
    }

    @ParameterizedTest
    @CsvSource({"2M, 2097152", "512M, 536870912", "512, 536870912", "2G, 2147483648", "4096k, 4194304",
        "1T, 1099511627776",
        "64MiB, 67108864"})
    void memoryIsGivenAsUsersWriteIt(String text, long bytes) {
        assertThat(new MemorySize.Converter().convert(text).bytes()).isEqualTo(bytes);
    }

    @Test
    void machinesOfFilesReferToGuestsByName() throws Exception {
        StartCommand start = new StartCommand(surroundings);

        String resolved = start
                .resolve("{\"kernel\": \"${guest.hello.kernel}\", \"append\": \"${guest.hello.append}\"}");

        assertThat(resolved).startsWith("{\"kernel\": \"" + folder).endsWith(".elf\", \"append\": \"\"}");
        assertThat(Files.list(folder.resolve("bundlevisor/hello"))).hasSize(1);
    }

    @Test
    void whatIsTracedMayGoToAFile() {
        assertThat(new TraceOption.Converter().convert("exits").file()).isEmpty();
        assertThat(new TraceOption.Converter().convert("exits=a=b").file()).contains(Path.of("a=b"));
        org.assertj.core.api.Assertions.assertThatThrownBy(() -> new TraceOption.Converter().convert(""))
                .isInstanceOf(TypeConversionException.class);
    }
}
