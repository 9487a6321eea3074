package org.bundlevisor.cpu.amdv;

/**
 * What VMRUN's checks look at: the VMCB, and what the processor can do.
 *
 * @param physicalAddressBits width of a physical address
 * @param longMode whether the processor supports long mode
 * @param timeStampRatio the TSC_RATIO MSR, C000_0104H
 */
record EntryState(Vmcb vmcb, int physicalAddressBits, boolean longMode, long timeStampRatio) {
    static final long CR0_PE = 1;
    static final long CR0_NW = 1 << 29;
    static final long CR0_CD = 1 << 30;
    static final long CR0_PG = 1L << 31;
    static final long CR4_PAE = 1 << 5;
    static final long EFER_LME = 1 << 8;
    static final long EFER_LMA = 1 << 10;
    static final long EFER_SVME = 1 << 12;

    /** Bits L and D of a segment's attributes in a VMCB. */
    static final int ATTRIBUTE_L = 1 << 9;

    static final int ATTRIBUTE_D = 1 << 10;

    /** The ratio 1.0: 8 bits of integer from bit 32 on, 32 bits of fraction. */
    static final long RATIO_ONE = 1L << 32;

    long read(VmcbField field) {
        return vmcb.read(field);
    }

    boolean isZero(VmcbField field, long mask) {
        return (read(field) & mask) == 0;
    }

    boolean isSet(VmcbField field, long mask) {
        return (read(field) & mask) == mask;
    }

    boolean longModeEnabledAndPaging() {
        return isSet(VmcbField.EFER, EFER_LME) && isSet(VmcbField.CR0, CR0_PG);
    }

    /** Whether a permission map ends within the physical-address width; bits 11:0 of its address do not count. */
    boolean isMap(VmcbField base, long size) {
        long address = read(base) & ~0xfffL;
        return address >>> physicalAddressBits == 0 && address + size <= 1L << physicalAddressBits;
    }

    boolean injects() {
        return EventInformation.isValid(read(VmcbField.EVENTINJ));
    }

    int injectionType() {
        return EventInformation.type(read(VmcbField.EVENTINJ));
    }

    int injectionVector() {
        return EventInformation.vector(read(VmcbField.EVENTINJ));
    }

    /** Each of the eight bytes of a PAT must be a memory type: 0, 1, 4, 5, 6 or 7 (UC-). */
    static boolean isPat(long pat) {
        for (int shift = 0; shift < 64; shift += 8) {
            long type = pat >>> shift & 0xff;
            if (type > 7 || type == 2 || type == 3) {
                return false;
            }
        }
        return true;
    }
}
