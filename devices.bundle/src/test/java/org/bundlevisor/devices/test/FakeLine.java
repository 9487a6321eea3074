package org.bundlevisor.devices.test;

import org.bundlevisor.device.InterruptLine;

/** A wire that counts its edges. */
public final class FakeLine implements InterruptLine {
    private boolean level;
    private int rises;
    private int falls;

    @Override
    public void set(boolean asserted) {
        if (asserted && !level) {
            rises++;
        }
        if (!asserted && level) {
            falls++;
        }
        level = asserted;
    }

    public boolean level() {
        return level;
    }

    /** How often the line has gone from low to high. */
    public int rises() {
        return rises;
    }

    /** How often the line has gone from high to low. */
    public int falls() {
        return falls;
    }
}
