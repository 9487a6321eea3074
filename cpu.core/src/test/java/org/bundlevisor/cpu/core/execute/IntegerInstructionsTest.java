package org.bundlevisor.cpu.core.execute;

import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.lang.foreign.MemorySegment;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import org.bundlevisor.cpu.core.decode.Mnemonic;
import org.bundlevisor.cpu.core.execute.Encoding.Form;
import org.bundlevisor.cpu.core.host.HostCpu;
import org.bundlevisor.cpu.core.host.HostState;
import org.bundlevisor.cpu.core.host.Operands;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/**
 * Every row of the opcode table that is an unprivileged integer instruction of 64-bit mode, in every operand size and form
 * of address, against the host's processor: all registers, all memory, all flags that the manual defines.
 */
class IntegerInstructionsTest {
    private static final long ALL_FLAGS = Bits.ARITHMETIC_FLAGS | Bits.FLAG_DF;

    /** What needs another test: system registers and segments, whose values differ between host and guest. */
    private static final Set<Mnemonic> ELSEWHERE = EnumSet.of(
            Mnemonic.SWAPGS, Mnemonic.VERR, Mnemonic.VERW, Mnemonic.LAR, Mnemonic.LSL, Mnemonic.CLI, Mnemonic.XGETBV,
            Mnemonic.CLFLUSH, Mnemonic.BOUND, Mnemonic.ARPL);

    private static final Set<String> FEATURES = Set.of("", "LAHF", "CMOV", "MOVBE", "POPCNT", "CX8", "CX16", "SSE4_2");

    private final List<String> failures = new ArrayList<>();
    private HostComparison both;
    private HostState in;
    private Cpu cpu;
    private Operands random;
    private boolean wide;
    private int compared;

    @AfterEach
    void close() {
        if (both != null) {
            both.close();
        }
    }

    @Test
    void everyRowOf64BitModeDoesWhatTheHostDoes() {
        compareAll(true, 285);
    }

    @Test
    void everyRowOf32BitModeDoesWhatTheHostDoes() {
        compareAll(false, 301);
    }

    private void compareAll(boolean mode64, int expectedRows) {
        assumeThat(HostCpu.available()).isTrue();
        wide = mode64;
        both = new HostComparison(getClass().getSimpleName(), mode64);
        cpu = both.cpu;
        in = both.in;
        random = both.random;
        HandlerTable handlers = new HandlerTable();
        int rows = 0;
        for (TableRow row : TableRow.all()) {
            if (covered(row)) {
                rows++;
                if (handlers.knows(row.mnemonic())) {
                    compareRow(row);
                } else {
                    failures.add("no handler: " + row);
                }
            }
        }
        System.out.printf("%d rows, %d cases compared, %d differ%n", rows, compared, failures.size());
        assertThat(failures.size())
                .as(String.join("\n", failures.subList(0, Math.min(40, failures.size()))))
                .isZero();
        assertThat(rows).isGreaterThanOrEqualTo(expectedRows);
        assertThat(compared).isGreaterThan(30_000);
    }

    private boolean covered(TableRow row) {
        boolean special = row.operands().stream().anyMatch(
                o -> Set.of("Sw", "ES", "CS", "SS", "DS", "FS", "GS", "Cd", "Dd").contains(o)
                        || o.length() > 1 && "PQVWUN".indexOf(o.charAt(0)) >= 0 || o.equals("XMM0"));
        return FEATURES.contains(row.feature())
                && !row.mnemonic().name().startsWith("F")
                && !row.has("end")
                && !row.has(wide ? "i64" : "o64")
                && !(!wide && (row.rexW() || row.rexB()))
                && !special
                && !ELSEWHERE.contains(row.mnemonic());
    }

    private void compareRow(TableRow row) {
        int[] sizes = !row.sized()
                ? new int[] {4}
                : !wide ? new int[] {2, 4} : row.has("d64") ? new int[] {2, 8} : new int[] {2, 4, 8};
        int rounds = Operands.count(3);
        for (int size : sizes) {
            for (Form form : forms(row)) {
                for (int round = 0; round < rounds; round++) {
                    boolean memory = form != Form.REGISTER;
                    boolean lock = row.has("lock") && memory && random.nextBoolean();
                    boolean address32 = wide
                            && random.nextInt(4) == 0
                            && (memory || row.has("rep") || row.hasOperand("Ob") || row.hasOperand("Ov"));
                    int rep = row.has("rep") ? List.of(0, 0xF2, 0xF3).get(round % 3) : 0;
                    compare(new Encoding(row, wide, size, form, lock, rep, address32));
                }
            }
        }
    }

