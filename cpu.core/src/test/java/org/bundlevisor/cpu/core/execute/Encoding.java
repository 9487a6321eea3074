package org.bundlevisor.cpu.core.execute;

import java.io.ByteArrayOutputStream;
import org.bundlevisor.cpu.core.host.Operands;

/**
 * One way to write a row of the opcode table in 64-bit or 32-bit mode: operand size, registers or a form of address, prefixes. What
 * was chosen stays to be read, for the test to place operands accordingly.
 */
final class Encoding {
    /** Forms of the ModRM operand. */
    enum Form {
        REGISTER,
        BASE,
        BASE_INDEX,
        RIP_RELATIVE,
        ABSOLUTE
    }

    final TableRow row;
    private final boolean wide;
    final int operandSize;
    final Form form;
    final boolean lock;
    final int rep;
    final boolean address32;
    byte[] bytes = {};

    int reg;
    int rm;
    int base = -1;
    int index = -1;
    int scale;
    int displacement;
    long immediate;
    int immediate2;
    boolean rex;

    Encoding(TableRow row, boolean wide, int operandSize, Form form, boolean lock, int rep, boolean address32) {
        this.row = row;
        this.wide = wide;
        this.operandSize = operandSize;
        this.form = form;
        this.lock = lock;
        this.rep = rep;
        this.address32 = address32;
    }

    /** Whether a byte register's number means AH, CH, DH or BH. */
    boolean isHighByte(int register) {
        return register >= 4 && register < 8 && !rex;
    }

    boolean memory() {
        return form != Form.REGISTER;
    }

    /**
     * Chooses the rest and writes the bytes.
     *
     * @param target where a RIP-relative or absolute operand lies
     * @param codeAddress where the instruction lies
     */
    void write(Operands random, long target, long codeAddress, long immediateWanted) {
        reg = row.digit() >= 0 ? row.digit() : random.nextInt(wide ? 16 : 8);
        rm = random.nextInt(wide ? 16 : 8);
        if (row.rexB()) {
            rm |= 8;
        } else if (row.registerInCode() || row.text().startsWith("9")) {
            rm = row.registerInCode() ? rm : row.code() & 7 | rm & 8;
        }
        rex = random.nextBoolean();
        scale = random.nextInt(4);
        displacement = switch (random.nextInt(3)) {
            case 0 -> 0;
            case 1 -> (byte) random.nextInt();
            default -> random.nextInt() >> 8;
        };
        switch (form) {
            case BASE, BASE_INDEX -> {
                base = pickAddressRegister(random, -1);
                if (form == Form.BASE_INDEX) {
                    index = pickAddressRegister(random, base);
                }
            }
            default -> {
                // nothing to choose
            }
        }
        immediate = immediateWanted;
        bytes = emit(target, codeAddress, 0);
        if (form == Form.RIP_RELATIVE) {
            bytes = emit(target, codeAddress, bytes.length);
        }
    }

    /** Registers that the address does not share with other operands whose value is not free. */
    private int pickAddressRegister(Operands random, int not) {
        while (true) {
            int register = random.nextInt(wide ? 16 : 8);
            boolean taken = register == not
                    || not >= 0 && register == 4
                    || register == 4 && (row.has("d64") || row.hasOperand("Zv"))
                    || row.mnemonic().name().startsWith("BT") && register == reg && row.digit() < 0
                    || row.mnemonic().name().startsWith("CMPXCHG") && register < 4 && register != 1;
            if (!taken) {
                return register;
            }
        }
    }

    private boolean byteOperands() {
        return row.operands().stream().anyMatch(o -> o.equals("Eb") || o.equals("Gb") || o.equals("Zb"));
    }

    private byte[] emit(long target, long codeAddress, int length) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        if (lock) {
            out.write(0xF0);
        }
        if (address32) {
            out.write(0x67);
        }
        if (operandSize == 2 && row.sized() || row.prefix() == 0x66) {
            out.write(0x66);
        }
        if (rep != 0) {
            out.write(rep);
        }
        if (row.prefix() == 0xF2 || row.prefix() == 0xF3) {
            out.write(row.prefix());
        }
        int prefix = 0;
        if (wide && row.rexW() || operandSize == 8 && row.sized() && !row.has("d64") && !row.has("f64")) {
            prefix |= 0x48;
        }
        if (row.modRm()) {
            if (row.digit() < 0 && row.fixedModRm() < 0 && reg >= 8) {
                prefix |= 0x44;
            }
            if (form == Form.REGISTER ? rm >= 8 : base >= 8) {
                prefix |= 0x41;
            }
            if (index >= 8) {
                prefix |= 0x42;
            }
        } else if ((row.registerInCode() || row.hasOperand("Zv")) && rm >= 8) {
            prefix |= 0x41;
        }
        if (wide && prefix == 0 && byteOperands() && rex) {
            prefix = 0x40;
        }
        rex = prefix != 0;
        if (prefix != 0) {
            out.write(prefix);
        }
        for (int b : row.escape()) {
            out.write(b);
        }
        out.write(row.registerInCode() ? row.code() | rm & 7 : row.code());
        if (row.fixedModRm() >= 0) {
            out.write(row.fixedModRm());
        } else if (row.modRm()) {
            modRm(out, target, codeAddress, length);
        }
        for (String operand : row.operands()) {
            immediate(out, operand, target);
        }
        return out.toByteArray();
    }

    private void modRm(ByteArrayOutputStream out, long target, long codeAddress, int length) {
        int field = (reg & 7) << 3;
        switch (form) {
            case REGISTER -> out.write(0xC0 | field | rm & 7);
            case RIP_RELATIVE -> {
                out.write(field | 5);
                little(out, wide ? target - codeAddress - length : target, 4);
            }
            case ABSOLUTE -> {
                out.write(field | 4);
                out.write(0x25);
                little(out, target, 4);
            }
            default -> {
                int size = displacement == 0 && (base & 7) != 5 ? 0 : displacement == (byte) displacement ? 1 : 4;
                int mod = size == 0 ? 0 : size == 1 ? 0x40 : 0x80;
                if (index >= 0 || (base & 7) == 4) {
                    out.write(mod | field | 4);
                    out.write((index >= 0 ? scale << 6 : 0) | (index >= 0 ? index & 7 : 4) << 3 | base & 7);
                } else {
                    out.write(mod | field | base & 7);
                }
                little(out, displacement, size);
            }
        }
    }

    private void immediate(ByteArrayOutputStream out, String operand, long target) {
        switch (operand) {
            case "Ib", "Ibs", "Jb" -> little(out, row.operands().contains("Iw") ? immediate2 : immediate, 1);
            case "Iw" -> little(out, immediate, 2);
            case "Iz", "Jz" -> little(out, immediate, operandSize == 2 && operand.equals("Iz") ? 2 : 4);
            case "Iv" -> little(out, immediate, operandSize);
            case "Ob", "Ov" -> little(out, target, address32 || !wide ? 4 : 8);
            default -> {
                // no bytes
            }
        }
    }

    private static void little(ByteArrayOutputStream out, long value, int size) {
        for (int i = 0; i < size; i++) {
            out.write((int) (value >>> 8 * i));
        }
    }
}
