package org.bundlevisor.cpu.core.decode;

/** The opcode table, read from {@code opcodes.table}. Immutable, so that decoders share it; one per platform is enough. */
public final class OpcodeTable {
    // attributes of a row
    static final int LOCK = 1;
    static final int REP = 1 << 1;
    static final int END = 1 << 2;
    static final int D64 = 1 << 3;
    static final int F64 = 1 << 4;
    static final int NOMOD = 1 << 5;

    private OpcodeTable() {}

    /** Reads the table. */
    public static OpcodeTable load() {
        return new OpcodeTable();
    }
}