    private static List<Form> forms(TableRow row) {
        if (!row.modRm() || row.fixedModRm() >= 0) {
            return List.of(Form.REGISTER);
        }
        boolean memoryOnly = row.operands().stream().anyMatch(o -> o.startsWith("M"));
        boolean registerOnly = row.operands().stream().anyMatch(o -> o.startsWith("R") && !o.startsWith("RvM"));
        List<Form> forms = new ArrayList<>(List.of(Form.values()));
        if (memoryOnly) {
            forms.remove(Form.REGISTER);
        }
        return registerOnly ? List.of(Form.REGISTER) : forms;
    }

    private void compare(Encoding encoding) {
        int operandBytes = memorySize(encoding);
        // an absolute or RIP-relative operand is at one place for all values
        long fixedTarget = target(encoding, operandBytes);
        int before = failures.size();
        int cases = Operands.count(encoding.row.has("rep") ? 24 : 7);
        encoding.immediate2 = random.nextInt(64);
        long immediate = encoding.row.hasOperand("Iw") ? random.nextInt(0x200) : random.nextLong();
        encoding.write(random, fixedTarget, both.start(), immediate);
        both.load(encoding.bytes);
        both.fillMemory();
        for (int i = 0; i < cases; i++) {
            prepare(encoding, fixedTarget, operandBytes);
            String expected = predictsDivideError(encoding, fixedTarget) ? "exception 0" : "";
            String fault = both.runGuest(1000);
            String difference;
            if (expected.isEmpty()) {
                both.runHost();
                difference = both.difference(ALL_FLAGS & ~undefinedFlags(encoding));
            } else {
                difference = both.differenceFromBefore();
            }
            compared++;
            if (!fault.equals(expected)) {
                difference += " '" + fault + "' instead of '" + expected + "'";
            }
            if (!difference.isEmpty()) {
                failures.add("%s size %d: %s; %s".formatted(encoding.row, encoding.operandSize, difference,
                        both.describe()));
            }
            if (failures.size() > before + 1) {
                return;
            }
        }
    }

    /** Bytes of memory operand, at most. */
    private static int memorySize(Encoding encoding) {
        return encoding.row.hasOperand("Mdq") ? 16 : 8;
    }

    private long target(Encoding encoding, int bytes) {
        long offset = 64 + random.nextInt(HostCpu.MEMORY_SIZE - 256);
        if (random.nextInt(3) == 0) {
            offset = 4096L * (1 + random.nextInt(3)) - random.nextInt(8);
        }
        boolean aligned = encoding.lock || encoding.row.mnemonic() == Mnemonic.XCHG || bytes == 16;
        return both.data() + (aligned ? offset & -bytes : offset);
    }

    private long middle() {
        return both.data() + HostCpu.MEMORY_SIZE / 2 + random.nextInt(-2000, 2000);
    }

    /** Fills registers and memory, and makes addresses point into memory. */
    private void prepare(Encoding encoding, long fixedTarget, int operandBytes) {
        TableRow row = encoding.row;
        if (row.has("rep")) {
            both.fillMemory();
        }
        both.fillRegisters();
        long target = encoding.form == Form.BASE || encoding.form == Form.BASE_INDEX
                ? target(encoding, operandBytes)
                : fixedTarget;
        implicitOperands(encoding);
        if (row.mnemonic().name().startsWith("BT") && row.digit() < 0 && encoding.memory()) {
            // a bit string: the number moves the address
            target = middle();
            if (encoding.lock) {
                target &= -8;
            }
            if (encoding.form == Form.BASE || encoding.form == Form.BASE_INDEX) {
                in.gpr[encoding.reg] = random.nextInt(-30_000, 30_000);
            } else {
                long room = Math.min(fixedTarget - both.data() - 64, 4000);
                long above = Math.clamp(HostCpu.MEMORY_SIZE - 64 - (fixedTarget - both.data()), 1, 4000);
                in.gpr[encoding.reg] = random.nextInt((int) -room * 8, (int) above * 8);
            }
            if (encoding.operandSize == 2) {
                in.gpr[encoding.reg] = (short) in.gpr[encoding.reg] & 0xFFFFL | random.nextLong() << 16;
            } else if (encoding.operandSize == 4) {
                in.gpr[encoding.reg] = in.gpr[encoding.reg] & 0xFFFF_FFFFL | random.nextLong() << 32;
            }
        }
        if (encoding.base >= 0) {
            long rest = target - encoding.displacement;
            if (encoding.index >= 0) {
                rest -= in.gpr[encoding.index] << encoding.scale;
            }
            in.gpr[encoding.base] = encoding.address32 ? rest & 0xFFFF_FFFFL | random.nextLong() << 32 : rest;
        }
        makeEqual(encoding, target);
    }

