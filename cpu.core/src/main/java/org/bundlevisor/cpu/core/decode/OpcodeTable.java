package org.bundlevisor.cpu.core.decode;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The opcode table, read from the text resource {@code opcodes.table}, which describes its own notation. Immutable, so that
 * decoders share it; one per platform is enough.
 */
public final class OpcodeTable {
    // opcode maps
    static final int MAP_ONE_BYTE = 0;
    static final int MAP_0F = 1;
    static final int MAP_0F38 = 2;
    static final int MAP_0F3A = 3;

    // which prefix chooses among the rows of an opcode
    static final int NO_PREFIX = 0;
    static final int PREFIX_66 = 1;
    static final int PREFIX_F3 = 2;
    static final int PREFIX_F2 = 3;

    /** A node that does not depend on ModRM is of length 1; else 8 memory forms by reg, then 64 register forms by reg and rm. */
    private static final int MODRM_FORMS = 8 + 64;

    /** Which prefixes a row stands for, before others take some of them away. */
    private enum Prefixes {
        ANY(NO_PREFIX, PREFIX_66, PREFIX_F3, PREFIX_F2),
        NP(NO_PREFIX),
        NFx(NO_PREFIX, PREFIX_66),
        P66(PREFIX_66),
        PF3(PREFIX_F3),
        PF2(PREFIX_F2);

        final int[] slots;

        Prefixes(int... slots) {
            this.slots = slots;
        }
    }

    /**
     * The opcode column of a row, taken apart.
     *
     * @param codes how many opcode bytes there are from {@code code} on
     * @param digit what ModRM.reg has to be, or -1
     * @param value what the ModRM byte has to be, or -1
     * @param values how many ModRM bytes there are from {@code value} on
     */
    private record Pattern(
            Prefixes prefixes, boolean rexW, boolean rexB, int map, int code, int codes, boolean modRm, int digit,
            int value, int values) {
        /** Rows that name a prefix come first, those that take what is left second; those with REX last. */
        int turn() {
            return rexW || rexB ? 2 : prefixes == Prefixes.ANY ? 1 : 0;
        }

        int firstMemoryForm() {
            return Math.max(digit, 0);
        }

        int lastMemoryForm() {
            return digit < 0 ? 7 : digit;
        }

        int firstRegisterForm() {
            return 8 + (value >= 0 ? value & 63 : firstMemoryForm() * 8);
        }

        int lastRegisterForm() {
            return value >= 0 ? firstRegisterForm() + values - 1 : 8 + lastMemoryForm() * 8 + 7;
        }
    }

    private final Opcode[] rows;
    private final @Nullable Opcode[] @Nullable [] nodes = new Opcode[2 * 4 * 4 * 256][];

    /** What does not decode. */
    final Opcode invalid;

    /** What is too long. */
    final Opcode tooLong;

    private OpcodeTable(String text) {
        List<Opcode> read = new ArrayList<>(1200);
        List<Pattern> patterns = new ArrayList<>(1200);
        invalid = new Opcode(0, Mnemonic.INVALID, 0, new Operand[0], Opcode.END, Feature.BASE, "INVALID");
        tooLong = new Opcode(1, Mnemonic.TOO_LONG, 0, new Operand[0], Opcode.END, Feature.BASE, "TOO_LONG");
        Collections.addAll(read, invalid, tooLong);
        int line = 0;
        for (int start = 0; start < text.length();) {
            int end = text.indexOf('\n', start);
            end = end < 0 ? text.length() : end;
            line++;
            if (end > start && text.charAt(start) != '#') {
                String row = text.substring(start, end);
                try {
                    String[] columns = columns(row);
                    Pattern pattern = parsePattern(columns[0]);
                    patterns.add(pattern);
                    read.add(parseRow(read.size(), pattern, columns));
                } catch (IllegalArgumentException e) {
                    throw new IllegalArgumentException(
                            "opcodes.table: line " + line + ": " + e.getMessage() + ": " + row, e);
                }
            }
            start = end + 1;
        }
        rows = read.toArray(new Opcode[0]);
        for (int turn = 0; turn < 3; turn++) {
            for (int i = 0; i < patterns.size(); i++) {
                Pattern pattern = patterns.get(i);
                if (pattern.turn() == turn) {
                    place(pattern, rows[i + 2]);
                }
            }
        }
    }

