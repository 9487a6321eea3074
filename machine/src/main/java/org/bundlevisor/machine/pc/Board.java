package org.bundlevisor.machine.pc;

import java.util.List;
import org.bundlevisor.cpu.CpuModel;
import org.bundlevisor.machine.memory.MemoryMap;
import org.bundlevisor.machine.pc.Slot.Destination.Global;
import org.bundlevisor.machine.pc.Slot.Destination.Isa;
import org.bundlevisor.machine.pc.Slot.Destination.LocalPins;
import org.bundlevisor.machine.pc.Slot.Destination.Through;

/**
 * What a machine consists of beside vCPUs and RAM. The devices are made in this order, so that the 8259 pair is there when
 * the local APICs ask for it.
 */
record Board(List<Slot> slots) {
    Board {
        slots = List.copyOf(slots);
    }

    /**
     * The PC: addresses and lines as every one of them has had them since the IBM AT, and where software looks for them
     * without being told. HPET stands between the old timers and their interrupts, which it takes over in its legacy
     * replacement mode.
     */
    static Board pc(MemoryMap memory, CpuModel model) {
        long below = memory.lowEnd();
        return new Board(List.of(
                Slot.of("pic8259", "pic")
                        .port(0x20, "master")
                        .port(0xa0, "slave")
                        .port(0x4d0, "elcr")
                        .line("intr", new LocalPins(0)),
                Slot.of("ioapic", "ioapic")
                        .memory(0xfec0_0000L, "registers"),
                Slot.of("apic", "apic")
                        .property("tscFrequency", model.timeStampFrequency())
                        .property("timerFrequency", crystalFrequency(model))
                        .property("physicalAddressBits", model.physicalAddressBits())
                        .memory(0xfee0_0000L, "registers"),
                highPrecisionTimer(),
                Slot.of("pit8254", "pit")
                        .port(0x40, "counters")
                        .port(0x61, "speaker")
                        .line("irq", new Through("hpet", 0, 0)),
                Slot.of("rtc146818", "rtc")
                        .property("memory.below4g", below)
                        .property("memory.above4g", memory.size() - below)
                        .port(0x70, "registers")
                        .line("irq", new Through("hpet", 1, 8)),
                Slot.of("i8042", "keyboard")
                        .port(0x60, "data")
                        .port(0x64, "command")
                        .port(0x92, "port92")
                        .line("irq1", new Isa(1))
                        .line("irq12", new Isa(12)),
                Slot.of("serial16550", "com1")
                        .port(0x3f8, "registers")
                        .line("irq", new Isa(4))
                        .console(),
                Slot.of("acpi-pm", "acpi-pm")
                        .port(0x600, "pm1-event")
                        .port(0x604, "pm1-control")
                        .port(0x608, "pm-timer")
                        .port(0x620, "gpe0")
                        .port(0xcf9, "reset")
                        .line("sci", new Isa(9)),
                Slot.of("acpi-tables", "acpi-tables"),
                Slot.of("post-code", "post-code")
                        .port(0x80, "registers"),
                Slot.of("debug-exit", "debug-exit")
                        .port(0xf4, "registers")));
    }

    /** HPET, whose comparators may use the inputs of the I/O APIC that no ISA interrupt does. */
    private static Slot highPrecisionTimer() {
        Slot slot = Slot.of("hpet", "hpet")
                .memory(0xfed0_0000L, "registers")
                .line("irq0", new Isa(0))
                .line("irq8", new Isa(8));
        for (int input = 16; input < 24; input++) {
            slot = slot.line("gsi" + input, new Global(input));
        }
        return slot;
    }

    /** What CPUID leaf 15H says that the local APIC's timer counts. */
    private static long crystalFrequency(CpuModel model) {
        return model.leaf(0x15, 0).ecx() & 0xffff_ffffL;
    }
}
