package org.bundlevisor.cpu.amdv;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.EnumSet;
import org.bundlevisor.memory.HostMemory;
import org.bundlevisor.memory.HostMemoryExhaustedException;
import org.bundlevisor.memory.HostRange;

/**
 * A virtual machine control block: a page of host memory in the layout of APM vol. 2, appendix B. As its clean bits allow
 * hardware to (15.15), it leaves the guest's state in the processor until somebody asks for a field of it. For one vCPU's
 * thread.
 */
final class Vmcb implements AutoCloseable {
    /** Brings what follows the guest up to date. */
    @FunctionalInterface
    interface GuestStateSource {
        /** Stores every field of the state-save area, and of the control area what follows the guest, by {@link Vmcb#save}. */
        void saveGuestState(Vmcb vmcb);
    }

    /** Groups of fields that checks depend on. */
    enum Written {
        CONTROLS,
        EVENT,
        GUEST_STATE
    }

    private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG.withOrder(ByteOrder.LITTLE_ENDIAN);

    /** All clean bits that are defined here. */
    private static final int ALL_CLEAN = (1 << VmcbField.Clean.NONE.ordinal()) - 1;

    private final HostMemory memory;
    private final HostRange page;
    private final MemorySegment segment;
    private final GuestStateSource source;
    private final EnumSet<Written> written = EnumSet.allOf(Written.class);
    private boolean guestStateCurrent = true;
    private boolean guestStateWritten;

    Vmcb(HostMemory memory, GuestStateSource source) throws HostMemoryExhaustedException {
        this.memory = memory;
        this.page = memory.allocate(HostMemory.FRAME_SIZE, HostMemory.FRAME_SIZE);
        this.segment = memory.segment().asSlice(page.address(), page.size());
        this.source = source;
    }

    /** Host-physical address, which VMRUN takes in RAX. */
    long address() {
        return page.address();
    }

    /** The value of a field, zero-extended. */
    long read(VmcbField field) {
        if (followsGuest(field) && !guestStateCurrent) {
            guestStateCurrent = true;
            source.saveGuestState(this);
        }
        return readAsIs(field);
    }

    /** The value of a field as it was last stored, also if the guest has moved on since. */
    long readAsIs(VmcbField field) {
        int at = field.offset();
        return switch (field.size()) {
            case 1 -> segment.get(ValueLayout.JAVA_BYTE, at) & 0xffL;
            case 2 -> segment.get(SHORT, at) & 0xffffL;
            case 4 -> segment.get(INT, at) & 0xffff_ffffL;
            default -> segment.get(LONG, at);
        };
    }

    /** Writes a field as a hypervisor does, clean bit included; what exceeds the field's size is dropped. */
    void write(VmcbField field, long value) {
        if (field.isGuestState() || field == VmcbField.INTERRUPT_STATE) {
            read(field);
            guestStateWritten = true;
            written.add(Written.GUEST_STATE);
        } else {
            written.add(field == VmcbField.EVENTINJ ? Written.EVENT : Written.CONTROLS);
        }
        save(field, value);
        if (field.clean() != VmcbField.Clean.NONE) {
            save(VmcbField.CLEAN_BITS, readAsIs(VmcbField.CLEAN_BITS) & ~(1L << field.clean().ordinal()));
        }
    }

    /** Sets or clears bits of a control field; nothing is written when they are so already. */
    void set(VmcbField field, int bits, boolean on) {
        long now = readAsIs(field);
        long wanted = on ? now | Integer.toUnsignedLong(bits) : now & ~Integer.toUnsignedLong(bits);
        if (wanted != now) {
            write(field, wanted);
        }
    }

    /** Whether any of the bits of a control field is set, as it was last stored. */
    boolean has(VmcbField field, int bits) {
        return ((int) readAsIs(field) & bits) != 0;
    }

    /** For the processor: stores what a #VMEXIT leaves. */
    void save(VmcbField field, long value) {
        int at = field.offset();
        switch (field.size()) {
            case 1 -> segment.set(ValueLayout.JAVA_BYTE, at, (byte) value);
            case 2 -> segment.set(SHORT, at, (short) value);
            case 4 -> segment.set(INT, at, (int) value);
            default -> segment.set(LONG, at, value);
        }
    }

    /** A #VMEXIT writes these with the state-save area. */
    private static boolean followsGuest(VmcbField field) {
        return field.isGuestState()
                || field == VmcbField.INTERRUPT_STATE
                || field == VmcbField.INTERRUPT_CONTROL;
    }

    /** The guest has run: what is held of its state is old. */
    void guestStateLeft() {
        guestStateCurrent = false;
    }

    /** The guest's state was replaced in the processor, as if all of the state-save area were written. */
    void guestStateReplaced() {
        guestStateCurrent = false;
        guestStateWritten = false;
        written.add(Written.GUEST_STATE);
    }

    /** Whether software has written guest state since this was last asked, so that it must be loaded. */
    boolean takeGuestStateWritten() {
        boolean result = guestStateWritten;
        guestStateWritten = false;
        return result;
    }

    /** Whether a field of the group was written since {@link #examined}. */
    boolean isWritten(Written group) {
        return written.contains(group);
    }

    /** Whether any field was written since {@link #examined}. */
    boolean isWritten() {
        return !written.isEmpty();
    }

    /** VMRUN has examined all fields: until they are written again, the processor may go by what it knows of them. */
    void examined() {
        written.clear();
        save(VmcbField.CLEAN_BITS, ALL_CLEAN);
    }

    @Override
    public void close() {
        memory.free(page);
    }
}
