package org.bundlevisor.cpu.core.backend;

import java.util.ArrayList;
import java.util.List;
import org.bundlevisor.cpu.CpuState;
import org.bundlevisor.cpu.CpuState.Activity;
import org.bundlevisor.cpu.CpuState.Control;
import org.bundlevisor.cpu.CpuState.DescriptorTable;
import org.bundlevisor.cpu.CpuState.Events;
import org.bundlevisor.cpu.CpuState.Segment;

/** A CPU state to be changed in some places. */
final class StateEditor {
    final List<Long> general;
    final List<Segment> segments;
    long rip;
    long rflags;
    DescriptorTable idtr;
    Control control;
    Events events;
    Activity activity;
    private final CpuState state;

    StateEditor(CpuState state) {
        this.state = state;
        general = new ArrayList<>(state.general());
        segments = new ArrayList<>(state.segments());
        rip = state.rip();
        rflags = state.rflags();
        idtr = state.idtr();
        control = state.control();
        events = state.events();
        activity = state.activity();
    }

    CpuState build() {
        return new CpuState(
                general,
                rip,
                rflags,
                segments,
                state.gdtr(),
                idtr,
                control,
                state.debug(),
                state.msrs(),
                state.xsave(),
                events,
                activity,
                state.timeStampCounter(),
                state.instructions());
    }
}