    /**
     * Reads the table.
     *
     * @throws IllegalArgumentException if a row of it is wrong, or two rows stand for the same bytes
     */
    public static OpcodeTable load() {
        try (InputStream in = OpcodeTable.class.getResourceAsStream("opcodes.table")) {
            if (in == null) {
                throw new IllegalStateException(
                        "opcodes.table: missing beside the decoder's classes; build the bundle again");
            }
            return parse(new String(in.readAllBytes(), StandardCharsets.UTF_8));
        } catch (IOException e) {
            throw new UncheckedIOException("opcodes.table: cannot be read: " + e.getMessage(), e);
        }
    }

    /** Reads a table from its text. */
    static OpcodeTable parse(String text) {
        return new OpcodeTable(text);
    }

    /** The number of rows; {@link Opcode#row} is below it. */
    public int rowCount() {
        return rows.length;
    }

    /**
     * The row of a number.
     *
     * @throws IndexOutOfBoundsException if there is no such row
     */
    public Opcode row(int number) {
        return rows[number];
    }

    /** The rows of an opcode byte: one, or one per ModRM form, where null is none; null if there is no row at all. */
    @Nullable Opcode @Nullable [] node(boolean mode64, int map, int prefix, int code) {
        return nodes[index(mode64 ? 1 : 0, map, prefix, code)];
    }

    /** Where the row of a ModRM byte is in a node. */
    static int form(int length, int modRm, boolean memory) {
        return length == 1 ? 0 : memory ? modRm >> 3 & 7 : 8 + (modRm & 63);
    }

    private static int index(int mode64, int map, int prefix, int code) {
        return ((mode64 << 2 | map) << 2 | prefix) << 8 | code;
    }

    /** The trimmed text of the four columns, empty where the row has not so many. */
    private static String[] columns(String row) {
        String[] columns = {"", "", "", ""};
        int start = 0;
        for (int i = 0; i < columns.length; i++) {
            int end = row.indexOf('|', start);
            columns[i] = row.substring(start, end < 0 ? row.length() : end).trim();
            if (end < 0) {
                return columns;
            }
            start = end + 1;
        }
        throw new IllegalArgumentException("more columns than a row has");
    }

    private static Pattern parsePattern(String column) {
        String[] words = column.split(" ");
        int i = 0;
        Prefixes prefixes = switch (words[0]) {
            case "NP" -> Prefixes.NP;
            case "NFx" -> Prefixes.NFx;
            case "66" -> Prefixes.P66;
            case "F3" -> Prefixes.PF3;
            case "F2" -> Prefixes.PF2;
            default -> Prefixes.ANY;
        };
        i += prefixes == Prefixes.ANY ? 0 : 1;
        boolean rexW = words[i].equals("REX.W");
        boolean rexB = words[i].equals("REX.B");
        i += rexW || rexB ? 1 : 0;
        int map = MAP_ONE_BYTE;
        if (words[i].equals("0F")) {
            i++;
            map = words[i].equals("38") ? MAP_0F38 : words[i].equals("3A") ? MAP_0F3A : MAP_0F;
            i += map == MAP_0F ? 0 : 1;
        }
        boolean register = words[i].endsWith("+r");
        int code = Integer.parseInt(words[i++], 0, 2, 16);
        int digit = -1;
        int value = -1;
        int values = 1;
        boolean modRm = i < words.length;
        if (modRm) {
            String form = words[i++];
            if (form.startsWith("/")) {
                digit = form.equals("/r") ? -1 : Integer.parseInt(form, 1, 2, 8);
            } else {
                value = Integer.parseInt(form, 0, 2, 16);
                values = form.endsWith("+i") ? 8 : 1;
            }
        }
        if (i != words.length) {
            throw new IllegalArgumentException("more words than an opcode has");
        }
        return new Pattern(prefixes, rexW, rexB, map, code, register ? 8 : 1, modRm, digit, value, values);
    }

