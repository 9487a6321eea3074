package org.bundlevisor.cpu;

import java.util.Arrays;
import java.util.HexFormat;

/**
 * An XSAVE area in its standard form, SDM vol. 1, 13.4: 512 bytes of x87 and SSE state as FXSAVE64 writes them, and the
 * 64-byte header. Immutable.
 */
public final class XsaveArea {
    /** Bytes in the area: legacy region and header. */
    public static final int SIZE = 576;

    private final byte[] bytes;

    /** @param bytes {@link #SIZE} of them, copied */
    public XsaveArea(byte[] bytes) {
        if (bytes.length != SIZE) {
            throw new IllegalArgumentException("an XSAVE area has " + SIZE + " bytes, not " + bytes.length);
        }
        this.bytes = bytes.clone();
    }

    /** A copy of the area. */
    public byte[] bytes() {
        return bytes.clone();
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof XsaveArea that && Arrays.equals(bytes, that.bytes);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(bytes);
    }

    @Override
    public String toString() {
        return "XsaveArea[" + HexFormat.of().formatHex(bytes) + "]";
    }
}
