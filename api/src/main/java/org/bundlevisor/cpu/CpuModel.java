package org.bundlevisor.cpu;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What the guest's CPUs are: it belongs to the virtual machine and stays the same whichever backend executes it.
 *
 * @param name as the user writes it, for example {@code x86-64-v2}
 * @param vendor twelve characters, for example {@code GenuineIntel}
 * @param leaves CPUID's answers, except for what depends on the vCPU's number or on its state (initial APIC ID, OSXSAVE,
 *     the sizes in leaf 0DH), which the backend fills in
 * @param featureMsrs read-only model-specific registers that describe features, by index
 * @param physicalAddressBits MAXPHYADDR, 36 to 48
 * @param timeStampFrequency of the TSC, in Hz
 */
public record CpuModel(
        String name,
        String vendor,
        List<Leaf> leaves,
        Map<Integer, Long> featureMsrs,
        int physicalAddressBits,
        long timeStampFrequency) {
    public CpuModel {
        leaves = List.copyOf(leaves);
        featureMsrs = Map.copyOf(featureMsrs);
        if (vendor.length() != 12) {
            throw new IllegalArgumentException(
                    "vendor \"" + vendor + "\" has not the twelve characters of CPUID leaf 0");
        }
    }

    /**
     * One row of CPUID's table.
     *
     * @param leaf EAX on input
     * @param subleaf ECX on input, or {@link #ANY_SUBLEAF}
     */
    public record Leaf(int leaf, int subleaf, int eax, int ebx, int ecx, int edx) {
        /** The row answers for every value of ECX. */
        public static final int ANY_SUBLEAF = -1;
    }

    /**
     * The row that answers for EAX and ECX; a leaf or subleaf that is not in the table reads as zeroes, a leaf above the
     * highest basic one as the highest basic one, as Intel's processors do.
     */
    public Leaf leaf(int leaf, int subleaf) {
        Leaf found = find(leaf, subleaf);
        if (found != null) {
            return found;
        }
        int highest = highest(leaf < 0 ? 0x8000_0000 : 0);
        boolean outOfRange = Integer.compareUnsigned(leaf, highest) > 0;
        Leaf last = outOfRange ? find(highest(0), subleaf) : null;
        return last != null ? last : new Leaf(leaf, subleaf, 0, 0, 0, 0);
    }

    /** Whether a bit of a leaf's register is set; registers are numbered EAX 0, EBX 1, ECX 2, EDX 3. */
    public boolean feature(int leaf, int subleaf, int register, int bit) {
        Leaf row = find(leaf, subleaf);
        if (row == null) {
            return false;
        }
        int value = switch (register) {
            case 0 -> row.eax();
            case 1 -> row.ebx();
            case 2 -> row.ecx();
            case 3 -> row.edx();
            default -> throw new IllegalArgumentException("CPUID has no register " + register);
        };
        return (value >>> bit & 1) != 0;
    }

    private int highest(int range) {
        Leaf row = find(range, 0);
        return row == null ? range : row.eax();
    }

    private @Nullable Leaf find(int leaf, int subleaf) {
        for (Leaf row : leaves) {
            if (row.leaf() == leaf && (row.subleaf() == Leaf.ANY_SUBLEAF || row.subleaf() == subleaf)) {
                return row;
            }
        }
        return null;
    }
}
