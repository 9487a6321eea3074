package org.bundlevisor.cpu.core.execute;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.bundlevisor.cpu.core.decode.Mnemonic;
import org.bundlevisor.cpu.core.decode.OpcodeTable;

/**
 * A row of the opcode table as the test reads it, so that no row is forgotten.
 *
 * @param prefix 0x66, 0xF2 or 0xF3 if the opcode begins with it, else 0
 * @param digit ModRM.reg, or -1 for a register
 */
record TableRow(
        String text,
        int prefix,
        boolean rexW,
        boolean rexB,
        int[] escape,
        int code,
        boolean registerInCode,
        boolean modRm,
        int digit,
        int fixedModRm,
        Mnemonic mnemonic,
        List<String> operands,
        Set<String> attributes,
        String feature) {

    /** All rows in order. */
    static List<TableRow> all() {
        try (InputStream in = OpcodeTable.class.getResourceAsStream("opcodes.table")) {
            List<TableRow> rows = new ArrayList<>();
            for (String line : new String(in.readAllBytes(), StandardCharsets.UTF_8).split("\n")) {
                if (!line.isEmpty() && !line.startsWith("#")) {
                    rows.add(parse(line));
                }
            }
            return rows;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static TableRow parse(String line) {
        String[] columns = line.split("\\|");
        int prefix = 0;
        boolean rexW = false;
        boolean rexB = false;
        boolean registerInCode = false;
        boolean modRm = false;
        int digit = -1;
        int fixed = -1;
        List<Integer> bytes = new ArrayList<>();
        String[] words = columns[0].trim().split(" ");
        for (int i = 0; i < words.length; i++) {
            String word = words[i];
            switch (word) {
                case "NP", "NFx" -> {
                    // the encoder adds no prefix unless told
                }
                case "REX.W" -> rexW = true;
                case "REX.B" -> rexB = true;
                case "/r" -> modRm = true;
                default -> {
                    if (word.startsWith("/")) {
                        modRm = true;
                        digit = Integer.parseInt(word.substring(1));
                    } else if (i == 0 && words.length > 1 && words[1].equals("0F")
                            && Set.of("66", "F2", "F3").contains(word)) {
                                prefix = Integer.parseInt(word, 16);
                            } else
                        if (i == 0 && line.startsWith("F3 90")) {
                            prefix = 0xF3;
                        } else {
                            registerInCode |= word.endsWith("+r");
                            bytes.add(Integer.parseInt(word.substring(0, 2), 16));
                        }
                }
            }
        }
        int escapes = bytes.get(0) != 0x0F ? 0 : bytes.get(1) == 0x38 || bytes.get(1) == 0x3A ? 2 : 1;
        if (bytes.size() > escapes + 1) {
            modRm = true;
            fixed = bytes.get(escapes + 1);
        }
        int[] escape = bytes.subList(0, escapes).stream().mapToInt(Integer::intValue).toArray();
        String[] instruction = columns[1].trim().split(" ");
        List<String> operands = instruction.length > 1 ? List.of(instruction[1].split(",")) : List.of();
        Set<String> attributes = new HashSet<>(
                Arrays.asList(columns.length > 2 ? columns[2].trim().split(" ") : new String[0]));
        String feature = columns.length > 3 ? columns[3].trim() : "";
        return new TableRow(line.replaceAll(" +", " "), prefix, rexW, rexB, escape, bytes.get(escapes), registerInCode,
                modRm, digit, fixed, Mnemonic.valueOf(instruction[0]), operands, attributes, feature);
    }

    boolean has(String attribute) {
        return attributes.contains(attribute);
    }

    /** Whether the operand size matters. */
    boolean sized() {
        return operands.stream().anyMatch(o -> o.endsWith("v") || o.endsWith("y") || o.endsWith("z")
                || o.equals("rAX") || o.equals("Ibs"))
                || Set.of(Mnemonic.CBW, Mnemonic.CWD, Mnemonic.LEAVE, Mnemonic.ENTER, Mnemonic.LEA).contains(mnemonic)
                || has("d64");
    }

    boolean hasOperand(String name) {
        return operands.contains(name);
    }

    @Override
    public String toString() {
        return text;
    }
}
