package org.bundlevisor.cpu.core.decode;

import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/** Decodes instructions. A vCPU has its own: not safe for use by more than one thread. Allocates nothing but the instruction. */
public final class Decoder {
    private final OpcodeTable table;

    public Decoder(OpcodeTable table) {
        this.table = table;
    }

    /**
     * Decodes the instruction that starts at {@code start}.
     *
     * @param bytes where the code is
     * @param start offset of the first byte
     * @param limit offset behind the last byte that may be read
     * @param code what the code segment says of the code
     * @param offset what {@link Instruction#offset} is to be
     * @return the instruction, {@link Mnemonic#INVALID} or {@link Mnemonic#TOO_LONG}; null if it runs beyond {@code limit}
     */
    public @Nullable Instruction decode(byte[] bytes, int start, int limit, CodeSize code, int offset) {
        throw new UnsupportedOperationException(table.toString());
    }

    /** As {@link #decode(byte[], int, int, CodeSize, int)}, from a segment. */
    public @Nullable Instruction decode(MemorySegment bytes, long start, long limit, CodeSize code, int offset) {
        throw new UnsupportedOperationException(table.toString());
    }
}