    private void implicitOperands(Encoding encoding) {
        TableRow row = encoding.row;
        if (row.has("rep")) {
            in.gpr[Cpu.RSI] = middle();
            in.gpr[Cpu.RDI] = random.nextBoolean() ? middle() : in.gpr[Cpu.RSI] + random.nextInt(-40, 40);
            in.gpr[Cpu.RCX] = random.nextInt(3) == 0 ? random.nextInt(4) : random.nextInt(350);
            if (encoding.address32) {
                for (int register : new int[] {Cpu.RSI, Cpu.RDI, Cpu.RCX}) {
                    in.gpr[register] |= random.nextLong() << 32;
                }
            }
            in.rflags |= random.nextBoolean() ? Bits.FLAG_DF : 0;
            if (random.nextBoolean()) {
                // equal elements, so that comparisons go on for a while
                Arrays.fill(both.before, 3000, 14_000, (byte) 7);
                both.before[random.nextInt(3000, 14_000)] = 9;
                in.gpr[Cpu.RAX] = random.nextBoolean() ? 0x0707_0707_0707_0707L : 9;
            }
        }
        if (row.has("d64") || row.mnemonic() == Mnemonic.PUSHA || row.mnemonic() == Mnemonic.POPA) {
            in.gpr[Cpu.RSP] = middle();
            in.gpr[Cpu.RBP] = middle();
        }
        if (row.mnemonic() == Mnemonic.XLAT) {
            in.gpr[Cpu.RBX] = middle();
        }
        if (row.mnemonic() == Mnemonic.DIV || row.mnemonic() == Mnemonic.IDIV) {
            dividend(encoding);
        }
    }

    /** Makes many quotients fit. */
    private void dividend(Encoding encoding) {
        int size = size(encoding);
        boolean signed = encoding.row.mnemonic() == Mnemonic.IDIV;
        switch (random.nextInt(4)) {
            case 0 -> in.gpr[Cpu.RDX] = 0;
            case 1 -> in.gpr[Cpu.RDX] = signed ? in.gpr[Cpu.RAX] << 64 - 8 * size >> 63 : 1;
            case 2 -> in.gpr[Cpu.RDX] = in.gpr[Cpu.RDX] >> random.nextInt(64);
            default -> {
                // as it is
            }
        }
        if (size == 1 && random.nextBoolean()) {
            in.gpr[Cpu.RAX] = signed ? (byte) in.gpr[Cpu.RAX] : in.gpr[Cpu.RAX] & 0x1FF;
        }
    }

    /** Makes half of the comparisons of CMPXCHG succeed. */
    private void makeEqual(Encoding encoding, long target) {
        if (!encoding.row.mnemonic().name().startsWith("CMPXCHG") || random.nextBoolean()) {
            return;
        }
        int offset = (int) (target - both.data());
        MemorySegment memory = both.memoryBefore;
        switch (encoding.row.mnemonic()) {
            case CMPXCHG8B -> {
                in.gpr[Cpu.RAX] = memory.get(JAVA_INT_UNALIGNED, offset);
                in.gpr[Cpu.RDX] = memory.get(JAVA_INT_UNALIGNED, offset + 4);
            }
            case CMPXCHG16B -> {
                in.gpr[Cpu.RAX] = memory.get(JAVA_LONG_UNALIGNED, offset);
                in.gpr[Cpu.RDX] = memory.get(JAVA_LONG_UNALIGNED, offset + 8);
            }
            default -> {
                long value = encoding.memory()
                        ? memory.get(JAVA_LONG_UNALIGNED, offset)
                        : size(encoding) == 1 && encoding.isHighByte(encoding.rm)
                                ? in.gpr[encoding.rm - 4] >> 8
                                : in.gpr[encoding.rm];
                int bits = 8 * size(encoding);
                in.gpr[Cpu.RAX] = bits == 64
                        ? value
                        : in.gpr[Cpu.RAX] >>> bits << bits | value & (1L << bits) - 1;
            }
        }
    }

    private static int size(Encoding encoding) {
        return encoding.row.operands().get(0).endsWith("b") ? 1 : encoding.operandSize;
    }