    private static Opcode parseRow(int number, Pattern pattern, String[] columns) {
        String[] instruction = columns[1].split(" ");
        String[] names = instruction.length > 1 ? instruction[1].split(",") : new String[0];
        Operand[] operands = new Operand[names.length];
        int attributes = pattern.prefixes == Prefixes.ANY ? Opcode.ANY_PREFIX : 0;
        for (int i = 0; i < names.length; i++) {
            operands[i] = Operand.valueOf(names[i]);
            attributes |= operandAttributes(operands[i]);
            if (operands[i].needsModRm() && !pattern.modRm) {
                throw new IllegalArgumentException("an operand needs ModRM");
            }
        }
        if (pattern.modRm) {
            attributes |= Opcode.MODRM;
        }
        if (operands.length > 0 && operands[0] == Operand.Sw) {
            attributes |= Opcode.LOADS_SEGMENT;
        }
        for (String word : columns[2].split(" ")) {
            attributes |= switch (word) {
                case "" -> 0;
                case "lock" -> Opcode.LOCK;
                case "rep" -> Opcode.REP;
                case "end" -> Opcode.END;
                case "d64" -> Opcode.D64;
                case "f64" -> Opcode.F64;
                case "i64" -> Opcode.I64;
                case "o64" -> Opcode.O64;
                case "nomod" -> Opcode.NOMOD;
                case "copy" -> Opcode.COPY;
                default -> throw new IllegalArgumentException("no such attribute: " + word);
            };
        }
        String feature = columns[3];
        return new Opcode(number, Mnemonic.valueOf(instruction[0]), pattern.code, operands, attributes,
                feature.isEmpty() ? Feature.BASE : Feature.valueOf(feature), columns[1]);
    }

    private static int operandAttributes(Operand operand) {
        return switch (operand) {
            case Gb -> Opcode.REG_IS_BYTE;
            case Eb, Zb -> Opcode.RM_IS_BYTE;
            // REX does not extend segment, MMX and x87 register numbers
            case Sw -> Opcode.REG_IS_PLAIN | Opcode.SEGMENT_REGISTER;
            case Pq -> Opcode.REG_IS_PLAIN;
            case Nq, Qd, Qq, STi -> Opcode.RM_IS_PLAIN;
            case Cd -> Opcode.CONTROL_REGISTER;
            case Dd -> Opcode.DEBUG_REGISTER;
            default -> 0;
        };
    }

    /** Puts a row where its bytes lead, in every mode and for every prefix that it stands for. */
    private void place(Pattern pattern, Opcode row) {
        boolean memory = pattern.value < 0;
        boolean registers = true;
        for (int i = 0; i < row.operandCount() && (row.attributes & Opcode.NOMOD) == 0; i++) {
            memory &= !row.operand(i).registerOnly();
            registers &= !row.operand(i).memoryOnly();
        }
        boolean whole = !pattern.modRm || (memory && registers && pattern.digit < 0);
        int first = (row.attributes & Opcode.O64) != 0 ? 1 : 0;
        int last = (row.attributes & Opcode.I64) != 0 ? 0 : 1;
        boolean placed = false;
        for (int mode64 = first; mode64 <= last; mode64++) {
            for (int slot : pattern.prefixes.slots) {
                for (int code = pattern.code; code < pattern.code + pattern.codes; code++) {
                    int index = index(mode64, pattern.map, slot, code);
                    @Nullable Opcode[] node = nodes[index];
                    if (node == null) {
                        nodes[index] = node = new Opcode[whole ? 1 : MODRM_FORMS];
                    }
                    if (node.length == 1) {
                        placed |= put(node, 0, 1, pattern, row);
                        continue;
                    }
                    if (memory) {
                        placed |= put(node, pattern.firstMemoryForm(), pattern.lastMemoryForm() + 1, pattern, row);
                    }
                    if (registers) {
                        placed |= put(node, pattern.firstRegisterForm(), pattern.lastRegisterForm() + 1, pattern, row);
                    }
                }
            }
        }
        if (!placed) {
            throw new IllegalArgumentException("opcodes.table: every place of the row is taken: " + row);
        }
    }

    private static boolean put(@Nullable Opcode[] node, int from, int to, Pattern pattern, Opcode row) {
        boolean placed = false;
        for (int form = from; form < to; form++) {
            @Nullable Opcode there = node[form];
            if (pattern.rexW || pattern.rexB) {
                if (there == null) {
                    throw new IllegalArgumentException("opcodes.table: no row without REX for: " + row);
                }
                there.replaceWithRex(row, pattern.rexW);
                placed = true;
            } else if (there == null) {
                node[form] = row;
                placed = true;
            } else if (pattern.prefixes != Prefixes.ANY || (there.attributes & Opcode.ANY_PREFIX) != 0) {
                throw new IllegalArgumentException(
                        "opcodes.table: two rows stand for the same bytes: " + there + " and " + row);
            }
        }
        return placed;
    }
}
