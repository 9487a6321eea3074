package org.bundlevisor.cpu.core.decode;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.fail;
import static org.junit.jupiter.api.Assumptions.abort;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.bundlevisor.guests.BootImage;
import org.bundlevisor.guests.Guest;
import org.bundlevisor.guests.GuestException;
import org.bundlevisor.guests.GuestStore;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The decoder against {@code objdump} of binutils: over all code of Debian's kernel and of its busybox every length, every
 * mnemonic and every operand agree. What the processor does not have is listed by name, and must decode as invalid.
 */
class DecoderObjdumpIT {
    /** What objdump writes before the mnemonic. Which prefixes there are is in the operands and in {@code lock} and {@code rep}. */
    private static final Set<String> PREFIXES = Set.of(
            "lock", "rep", "repz", "repnz", "data16", "data32", "addr16", "addr32", "cs", "ds", "es", "ss", "fs", "gs",
            "bnd",
            "notrack", "xacquire", "xrelease");

    /** Instructions in Debian's kernel and busybox that are outside of the model, by objdump's names; VEX and EVEX aside. */
    private static final Set<String> NOT_IN_THE_MODEL = Set.of(
            // SGX, transactional memory, protection keys, shadow stacks, user-mode wait, SERIALIZE
            "encls", "xabort", "xbegin", "xend", "xtest", "rdpkru", "wrpkru", "incsspq", "tpause", "umonitor", "umwait",
            "serialize",
            // AMD: MONITORX, secure nested paging
            "monitorx", "mwaitx", "clzero", "pvalidate", "rmpadjust",
            // AES, carry-less multiplication, SHA, and others that came after x86-64-v2
            "aesenc", "aesenclast", "aesdec", "aesdeclast", "aesimc", "aeskeygenassist", "pclmulqdq", "sha1rnds4",
            "sha1nexte",
            "sha1msg1", "sha1msg2", "sha256rnds2", "sha256msg1", "sha256msg2", "adcx", "adox", "movdir64b", "enqcmds");

    /** What an extension that the model lacks does to an instruction of the model, where it is defined to do no harm. */
    private static final Map<String, String> WITHOUT_THE_EXTENSION = Map.of(
            "tzcnt", "bsf", "lzcnt", "bsr", "vmgexit", "vmmcall", "rdsspq", "nop", "rdsspd", "nop", "cldemote", "nop");

    @TempDir
    Path folder;

    private final Decoder decoder = new Decoder(OpcodeTable.load());
    private final byte[] bytes = new byte[Decoder.MAXIMUM_LENGTH + 1];
    private final Map<String, Integer> outside = new TreeMap<>();
    private final List<String> disagreements = new ArrayList<>();
    private int agreed;

    @Test
    void agreesOnTheWholeKernel() throws IOException, InterruptedException {
        Path kernel = folder.resolve("vmlinux");
        Files.write(kernel, vmlinux());
        compare(CodeSize.BITS_64, "objdump", "-d", "-w", "-M", "intel", kernel.toString());
        conclude("the kernel", 1_000_000);
    }

    @Test
    void agreesOnBusybox() throws IOException, InterruptedException {
        Path busybox = linux().kernel().resolveSibling("busybox");
        compare(CodeSize.BITS_64, "objdump", "-d", "-w", "-M", "intel", busybox.toString());
        conclude("busybox", 100_000);
    }

    /** The kernel's real-mode code, which lies behind the boot sector and the header of the bzImage. */
    @Test
    void agreesOnThe16BitCodeOfTheKernel() throws IOException, InterruptedException {
        Path setup = folder.resolve("setup");
        byte[] image = Files.readAllBytes(linux().kernel());
        // Documentation/arch/x86/boot.rst: the jump at 0x200 leads behind the header, setup_sects is at 0x1f1
        int start = 0x202 + image[0x201];
        int end = (image[0x1f1] + 1) * 512;
        Files.write(setup, Arrays.copyOfRange(image, start, end));
        compare(CodeSize.BITS_16, "objdump", "-D", "-w", "-M", "intel", "-b", "binary", "-m", "i8086",
                setup.toString());
        conclude("the kernel's real-mode code", 4_000);
    }

    private static byte[] vmlinux() throws IOException {
        try {
            return BootImage.vmlinux(linux().kernel());
        } catch (GuestException e) {
            throw new IOException(e.getMessage(), e);
        }
    }

    private static Guest linux() {
        try {
            return GuestStore.ofUser(System.getenv(), line -> {
            }).fetch("linux");
        } catch (GuestException e) {
            return missing(String.valueOf(e.getMessage()));
        }
    }

    /** Skips the test on a developer's machine; fails it where everything must be there. */
    private static <T> T missing(String message) {
        return "true".equals(System.getenv("CI")) ? fail(message) : abort(message);
    }