    private boolean predictsDivideError(Encoding encoding, long fixedTarget) {
        Mnemonic mnemonic = encoding.row.mnemonic();
        if (mnemonic == Mnemonic.AAM) {
            return (encoding.immediate & 0xFF) == 0;
        }
        if (mnemonic != Mnemonic.DIV && mnemonic != Mnemonic.IDIV) {
            return false;
        }
        int size = size(encoding);
        boolean signed = mnemonic == Mnemonic.IDIV;
        long raw;
        if (encoding.memory()) {
            long at = encoding.base >= 0 ? effectiveAddress(encoding) : fixedTarget;
            raw = both.memoryBefore.get(JAVA_LONG_UNALIGNED, at - both.data());
        } else {
            raw = size == 1 && encoding.isHighByte(encoding.rm)
                    ? in.gpr[encoding.rm - 4] >>> 8
                    : in.gpr[encoding.rm];
        }
        BigInteger divisor = integer(raw, 8 * size, signed);
        if (divisor.signum() == 0) {
            return true;
        }
        BigInteger dividend = size == 1
                ? integer(in.gpr[Cpu.RAX], 16, signed)
                : integer(in.gpr[Cpu.RDX], 8 * size, signed).shiftLeft(8 * size)
                        .add(integer(in.gpr[Cpu.RAX], 8 * size, false));
        BigInteger quotient = dividend.divide(divisor);
        return signed
                ? quotient.bitLength() > 8 * size - 1
                : quotient.bitLength() > 8 * size;
    }

    private long effectiveAddress(Encoding encoding) {
        long sum = in.gpr[encoding.base] + encoding.displacement
                + (encoding.index >= 0 ? in.gpr[encoding.index] << encoding.scale : 0);
        return encoding.address32 || !wide ? sum & 0xFFFF_FFFFL : sum;
    }

    private static BigInteger integer(long value, int bits, boolean signed) {
        long extended = signed ? value << 64 - bits >> 64 - bits : value << 64 - bits >>> 64 - bits;
        BigInteger result = BigInteger.valueOf(extended);
        return !signed && result.signum() < 0 ? result.add(BigInteger.ONE.shiftLeft(64)) : result;
    }

    /** The flags that SDM vol. 2 leaves undefined after an instruction. */
    private long undefinedFlags(Encoding encoding) {
        return switch (encoding.row.mnemonic()) {
            case AND, OR, XOR, TEST -> Bits.FLAG_AF;
            case SHL, SHR, SAR, ROL, ROR, RCL, RCR -> undefinedByShift(encoding);
            case SHLD, SHRD -> undefinedByDoubleShift(encoding);
            case MUL, IMUL -> Bits.ARITHMETIC_FLAGS & ~(Bits.FLAG_CF | Bits.FLAG_OF);
            case DIV, IDIV -> Bits.ARITHMETIC_FLAGS;
            case BT, BTS, BTR, BTC -> Bits.ARITHMETIC_FLAGS & ~(Bits.FLAG_CF | Bits.FLAG_ZF);
            case BSF, BSR -> Bits.ARITHMETIC_FLAGS & ~Bits.FLAG_ZF;
            case AAA, AAS -> Bits.ARITHMETIC_FLAGS & ~(Bits.FLAG_AF | Bits.FLAG_CF);
            case AAD, AAM -> Bits.FLAG_OF | Bits.FLAG_AF | Bits.FLAG_CF;
            case DAA, DAS -> Bits.FLAG_OF;
            default -> 0;
        };
    }

    private int count(Encoding encoding) {
        long raw = encoding.row.hasOperand("I1")
                ? 1
                : encoding.row.hasOperand("CL") ? in.gpr[Cpu.RCX] : encoding.immediate;
        return (int) raw & (size(encoding) == 8 ? 63 : 31);
    }

    private long undefinedByShift(Encoding encoding) {
        int count = count(encoding);
        if (count == 0) {
            return 0;
        }
        long undefined = count == 1 ? 0 : Bits.FLAG_OF;
        return switch (encoding.row.mnemonic()) {
            case SHL, SHR -> undefined | Bits.FLAG_AF | (count > 8 * size(encoding) ? Bits.FLAG_CF : 0);
            case SAR -> undefined | Bits.FLAG_AF;
            default -> undefined;
        };
    }

    private long undefinedByDoubleShift(Encoding encoding) {
        int count = count(encoding);
        if (count == 0) {
            return 0;
        }
        return count > 8 * size(encoding)
                ? Bits.ARITHMETIC_FLAGS
                : Bits.FLAG_AF | (count == 1 ? 0 : Bits.FLAG_OF);
    }
}
