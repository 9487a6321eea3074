package org.bundlevisor.devices.legacy;

import java.util.List;
import org.bundlevisor.device.Device;
import org.bundlevisor.device.IoRegion;
import org.bundlevisor.device.PortIo;
import org.bundlevisor.device.Snapshot;
import org.bundlevisor.devices.Region;
import org.bundlevisor.state.SavedState;

/**
 * The port where firmware shows how far its power-on self test has come, and which kernels write to for a short delay.
 * It keeps the last value.
 */
final class PostCode implements Device, PortIo, Snapshot {
    private final List<IoRegion> regions = List
            .of(Region.ofBytes("registers", 1, offset -> value(), (offset, value) -> set(value)));

    /** No monitor: each access is one read or one write. */
    private volatile int code;

    private int value() {
        return code;
    }

    private void set(int value) {
        code = value;
    }

    @Override
    public List<IoRegion> portRegions() {
        return regions;
    }

    @Override
    public void reset() {
        code = 0;
    }

    @Override
    public SavedState save() {
        return SavedState.version(1).put("code", code).build();
    }

    @Override
    public void restore(SavedState state) {
        code = (int) state.number("code", 0) & 0xFF;
    }
}
