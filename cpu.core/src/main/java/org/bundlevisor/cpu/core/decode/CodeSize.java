package org.bundlevisor.cpu.core.decode;

/** What the code segment says of its code: the default sizes, and whether it is 64-bit code (CS.L). */
public enum CodeSize {
    /** Real mode, virtual-8086 mode and 16-bit segments: operands and addresses of 16 bits. */
    BITS_16(2),
    /** 32-bit segments: operands and addresses of 32 bits. */
    BITS_32(4),
    /** 64-bit mode: operands of 32 bits, addresses of 64, and REX prefixes. */
    BITS_64(8);

    /** Bytes of an address without a prefix 67: 2, 4 or 8. */
    public final int addressSize;

    CodeSize(int addressSize) {
        this.addressSize = addressSize;
    }
}
