package org.bundlevisor.devices.interrupt;

/** A set of vectors, 0 to 255: IRR, ISR or TMR. */
final class VectorSet {
    private final long[] words = new long[4];

    void add(int vector) {
        words[vector >>> 6] |= 1L << vector;
    }

    void remove(int vector) {
        words[vector >>> 6] &= ~(1L << vector);
    }

    boolean contains(int vector) {
        return (words[vector >>> 6] >>> vector & 1) != 0;
    }

    /** The highest vector, or -1 when there is none. */
    int highest() {
        for (int i = words.length - 1; i >= 0; i--) {
            if (words[i] != 0) {
                return 64 * i + 63 - Long.numberOfLeadingZeros(words[i]);
            }
        }
        return -1;
    }

    /** Vectors 32 × index and up as a register shows them. */
    int register(int index) {
        return (int) (words[index >>> 1] >>> 32 * (index & 1));
    }

    void clear() {
        for (int i = 0; i < words.length; i++) {
            words[i] = 0;
        }
    }

    /** One bit for each vector, lowest first: 32 bytes. */
    byte[] toBytes() {
        byte[] bytes = new byte[32];
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = (byte) (words[i >>> 3] >>> 8 * (i & 7));
        }
        return bytes;
    }

    void set(byte[] bytes) {
        clear();
        for (int i = 0; i < Math.min(bytes.length, 32); i++) {
            words[i >>> 3] |= (bytes[i] & 0xFFL) << 8 * (i & 7);
        }
    }
}
