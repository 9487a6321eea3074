package org.bundlevisor.cpu.core.execute;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.bundlevisor.cpu.CpuState;
import org.bundlevisor.cpu.CpuState.Control;
import org.bundlevisor.cpu.CpuState.DescriptorTable;
import org.bundlevisor.cpu.CpuState.Events;
import org.bundlevisor.cpu.CpuState.Segment;
import org.bundlevisor.cpu.core.Registers;

/** Turns the live state into the neutral records that swaps and snapshots carry, and back. */
final class SavedCpu {
    private static final int[] DEBUG_NUMBERS = {0, 1, 2, 3, 6, 7};

    private final Cpu cpu;
    private final Registers registers;

    SavedCpu(Cpu cpu, Registers registers) {
        this.cpu = cpu;
        this.registers = registers;
    }

    CpuState save() {
        List<Long> general = new ArrayList<>();
        for (int number = 0; number < 16; number++) {
            general.add(cpu.gpr[number]);
        }
        List<Segment> segments = new ArrayList<>();
        for (int segment = Cpu.ES; segment <= Cpu.TR; segment++) {
            segments.add(new Segment(
                    cpu.selector[segment],
                    cpu.segmentBase[segment],
                    cpu.segmentLimit[segment],
                    cpu.segmentAttributes[segment]));
        }
        List<Long> debug = new ArrayList<>();
        for (int number : DEBUG_NUMBERS) {
            debug.add(cpu.dr[number]);
        }
        Map<Integer, Long> msrs = new TreeMap<>();
        cpu.msrs.save(msrs);
        boolean initPending = (cpu.signals.flags() & Signals.INIT) != 0;
        boolean nmiPending = (cpu.signals.flags() & Signals.NMI) != 0;
        return new CpuState(
                general,
                cpu.rip,
                cpu.rflags(),
                segments,
                new DescriptorTable(cpu.gdtrBase, cpu.gdtrLimit),
                new DescriptorTable(cpu.idtrBase, cpu.idtrLimit),
                new Control(cpu.cr0, cpu.cr2, cpu.cr3, cpu.cr4, cpu.efer, cpu.xcr0),
                debug,
                msrs,
                ExtendedState.save(cpu),
                new Events(
                        cpu.injection,
                        registers.shadow(),
                        cpu.pendingDebug,
                        nmiPending,
                        cpu.nmiBlocked,
                        initPending),
                registers.activity(),
                cpu.timeStampCounter(),
                cpu.instructions);
    }

    /** @throws IllegalArgumentException in one sentence, when the state is not one of this CPU model; nothing has changed then */
    void restore(CpuState state) {
        for (int index : state.msrs().keySet()) {
            if (!cpu.msrs.holds(index)) {
                throw new IllegalArgumentException(
                        "the state holds MSR 0x%x, which the CPU model %s has not".formatted(index, cpu.model.name()));
            }
        }
        long cr0 = state.control().cr0();
        if ((cr0 & Bits.CR0_PG) != 0 && (cr0 & Bits.CR0_PE) == 0) {
            // APM vol. 2, 15.19: AMD-V alone would enter paged real mode, and no guest can set it by itself
            throw new IllegalArgumentException(
                    "the state's CR0, 0x%x, enables paging without protected mode".formatted(cr0));
        }
        for (int number = 0; number < 16; number++) {
            cpu.gpr[number] = state.general().get(number);
        }
        cpu.rip = state.rip();
        for (int segment = Cpu.ES; segment <= Cpu.TR; segment++) {
            Segment saved = state.segments().get(segment);
            cpu.selector[segment] = saved.selector();
            cpu.segmentBase[segment] = saved.base();
            cpu.segmentLimit[segment] = saved.limit();
            cpu.segmentAttributes[segment] = saved.attributes();
        }
        cpu.gdtrBase = state.gdtr().base();
        cpu.gdtrLimit = state.gdtr().limit();
        cpu.idtrBase = state.idtr().base();
        cpu.idtrLimit = state.idtr().limit();
        restoreControl(state.control(), state.rflags());
        for (int i = 0; i < DEBUG_NUMBERS.length; i++) {
            cpu.dr[DEBUG_NUMBERS[i]] = state.debug().get(i);
        }
        cpu.msrs.restore(state.msrs());
        ExtendedState.restore(cpu, state.xsave());
        cpu.timeStampOffset = state.timeStampCounter() - cpu.host.timeStampCounter(cpu.index);
        cpu.instructions = state.instructions();
        restoreEvents(state);
        cpu.modeChanged();
        cpu.traces.flush();
        cpu.flushTlb();
        Breakpoints.changed(cpu);
    }

    private void restoreControl(Control control, long rflags) {
        cpu.cr0 = control.cr0();
        cpu.cr2 = control.cr2();
        cpu.cr3 = control.cr3();
        cpu.cr4 = control.cr4();
        cpu.efer = control.efer();
        cpu.xcr0 = control.xcr0();
        boolean realMode = (cpu.cr0 & Bits.CR0_PE) == 0;
        boolean virtual8086 = (rflags & Bits.FLAG_VM) != 0;
        cpu.cpl = realMode ? 0 : virtual8086 ? 3 : cpu.segmentAttributes[Cpu.SS] >>> 5 & 3;
    }

    private void restoreEvents(CpuState state) {
        Events events = state.events();
        cpu.pending = 0;
        cpu.setRflags(state.rflags());
        cpu.inject(events.injection());
        registers.setShadow(events.shadow());
        registers.setPendingDebug(events.pendingDebug());
        registers.setNmiBlocked(events.nmiBlocked());
        registers.setActivity(state.activity());
        cpu.interceptsChanged();
        if (events.nmiPending()) {
            cpu.signals.raise(Signals.NMI);
        }
        if (events.initPending()) {
            cpu.signals.raise(Signals.INIT);
        }
        if (cpu.paePaging() && !loadPointers()) {
            throw new IllegalArgumentException(
                    "the state's CR3, 0x%x, leads to no page-directory-pointer table for PAE paging"
                            .formatted(cpu.cr3));
        }
    }

    private boolean loadPointers() {
        try {
            return cpu.paging.loadPointers(cpu.cr3);
        } catch (ExitSignal refused) {
            return false;
        }
    }
}
