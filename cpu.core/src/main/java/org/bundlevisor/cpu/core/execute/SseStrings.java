package org.bundlevisor.cpu.core.execute;

import org.bundlevisor.cpu.core.decode.Instruction;
import org.bundlevisor.cpu.core.decode.Mnemonic;

/** The string comparisons of SSE4.2 and its CRC32. SDM vol. 1, 12.10 and vol. 2B, 4.1. */
final class SseStrings {
    // the immediate's fields
    private static final int WORDS = 1;
    private static final int SIGNED = 2;
    private static final int NEGATIVE = 1 << 4;
    private static final int MASKED = 1 << 5;
    private static final int LAST_INDEX_OR_WIDE_MASK = 1 << 6;

    private SseStrings() {}

    static void register(HandlerTable table) {
        table.add(Mnemonic.PCMPESTRI, Sse.unalignedBinder((cpu, in, low, high) -> index(cpu, in, low, high, true)));
        table.add(Mnemonic.PCMPISTRI, Sse.unalignedBinder((cpu, in, low, high) -> index(cpu, in, low, high, false)));
        table.add(Mnemonic.PCMPESTRM, Sse.unalignedBinder((cpu, in, low, high) -> mask(cpu, in, low, high, true)));
        table.add(Mnemonic.PCMPISTRM, Sse.unalignedBinder((cpu, in, low, high) -> mask(cpu, in, low, high, false)));
        table.addOne(Mnemonic.CRC32, SseStrings::crc32);
    }

    private static void index(Cpu cpu, Instruction in, long low, long high, boolean explicit) {
        int result = compare(cpu, in, low, high, explicit);
        int elements = (in.immediate & WORDS) != 0 ? 8 : 16;
        if (result == 0) {
            cpu.gpr[Cpu.RCX] = elements;
        } else if ((in.immediate & LAST_INDEX_OR_WIDE_MASK) != 0) {
            cpu.gpr[Cpu.RCX] = 31 - Integer.numberOfLeadingZeros(result);
        } else {
            cpu.gpr[Cpu.RCX] = Integer.numberOfTrailingZeros(result);
        }
    }

    private static void mask(Cpu cpu, Instruction in, long low, long high, boolean explicit) {
        int result = compare(cpu, in, low, high, explicit);
        if ((in.immediate & LAST_INDEX_OR_WIDE_MASK) == 0) {
            Sse.set(cpu, 0, result, 0);
            return;
        }
        boolean words = (in.immediate & WORDS) != 0;
        int perHalf = words ? 4 : 8;
        Sse.set(cpu, 0, widen(result, perHalf), widen(result >> perHalf, perHalf));
    }

    private static long widen(int bits, int elements) {
        int width = 64 / elements;
        long ones = (1L << width) - 1;
        long wide = 0;
        for (int i = 0; i < elements; i++) {
            if ((bits >> i & 1) != 0) {
                wide |= ones << i * width;
            }
        }
        return wide;
    }

    /** Compares, sets the flags and returns IntRes2. */
    private static int compare(Cpu cpu, Instruction in, long low, long high, boolean explicit) {
        int control = (int) in.immediate;
        boolean words = (control & WORDS) != 0;
        int elements = words ? 8 : 16;
        long firstLow = cpu.xmm[in.reg << 1];
        long firstHigh = cpu.xmm[(in.reg << 1) + 1];
        int firstLength;
        int secondLength;
        if (explicit) {
            boolean wide = in.operandSize == 8;
            firstLength = saturate(wide ? cpu.gpr[Cpu.RAX] : (int) cpu.gpr[Cpu.RAX], elements);
            secondLength = saturate(wide ? cpu.gpr[Cpu.RDX] : (int) cpu.gpr[Cpu.RDX], elements);
        } else {
            firstLength = implicitLength(firstLow, firstHigh, words);
            secondLength = implicitLength(low, high, words);
        }
        int first = switch (control >> 2 & 3) {
            case 0 -> equalAny(firstLow, firstHigh, firstLength, low, high, secondLength, words);
            case 1 -> ranges(firstLow, firstHigh, firstLength, low, high, secondLength, control);
            case 2 -> equalEach(firstLow, firstHigh, firstLength, low, high, secondLength, words);
            default -> equalOrdered(firstLow, firstHigh, firstLength, low, high, secondLength, words);
        };
        int all = (1 << elements) - 1;
        int result = first;
        if ((control & NEGATIVE) != 0) {
            result ^= (control & MASKED) != 0 ? (1 << secondLength) - 1 : all;
        }
        cpu.setArithmeticFlags((result != 0 ? Bits.FLAG_CF : 0)
                | (secondLength < elements ? Bits.FLAG_ZF : 0)
                | (firstLength < elements ? Bits.FLAG_SF : 0)
                | ((result & 1) != 0 ? Bits.FLAG_OF : 0));
        return result;
    }

