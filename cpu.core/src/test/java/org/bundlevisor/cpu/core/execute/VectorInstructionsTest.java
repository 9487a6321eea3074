package org.bundlevisor.cpu.core.execute;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.assertj.core.api.Assertions.fail;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.bundlevisor.cpu.core.decode.Opcode;
import org.bundlevisor.cpu.core.host.HostCpu;
import org.bundlevisor.cpu.core.host.HostState;
import org.bundlevisor.cpu.core.host.Operands;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Every x87, MMX and SSE row of the opcode table, in its register and its memory form, against the host: general registers,
 * flags, the whole FXSAVE image and the memory around the operand.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class VectorInstructionsTest {
    private static final int CASES = Operands.count(80);
    private static final int OPERAND = 0x1000;
    private static final int WINDOW = 704;
    private static final Set<String> FEATURES = Set.of("FPU", "MMX", "SSE", "SSE2", "SSE3", "SSSE3", "SSE4_1", "SSE4_2",
            "FXSR", "XSAVE", "XSAVEOPT", "CMOV");
    // XCR0 is the host's own; the rest needs no handler of this kind, or is tested elsewhere
    private static final Set<String> OTHERS = Set.of("XGETBV", "XSETBV", "FXSAVE", "CLFLUSH", "LFENCE", "MFENCE",
            "SFENCE");
    private static final Set<String> UNALIGNED = Set.of("MOVUPS", "MOVUPD", "MOVDQU", "LDDQU", "PCMPESTRI", "PCMPESTRM",
            "PCMPISTRI", "PCMPISTRM");
    /** Within an ulp of the host's result, not equal to it: see {@code ExtendedFunctionsTest}. */
    private static final Set<String> APPROXIMATE = Set.of("F2XM1", "FYL2X", "FYL2XP1", "FPTAN", "FPATAN", "FSIN",
            "FCOS", "FSINCOS");

    private HostCpu host;
    private TestProcessor guest;
    private final HostState in = new HostState();
    private final HostState theirs = new HostState();
    private final HostState ours = new HostState();
    private final Operands operands = Operands.seeded("VectorInstructionsTest");

    /** A row of the table. */
    private record Row(String text, String opcode, String mnemonic, String[] operands) {
        boolean has(String operand) {
            return List.of(operands).contains(operand);
        }

        @Override
        public String toString() {
            return text;
        }
    }

    @BeforeAll
    void open() {
        assumeThat(HostCpu.available()).isTrue();
        host = HostCpu.open();
        assumeThat(host.isIntel()).isTrue();
        guest = new TestProcessor(host);
    }

    @AfterAll
    void close() {
        if (host != null) {
            host.close();
        }
        if (guest != null) {
            guest.close();
        }
    }

    static Stream<Row> rows() throws IOException {
        try (var reader = new BufferedReader(
                new InputStreamReader(Opcode.class.getResourceAsStream("opcodes.table"), StandardCharsets.UTF_8))) {
            return reader.lines()
                    .filter(line -> !line.startsWith("#") && line.contains("|"))
                    .map(VectorInstructionsTest::row)
                    .filter(row -> row != null)
                    .toList()
                    .stream();
        }
    }

    private static Row row(String line) {
        String[] columns = line.split("\\|", -1);
        String feature = columns.length > 3 ? columns[3].strip() : "";
        String[] words = columns[1].strip().split(" ");
        String mnemonic = words[0];
        boolean wanted = FEATURES.contains(feature)
                && !OTHERS.contains(mnemonic)
                && !mnemonic.startsWith("PREFETCH")
                && (!feature.equals("CMOV") || mnemonic.startsWith("F"));
        String[] operands = words.length > 1 ? words[1].split(",") : new String[0];
        return wanted ? new Row(line.replaceAll(" +", " ").strip(), columns[0].strip(), mnemonic, operands) : null;
    }

    @ParameterizedTest
    @MethodSource("rows")
    void asOnTheHost(Row row) {
        if (!memoryOnly(row)) {
            for (int i = 0; i < CASES; i++) {
                run(row, false);
            }
        }
        if (mayBeMemory(row)) {
            for (int i = 0; i < CASES; i++) {
                run(row, true);
            }
        }
    }

    private static boolean memoryOnly(Row row) {
        return Stream.of(row.operands).anyMatch(operand -> operand.startsWith("M"));
    }

    private static boolean mayBeMemory(Row row) {
        return Stream.of(row.operands)
                .anyMatch(operand -> operand.startsWith("M")
                        || operand.startsWith("W")
                        || operand.startsWith("Q")
                        || operand.startsWith("E")
                        || operand.matches("R.M."));
    }

    private void run(Row row, boolean memory) {
        byte[] code = encode(row, memory);
        fill(row);
        MemorySegment hostMemory = host.memory();
        MemorySegment guestMemory = guest.memory();
        MemorySegment.copy(hostMemory, OPERAND - 64, guestMemory, OPERAND - 64, WINDOW);
        byte[] before = guestMemory.asSlice(OPERAND - 64, WINDOW).toArray(JAVA_BYTE);
        host.run(code, in, theirs);
        int vector = guest.run(code, in, ours);
        if (APPROXIMATE.contains(row.mnemonic)) {
            allowLastPlace();
        }
        String difference = difference();
        if (vector >= 0) {
            difference = "exception " + vector;
        }
        if (difference == null) {
            long at = MemorySegment.mismatch(
                    hostMemory, OPERAND - 64, OPERAND - 64 + WINDOW, guestMemory, OPERAND - 64, OPERAND - 64 + WINDOW);
            if (at >= 0) {
                difference = "memory at operand%+d: host %02X ours %02X".formatted(
                        at - 64, hostMemory.get(JAVA_BYTE, OPERAND - 64 + at),
                        guestMemory.get(JAVA_BYTE, OPERAND - 64 + at));
            }
        }
        if (difference != null) {
            int offset = (int) (in.gpr[7] - host.memoryAddress()) - (OPERAND - 64);
            fail("%s%n%s: %s%nregisters %s%nmemory %s%nin   %s%nhost %s%nours %s".formatted(
                    row,
                    HexFormat.of().formatHex(code),
                    difference,
                    java.util.Arrays.toString(in.gpr),
                    HexFormat.of().formatHex(before, offset, offset + 32),
                    image(in),
                    image(theirs),
                    image(ours)));
        }
    }

    /** Takes results that differ by one unit in the last place for equal; C1 tells how they were rounded. */
    private void allowLastPlace() {
        for (int i = 0; i < 8; i++) {
            int exponents = ours.stExponent(i) - theirs.stExponent(i);
            long a = ours.stSignificand(i);
            long b = theirs.stSignificand(i);
            boolean near = exponents == 0 && Math.abs(a - b) == 1
                    || exponents == 1 && a == Long.MIN_VALUE && b == -1
                    || exponents == -1 && b == Long.MIN_VALUE && a == -1;
            if (near) {
                ours.setSt(i, theirs.stExponent(i), theirs.stSignificand(i));
                ours.setFsw(ours.fsw() & ~0x200 | theirs.fsw() & 0x200);
            }
        }
        boolean inexact = (theirs.fsw() & 0x20) != 0;
        if (inexact) {
            ours.setFsw(ours.fsw() & ~0x200 | theirs.fsw() & 0x200);
        }
    }

    private static String image(HostState state) {
        return "flags %03X fcw %04X fsw %04X ftw %02X mxcsr %04X fx %s".formatted(
                state.rflags & HostState.FLAGS,
                state.fcw(),
                state.fsw(),
                state.ftw(),
                state.mxcsr(),
                HexFormat.of().formatHex(state.fx, 32, 416));
    }

    private String difference() {
        for (int i = 0; i < 16; i++) {
            if (theirs.gpr[i] != ours.gpr[i]) {
                return "register %d: host %X ours %X".formatted(i, theirs.gpr[i], ours.gpr[i]);
            }
        }
        if (((theirs.rflags ^ ours.rflags) & HostState.FLAGS) != 0) {
            return "flags: host %X ours %X".formatted(theirs.rflags & HostState.FLAGS, ours.rflags & HostState.FLAGS);
        }
        // the host tells opcode and operand of what raised an unmasked exception only, ours the operand of every instruction
        boolean raised = (theirs.fsw() & 0x80) != 0;
        for (int i = 0; i < 416; i++) {
            boolean told = raised || i < 6 || i >= 8 && i < 16 || i >= 24;
            boolean maskOfMxcsr = i >= 28 && i < 32;
            if (told && !maskOfMxcsr && theirs.fx[i] != ours.fx[i]) {
                return "FXSAVE byte %d: host %02X ours %02X".formatted(i, theirs.fx[i], ours.fx[i]);
            }
        }
        return null;
    }

    // ---- encodings

    private byte[] encode(Row row, boolean memory) {
        ByteArrayOutputStream code = new ByteArrayOutputStream();
        boolean wide = false;
        int rex = 0;
        boolean modRm = false;
        int reg = operands.nextInt(8);
        int rm = operands.nextInt(8);
        int immediate = -1;
        ByteArrayOutputStream opcode = new ByteArrayOutputStream();
        for (String part : row.opcode.split(" ")) {
            switch (part) {
                case "NP", "NFx" -> {}
                case "66", "F2", "F3" -> {
                    if (opcode.size() == 0) {
                        code.write(Integer.parseInt(part, 16));
                    } else {
                        opcode.write(Integer.parseInt(part, 16));
                    }
                }
                case "REX.W" -> wide = true;
                case "/r" -> modRm = true;
                default -> {
                    if (part.startsWith("/")) {
                        modRm = true;
                        reg = part.charAt(1) - '0';
                    } else if (part.endsWith("+i")) {
                        opcode.write(Integer.parseInt(part.substring(0, 2), 16) + rm);
                    } else {
                        opcode.write(Integer.parseInt(part, 16));
                    }
                }
            }
        }
        boolean general = Stream.of(row.operands).anyMatch(operand -> operand.matches("[EGMR]y.*"));
        if (general && operands.nextBoolean()) {
            wide = true;
        }
        boolean xmm = Stream.of(row.operands).anyMatch(operand -> operand.matches("[VWU].*"));
        if (xmm && modRm && operands.nextBoolean()) {
            rex = 0x40 | operands.nextInt(2) << 2 | (memory ? 0 : operands.nextInt(2));
        }
        if (wide) {
            rex |= 0x48;
        }
        if (rex != 0) {
            code.write(rex);
        }
        code.writeBytes(opcode.toByteArray());
        if (modRm) {
            code.write(memory ? reg << 3 | 7 : 0xC0 | reg << 3 | rm);
        }
        if (row.has("Ib")) {
            immediate = operands.nextInt(3) == 0 ? operands.nextInt(256) : operands.nextInt(20);
            if (row.mnemonic.startsWith("PCMP") || row.mnemonic.startsWith("DPP") || row.mnemonic.equals("INSERTPS")) {
                immediate = operands.nextInt(256);
            }
            code.write(immediate);
        }
        return code.toByteArray();
    }

    // ---- states

    private void fill(Row row) {
        in.clear();
        for (int i = 0; i < 16; i++) {
            in.gpr[i] = operands.nextLong();
        }
        in.rflags = operands.nextInt() & 0x8D5;
        int kind = operands.nextInt(4);
        for (int i = 0; i < 16; i++) {
            in.setXmm(i, lane(kind), lane(kind));
        }
        if (operands.nextInt(8) == 0) {
            in.setXmm(operands.nextInt(8), operands.nextInt(20), 0);
        }
        in.setMxcsr(0x1F80 | (operands.nextBoolean()
                ? 0
                : operands.nextInt(8) << 13 | operands.nextInt(2) << 6 | operands.nextInt(64)));
        fillX87();
        MemorySegment memory = host.memory();
        for (int i = 0; i < WINDOW; i += 8) {
            memory.set(JAVA_LONG, OPERAND - 64 + i, lane(kind));
        }
        in.gpr[7] = host.memoryAddress() + OPERAND + place(row);
        long offset = in.gpr[7] - host.memoryAddress();
        switch (row.mnemonic) {
            case "LDMXCSR" -> memory.set(JAVA_LONG.withByteAlignment(1), offset, operands.nextInt() & 0xFFFF);
            case "FXRSTOR" -> memory.set(JAVA_LONG, offset + 24, operands.nextInt() & 0xFFFF);
            case "XRSTOR", "XSAVE", "XSAVEOPT" -> {
                in.gpr[0] = operands.nextInt(4);
                in.gpr[2] = 0;
                memory.set(JAVA_LONG, offset + 24, operands.nextInt() & 0xFFFF);
                for (int i = 0; i < 64; i += 8) {
                    memory.set(JAVA_LONG, offset + 512 + i, i == 0 ? operands.nextInt(4) : 0);
                }
            }
            // beyond their range they are not defined
            case "F2XM1", "FYL2XP1" -> {
                boolean finite = (in.stExponent(0) & 0x7FFF) != 0x7FFF;
                if (finite && (in.stExponent(0) & 0x7FFF) > 0x3FFC) {
                    in.setSt(0, in.stExponent(0) & 0x8000 | 0x3FFC, in.stSignificand(0));
                }
            }
            case "FLD", "FBLD", "FLDENV", "FRSTOR", "FLDCW" -> extendedInMemory(memory, offset);
            case "PCMPESTRI", "PCMPESTRM" -> {
                in.gpr[0] = operands.nextInt(3) == 0 ? operands.nextLong() : operands.nextInt(40) - 20;
                in.gpr[2] = operands.nextInt(3) == 0 ? operands.nextLong() : operands.nextInt(40) - 20;
                similarStrings(memory, offset);
            }
            case "PCMPISTRI", "PCMPISTRM" -> similarStrings(memory, offset);
            default -> {}
        }
    }

    /** Where the operand lies: 64 bytes aligned for areas, unaligned where that is allowed. */
    private int place(Row row) {
        if (row.mnemonic.startsWith("X") || row.mnemonic.startsWith("FX")) {
            return 0;
        }
        boolean sixteen = Stream.of(row.operands).anyMatch(operand -> operand.matches("[WM](dq|ps|pd)"));
        if (sixteen && !UNALIGNED.contains(row.mnemonic)) {
            return 16 * operands.nextInt(4);
        }
        return operands.nextInt(64);
    }

    private void similarStrings(MemorySegment memory, long offset) {
        for (int i = 0; i < 16; i++) {
            in.setXmm(i, letters(), letters());
        }
        memory.set(JAVA_LONG.withByteAlignment(1), offset, letters());
        memory.set(JAVA_LONG.withByteAlignment(1), offset + 8, letters());
    }

    private long letters() {
        int few = operands.nextInt(3);
        long result = 0;
        for (int i = 0; i < 8; i++) {
            int letter = few == 0 ? operands.nextInt(3) : few == 1 ? 0x61 + operands.nextInt(3) : operands.nextInt();
            result = result << 8 | letter & 0xFF;
        }
        return operands.nextInt(3) == 0 ? result & 0x00FF_00FF_00FF_00FFL : result;
    }

    private void extendedInMemory(MemorySegment memory, long offset) {
        long significand = operands.nextExtended();
        memory.set(JAVA_LONG.withByteAlignment(1), offset, significand);
        memory.set(JAVA_LONG.withByteAlignment(1), offset + 8, operands.signExponent);
        // packed decimal with digits that are none is not defined
        if (operands.nextBoolean()) {
            return;
        }
        memory.set(JAVA_LONG.withByteAlignment(1), offset, operands.nextLong() & 0x0707_0707_0707_0707L);
    }

    private long lane(int kind) {
        return switch (kind) {
            case 0 -> operands.nextDouble();
            case 1 -> operands.nextSingle() & 0xFFFF_FFFFL | (long) operands.nextSingle() << 32;
            default -> operands.nextLong();
        };
    }

    private void fillX87() {
        int masks = operands.nextInt(4) == 0 ? operands.nextInt(64) : 63;
        in.setFcw(operands.nextInt(16) << 8 | 0x40 | masks);
        in.setFsw(operands.nextInt(8) << 11 | operands.nextInt() & 0x4700 | operands.nextInt(128) & masks & 63);
        in.setFtw(operands.nextInt(3) == 0 ? operands.nextInt(256) : operands.nextBoolean() ? 0xFF : 0x0F);
        for (int i = 0; i < 8; i++) {
            long significand = operands.nextExtended();
            in.setSt(i, operands.signExponent, significand);
        }
    }
}