    private void compare(CodeSize code, String... command) throws IOException, InterruptedException {
        Process process;
        try {
            process = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.DISCARD).start();
        } catch (IOException e) {
            missing("objdump was not found; install binutils");
            return;
        }
        try (BufferedReader lines = process.inputReader(StandardCharsets.UTF_8)) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                // address, bytes and text, parted by tabs
                int first = line.indexOf(":\t");
                int second = line.indexOf('\t', first + 2);
                if (first > 0 && second > 0) {
                    compare(code, line.substring(0, first), line.substring(first + 2, second),
                            line.substring(second + 1));
                }
            }
        }
        assertThat(process.waitFor()).as("status of objdump").isZero();
    }

    private void compare(CodeSize code, String address, String hex, String text) {
        int length = 0;
        for (int i = 0; i < hex.length() - 1 && hex.charAt(i) != ' '; i += 3) {
            bytes[length++] = (byte) Integer.parseInt(hex, i, i + 2, 16);
        }
        String expected = plain(code, text);
        String name = expected.substring(0, expected.indexOf(' ') < 0 ? expected.length() : expected.indexOf(' '));
        long next = Long.parseUnsignedLong(address.trim(), 16) + length;
        // objdump gives up on what is bad before its end
        boolean bad = name.equals("(bad)");
        Arrays.fill(bytes, length, bytes.length, (byte) 0);
        Instruction instruction = decoder.decode(bytes, 0, bad ? bytes.length : length, code, 0);
        if (instruction != null && instruction.mnemonic() == Mnemonic.INVALID && outside(code, name, length)) {
            outside.merge(name, 1, Integer::sum);
            return;
        }
        String decoded = text(instruction, code, length, next);
        if (decoded.equals("fwait") && name.startsWith("f") && !name.equals("fwait")) {
            // objdump takes FWAIT and the instruction behind it as one
            decoded = text(decoder.decode(bytes, 1, length, code, 0), code, length - 1, next).replaceFirst("^fn", "f");
        }
        if (decoded.equals(expected) || meansTheSame(name, expected, decoded)) {
            agreed++;
        } else {
            disagreements.add(address + ": " + hex + " " + expected + ", decoded as " + decoded);
        }
    }

    private static String text(@Nullable Instruction instruction, CodeSize code, int length, long next) {
        if (instruction == null) {
            return "truncated";
        }
        String text = IntelSyntax.of(instruction, code, next);
        return instruction.length == length || text.equals("fwait") ? text : text + " of length " + instruction.length;
    }

    /** Whether objdump's name, or VEX or EVEX in the bytes, says that the processor does not have it. */
    private boolean outside(CodeSize code, String name, int length) {
        int first = 0;
        while (first < length - 1
                && List.of(0x26, 0x2E, 0x36, 0x3E, 0x64, 0x65, 0x66, 0x67).contains(bytes[first] & 0xFF)) {
            first++;
        }
        int opcode = bytes[first] & 0xFF;
        boolean vector = opcode == 0xC4 || opcode == 0xC5 || opcode == 0x62;
        return name.equals("(bad)") || NOT_IN_THE_MODEL.contains(name)
                || (vector && (code == CodeSize.BITS_64 || (bytes[first + 1] & 0xC0) == 0xC0));
    }

    private static boolean meansTheSame(String name, String expected, String decoded) {
        if (decoded.equals("nop")) {
            // NOP with a prefix
            return expected.equals("xchg ax,ax") || expected.equals("xchg eax,eax");
        }
        String other = WITHOUT_THE_EXTENSION.get(name);
        return other != null && (other.equals("nop")
                ? decoded.startsWith("nop ")
                : decoded.equals(other + expected.substring(name.length())));
    }

    /** objdump's text without prefixes, comments, symbols and the spellings that add nothing. */
    private static String plain(CodeSize code, String text) {
        int end = text.length();
        for (char comment : new char[] {'#', '<'}) {
            int at = text.indexOf(comment);
            end = at >= 0 && at < end ? at : end;
        }
        String plain = text.substring(0, end).trim();
        int space = plain.indexOf(' ');
        while (space > 0 && (PREFIXES.contains(plain.substring(0, space)) || plain.startsWith("rex"))) {
            plain = plain.substring(space).trim();
            space = plain.indexOf(' ');
        }
        if (space > 0) {
            plain = plain.substring(0, space) + " " + plain.substring(space).trim();
        }
        if (plain.startsWith("(bad)")) {
            return "(bad)";
        }
        plain = plain.replace("+0x0]", "]").replace("+riz*1", "").replace("+eiz*1", "");
        return code == CodeSize.BITS_64 ? plain.replace("cs:[", "[") : plain;
    }

    private void conclude(String what, int least) {
        System.out.println("decoder and objdump agree on " + agreed + " instructions of " + what
                + "; outside of the model: " + outside);
        assertThat(disagreements.stream().limit(50)).as("first of %d disagreements", disagreements.size()).isEmpty();
        assertThat(agreed).isGreaterThan(least);
    }
}
