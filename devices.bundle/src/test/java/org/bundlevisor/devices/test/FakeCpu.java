package org.bundlevisor.devices.test;

import java.util.ArrayList;
import java.util.List;
import org.bundlevisor.device.CpuSignals;

/** The wires of a vCPU: the level of INTR, and a list of what else came, for example {@code NMI} or {@code SIPI 8}. */
public final class FakeCpu implements CpuSignals {
    private final List<String> events = new ArrayList<>();
    private boolean requested;

    @Override
    public void interruptRequest(boolean asserted) {
        requested = asserted;
    }

    @Override
    public void nonMaskableInterrupt() {
        events.add("NMI");
    }

    @Override
    public void init() {
        events.add("INIT");
    }

    @Override
    public void startUp(int vector) {
        events.add("SIPI " + vector);
    }

    /** The level of INTR. */
    public boolean requested() {
        return requested;
    }

    /** NMI, INIT and SIPI in the order in which they came. */
    public List<String> events() {
        return events;
    }
}
