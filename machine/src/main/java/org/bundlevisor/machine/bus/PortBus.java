package org.bundlevisor.machine.bus;

import java.util.List;
import org.bundlevisor.device.IoRegion;

/**
 * The I/O port bus: a table with one byte for each of the 65536 ports tells the register block. Ports without a device read
 * as all ones, and an access that a block does not hold as a whole is split into bytes.
 */
public final class PortBus {
    private static final int PORTS = 0x1_0000;
    private static final int MOST_REGIONS = 255;

    /** For each port the index of its block, 0 where there is none. */
    private final byte[] blocks = new byte[PORTS];

    private final IoRegion[] regions;
    private final int[] starts;
    private final int[] lengths;

    /** @throws IllegalArgumentException in one sentence, when blocks overlap or lie beyond the last port */
    public PortBus(List<Placement> placements) {
        if (placements.size() > MOST_REGIONS) {
            throw new IllegalArgumentException("the port bus takes at most " + MOST_REGIONS + " register blocks, not "
                    + placements.size());
        }
        regions = new IoRegion[placements.size() + 1];
        starts = new int[regions.length];
        lengths = new int[regions.length];
        for (int index = 1; index < regions.length; index++) {
            Placement placement = placements.get(index - 1);
            if (placement.address() < 0 || placement.last() >= PORTS) {
                throw new IllegalArgumentException("the ports " + placement.describe()
                        + " do not exist (expected 0x0 to 0xffff)");
            }
            regions[index] = placement.region();
            starts[index] = (int) placement.address();
            lengths[index] = (int) placement.region().length();
            for (int port = starts[index]; port <= placement.last(); port++) {
                if (blocks[port] != 0) {
                    throw new IllegalArgumentException("the ports " + placement.describe() + " overlap with "
                            + placements.get((blocks[port] & 0xff) - 1).describe() + ": move one of the two");
                }
                blocks[port] = (byte) index;
            }
        }
    }

    /**
     * Reads.
     *
     * @param size 1, 2 or 4
     */
    public int read(int port, int size) {
        int block = blocks[port & 0xffff] & 0xff;
        int offset = (port & 0xffff) - starts[block];
        if (offset + size <= lengths[block]) {
            return (int) (regions[block].read(offset, size) & ~0L >>> 64 - 8 * size);
        }
        return size == 1 ? 0xff : readBytes(port, size);
    }

    /** Writes; parameters as for {@link #read}. */
    public void write(int port, int size, int value) {
        int block = blocks[port & 0xffff] & 0xff;
        int offset = (port & 0xffff) - starts[block];
        if (offset + size <= lengths[block]) {
            regions[block].write(offset, size, value & ~0L >>> 64 - 8 * size);
        } else if (size > 1) {
            writeBytes(port, size, value);
        }
    }

    private int readBytes(int port, int size) {
        int value = 0;
        for (int index = 0; index < size; index++) {
            value |= (port + index < PORTS ? read(port + index, 1) : 0xff) << 8 * index;
        }
        return value;
    }

    private void writeBytes(int port, int size, int value) {
        for (int index = 0; index < size && port + index < PORTS; index++) {
            write(port + index, 1, value >>> 8 * index);
        }
    }
}