    private static int saturate(long length, int elements) {
        return length == Long.MIN_VALUE ? elements : (int) Math.min(Math.abs(length), elements);
    }

    private static int implicitLength(long low, long high, boolean words) {
        int elements = words ? 8 : 16;
        for (int i = 0; i < elements; i++) {
            if (element(low, high, i, words) == 0) {
                return i;
            }
        }
        return elements;
    }

    private static int element(long low, long high, int i, boolean words) {
        if (words) {
            return (int) ((i < 4 ? low : high) >>> 16 * (i & 3)) & 0xFFFF;
        }
        return (int) ((i < 8 ? low : high) >>> 8 * (i & 7)) & 0xFF;
    }

    private static int signed(int value, boolean words) {
        return words ? (short) value : (byte) value;
    }

    /** Which elements of the second operand are one of the first. */
    private static int equalAny(long aLow, long aHigh, int aLength, long bLow, long bHigh, int bLength, boolean words) {
        int result = 0;
        for (int j = 0; j < bLength; j++) {
            int wanted = element(bLow, bHigh, j, words);
            for (int i = 0; i < aLength; i++) {
                if (element(aLow, aHigh, i, words) == wanted) {
                    result |= 1 << j;
                    break;
                }
            }
        }
        return result;
    }

    /** Which elements of the second operand lie in a range of the first, a pair of elements each. */
    private static int ranges(long aLow, long aHigh, int aLength, long bLow, long bHigh, int bLength, int control) {
        boolean words = (control & WORDS) != 0;
        boolean signed = (control & SIGNED) != 0;
        int result = 0;
        for (int j = 0; j < bLength; j++) {
            int value = element(bLow, bHigh, j, words);
            for (int i = 0; i + 1 < aLength; i += 2) {
                int least = element(aLow, aHigh, i, words);
                int most = element(aLow, aHigh, i + 1, words);
                boolean inside = signed
                        ? signed(value, words) >= signed(least, words) && signed(value, words) <= signed(most, words)
                        : value >= least && value <= most;
                if (inside) {
                    result |= 1 << j;
                    break;
                }
            }
        }
        return result;
    }

    /** Which elements are equal; two that lie behind both ends are. */
    private static int equalEach(long aLow, long aHigh, int aLength, long bLow, long bHigh, int bLength,
            boolean words) {
        int elements = words ? 8 : 16;
        int result = 0;
        for (int i = 0; i < elements; i++) {
            boolean equal = i < aLength && i < bLength
                    ? element(aLow, aHigh, i, words) == element(bLow, bHigh, i, words)
                    : i >= aLength && i >= bLength;
            if (equal) {
                result |= 1 << i;
            }
        }
        return result;
    }

    /** Where in the second operand the first one begins, as far as can be seen. */
    private static int equalOrdered(long aLow, long aHigh, int aLength, long bLow, long bHigh, int bLength,
            boolean words) {
        int elements = words ? 8 : 16;
        int result = 0;
        for (int j = 0; j < elements; j++) {
            boolean equal = true;
            for (int i = 0; i < aLength && j + i < elements; i++) {
                if (j + i >= bLength || element(aLow, aHigh, i, words) != element(bLow, bHigh, j + i, words)) {
                    equal = false;
                    break;
                }
            }
            if (equal) {
                result |= 1 << j;
            }
        }
        return result;
    }

    /** CRC32 with the polynomial 11EDC6F41H, bit-reflected, of 1 to 8 bytes. */
    private static void crc32(Cpu cpu, Instruction in) {
        int size = in.size(1);
        long data = in.memory
                ? cpu.read(cpu.address(in, size, false), size)
                : in.rm >= Instruction.AH ? cpu.gpr[in.rm - Instruction.AH] >>> 8 : cpu.gpr[in.rm];
        int crc = (int) cpu.gpr[in.reg];
        for (int i = 0; i < size; i++) {
            crc ^= (int) (data >>> 8 * i) & 0xFF;
            for (int bit = 0; bit < 8; bit++) {
                crc = crc >>> 1 ^ (0x82F6_3B78 & -(crc & 1));
            }
        }
        cpu.gpr[in.reg] = crc & 0xFFFF_FFFFL;
    }
}
