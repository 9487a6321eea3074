package org.bundlevisor.devices.legacy;

import java.util.List;
import org.bundlevisor.device.Device;
import org.bundlevisor.device.IoRegion;
import org.bundlevisor.device.MachineControl;
import org.bundlevisor.device.PortIo;
import org.bundlevisor.device.Snapshot;
import org.bundlevisor.state.SavedState;

/**
 * A port that ends the run with a status of the guest's choice: a value v becomes (v &lt;&lt; 1) | 1, which is never 0, so
 * that a wild write is not taken for success. It has no state.
 */
final class DebugExit implements Device, PortIo, Snapshot {
    private final List<IoRegion> regions;

    DebugExit(MachineControl machine) {
        this.regions = List.of(new ExitRegion(machine));
    }

    @Override
    public List<IoRegion> portRegions() {
        return regions;
    }

    @Override
    public void reset() {}

    @Override
    public SavedState save() {
        return SavedState.EMPTY;
    }

    @Override
    public void restore(SavedState state) {}

    /** Four ports: tests use accesses of one, two and four bytes. */
    private record ExitRegion(MachineControl machine) implements IoRegion {
        @Override
        public String name() {
            return "registers";
        }

        @Override
        public long length() {
            return 4;
        }

        @Override
        public long read(long offset, int size) {
            return 0;
        }

        @Override
        public void write(long offset, int size, long value) {
            machine.exit(((int) value << 1 | 1) & 0xFF);
        }
    }
}
