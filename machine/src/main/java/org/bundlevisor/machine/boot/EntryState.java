package org.bundlevisor.machine.boot;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.bundlevisor.cpu.CpuState;
import org.bundlevisor.cpu.CpuState.Control;
import org.bundlevisor.cpu.CpuState.DescriptorTable;
import org.bundlevisor.cpu.CpuState.Segment;
import org.bundlevisor.machine.memory.GuestRam;

/**
 * Puts a vCPU from its power-up state into the state that a boot loader leaves it in: flat segments, a GDT in guest memory
 * that holds them, and for 64-bit entry page tables that map the first 4 GiB onto themselves.
 */
final class EntryState {
    private static final int RAX = 0;
    private static final int RBX = 3;
    private static final int RSI = 6;

    private static final int CODE_SELECTOR = 0x10;
    private static final int DATA_SELECTOR = 0x18;

    private static final long DESCRIPTOR_CODE_32 = 0x00cf_9b00_0000_ffffL;
    private static final long DESCRIPTOR_CODE_64 = 0x00af_9b00_0000_ffffL;
    private static final long DESCRIPTOR_DATA = 0x00cf_9300_0000_ffffL;

    private static final int ATTRIBUTES_CODE_32 = 0xc09b;
    private static final int ATTRIBUTES_CODE_64 = 0xa09b;
    private static final int ATTRIBUTES_DATA = 0xc093;

    private static final long CR0_PE = 1;
    private static final long CR0_ET = 1 << 4;
    private static final long CR0_NE = 1 << 5;
    private static final long CR0_PG = 1L << 31;
    private static final long CR4_PAE = 1 << 5;
    private static final long EFER_LME_LMA = 0x500;

    private static final int IA32_MTRR_DEF_TYPE = 0x2ff;
    private static final long MTRR_ENABLED = 1 << 11;
    private static final long WRITE_BACK = 6;

    private static final long ENTRY_PRESENT_WRITABLE = 3;
    private static final long ENTRY_LARGE_PAGE = 0x80;
    private static final long LARGE_PAGE = 2L << 20;
    private static final int ENTRIES = 512;
    private static final int IDENTITY_GIBIBYTES = 4;

    private final List<Long> general = new ArrayList<>(Collections.nCopies(16, 0L));
    private final long entry;
    private final boolean longMode;
    private final DescriptorTable gdtr;
    private final long pageTables;

    private EntryState(long entry, boolean longMode, DescriptorTable gdtr, long pageTables) {
        this.entry = entry;
        this.longMode = longMode;
        this.gdtr = gdtr;
        this.pageTables = pageTables;
    }

    /** 32-bit protected mode without paging. @param gdt where the GDT goes: 32 bytes */
    static EntryState protectedMode(GuestRam ram, long entry, long gdt) {
        return new EntryState(entry, false, descriptors(ram, gdt, DESCRIPTOR_CODE_32), 0);
    }

    /** 64-bit mode. @param pageTables where six pages of page tables go */
    static EntryState longMode(GuestRam ram, long entry, long gdt, long pageTables) {
        long directories = pageTables + 2 * 4096;
        ram.clear(pageTables, 6 * 4096);
        ram.putLong(pageTables, pageTables + 4096 | ENTRY_PRESENT_WRITABLE);
        for (int gibibyte = 0; gibibyte < IDENTITY_GIBIBYTES; gibibyte++) {
            ram.putLong(
                    pageTables + 4096 + 8 * gibibyte, directories + 4096L * gibibyte | ENTRY_PRESENT_WRITABLE);
        }
        for (int index = 0; index < IDENTITY_GIBIBYTES * ENTRIES; index++) {
            ram.putLong(
                    directories + 8L * index, LARGE_PAGE * index | ENTRY_PRESENT_WRITABLE | ENTRY_LARGE_PAGE);
        }
        return new EntryState(entry, true, descriptors(ram, gdt, DESCRIPTOR_CODE_64), pageTables);
    }

    private static DescriptorTable descriptors(GuestRam ram, long gdt, long code) {
        ram.clear(gdt, 16);
        ram.putLong(gdt + CODE_SELECTOR, code);
        ram.putLong(gdt + DATA_SELECTOR, DESCRIPTOR_DATA);
        return new DescriptorTable(gdt, 4 * 8 - 1);
    }

    EntryState rax(long value) {
        general.set(RAX, value);
        return this;
    }

    EntryState rbx(long value) {
        general.set(RBX, value);
        return this;
    }

    EntryState rsi(long value) {
        general.set(RSI, value);
        return this;
    }

    /**
     * A state with the memory type range registers as firmware leaves them on every processor: write-back is the type of
     * all memory. Kernels complain where they are off, or differ between processors.
     */
    static CpuState afterFirmware(CpuState state) {
        Map<Integer, Long> msrs = new HashMap<>(state.msrs());
        msrs.put(IA32_MTRR_DEF_TYPE, MTRR_ENABLED | WRITE_BACK);
        return new CpuState(
                state.general(),
                state.rip(),
                state.rflags(),
                state.segments(),
                state.gdtr(),
                state.idtr(),
                state.control(),
                state.debug(),
                msrs,
                state.xsave(),
                state.events(),
                state.activity(),
                state.timeStampCounter(),
                state.instructions());
    }

    CpuState from(CpuState powerUp) {
        Segment code = new Segment(CODE_SELECTOR, 0, -1, longMode ? ATTRIBUTES_CODE_64 : ATTRIBUTES_CODE_32);
        Segment data = new Segment(DATA_SELECTOR, 0, -1, ATTRIBUTES_DATA);
        List<Segment> segments = new ArrayList<>(powerUp.segments());
        for (int index = 0; index < 6; index++) {
            segments.set(index, index == 1 ? code : data);
        }
        long cr0 = CR0_PE | CR0_ET | CR0_NE | (longMode ? CR0_PG : 0);
        Control control = new Control(
                cr0,
                0,
                pageTables,
                longMode ? CR4_PAE : 0,
                longMode ? EFER_LME_LMA : 0,
                powerUp.control().xcr0());
        return new CpuState(
                general,
                entry,
                2,
                segments,
                gdtr,
                new DescriptorTable(0, 0),
                control,
                powerUp.debug(),
                powerUp.msrs(),
                powerUp.xsave(),
                CpuState.Events.NONE,
                CpuState.Activity.RUNNING,
                powerUp.timeStampCounter(),
                powerUp.instructions());
    }
}
