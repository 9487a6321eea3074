package org.bundlevisor.machine.memory;

import java.io.IOException;
import org.bundlevisor.memory.HostMemory;

/** Host memory for tests of other packages; the process's end gives it back. */
public final class ReservedMemories {
    private ReservedMemories() {}

    /** Host memory with room for a machine of a size and for its tables. */
    public static HostMemory of(long size) throws IOException {
        return new ReservedHostMemory(2 * size + (16L << 20));
    }
}
