package org.bundlevisor.cpu.vtx;

import java.util.EnumSet;
import java.util.OptionalLong;
import org.bundlevisor.cpu.vtx.VmcsField.Type;
import org.bundlevisor.cpu.vtx.VmcsField.Width;

/**
 * A virtual-machine control structure. Its format is the processor's own matter, SDM vol. 3C, 25.2, so the fields simply
 * lie in an array. As hardware may, it leaves the guest's state in the processor until somebody asks for a field of the
 * guest-state area. For one vCPU's thread.
 */
final class Vmcs {
    /** Brings the guest-state area up to date. */
    @FunctionalInterface
    interface GuestStateSource {
        /** Stores every field of the guest-state area with {@link Vmcs#save}. */
        void saveGuestState(Vmcs vmcs);
    }

    /** Groups of fields that checks depend on. */
    enum Written {
        /** Control fields but for those below. */
        CONTROLS,
        /** Controls that the checks of guest state look at as well. */
        GUEST_MODE_CONTROLS,
        /** What describes the event to be injected. */
        EVENT,
        HOST_STATE,
        GUEST_STATE
    }

    private static final VmcsField[] FIELDS = VmcsField.values();

    private final long[] values = new long[FIELDS.length];
    private final GuestStateSource source;
    private final Capabilities capabilities;
    private boolean guestStateCurrent = true;
    private boolean guestStateWritten;

    /** What was written since the last VM entry that examined it. */
    private final EnumSet<Written> written = EnumSet.allOf(Written.class);

    Vmcs(GuestStateSource source, Capabilities capabilities) {
        this.source = source;
        this.capabilities = capabilities;
        values[VmcsField.VMCS_LINK_POINTER.ordinal()] = -1;
    }

    /** The value of a field, zero-extended from its width. */
    long read(VmcsField field) {
        if (followsGuest(field)) {
            bringGuestStateUpToDate();
        }
        return values[field.ordinal()];
    }

    /** Writes a control, host-state or guest-state field, as VMWRITE does; what exceeds the field's width is dropped. */
    void write(VmcsField field, long value) {
        Type type = field.type();
        if (type == Type.EXIT_INFORMATION) {
            throw new IllegalArgumentException(field + " is a read-only field: VM exits alone record it");
        }
        if (followsGuest(field)) {
            bringGuestStateUpToDate();
        }
        save(field, value);
        written.add(groupOf(field));
        guestStateWritten |= type == Type.GUEST_STATE;
    }

    /** VM exits save "IA-32e mode guest" too, SDM vol. 3C, 28.3.1. */
    private static boolean followsGuest(VmcsField field) {
        return field.type() == Type.GUEST_STATE || field == VmcsField.ENTRY_CONTROLS;
    }

    private static Written groupOf(VmcsField field) {
        return switch (field) {
            case ENTRY_INTERRUPTION_INFORMATION, ENTRY_EXCEPTION_ERROR_CODE, ENTRY_INSTRUCTION_LENGTH -> Written.EVENT;
            case ENTRY_CONTROLS, SECONDARY_CONTROLS, PIN_BASED_CONTROLS -> Written.GUEST_MODE_CONTROLS;
            default ->
                    switch (field.type()) {
                        case HOST_STATE -> Written.HOST_STATE;
                        case GUEST_STATE -> Written.GUEST_STATE;
                        default -> Written.CONTROLS;
                    };
        };
    }

    /** The value of a field as it was last stored, also if the guest has moved on since. */
    long readAsIs(VmcsField field) {
        return values[field.ordinal()];
    }

    /** For the processor: records exit information or guest state. */
    void save(VmcsField field, long value) {
        values[field.ordinal()] = value & field.width().mask();
    }

    /**
     * VMREAD, SDM vol. 3C, chapter 31; the operand has 64 bits. Empty when it fails, which the VM-instruction error field
     * then explains.
     */
    OptionalLong vmread(long encoding) {
        VmcsField field = VmcsField.of(encoding);
        if (field == null) {
            fail(VmInstructionError.UNSUPPORTED_COMPONENT);
            return OptionalLong.empty();
        }
        long value = read(field);
        return OptionalLong.of(isHigh(encoding) ? value >>> 32 : value);
    }

    /** VMWRITE, SDM vol. 3C, chapter 31. False when it fails, which the VM-instruction error field then explains. */
    boolean vmwrite(long encoding, long value) {
        VmcsField field = VmcsField.of(encoding);
        if (field == null) {
            fail(VmInstructionError.UNSUPPORTED_COMPONENT);
            return false;
        }
        if (field.type() == Type.EXIT_INFORMATION && !capabilities.canWriteExitInformation()) {
            fail(VmInstructionError.READ_ONLY_COMPONENT);
            return false;
        }
        if (isHigh(encoding)) {
            write(field, read(field) & 0xffff_ffffL | value << 32);
        } else if (field.width() == Width.BITS_64) {
            write(field, value);
        } else {
            write(field, value & field.width().mask());
        }
        return true;
    }

    /** VMfailValid: records why a VMX instruction failed. */
    void fail(VmInstructionError error) {
        save(VmcsField.VM_INSTRUCTION_ERROR, error.number());
    }

    /** The guest has run: what the guest-state area holds is old. */
    void guestStateLeft() {
        guestStateCurrent = false;
    }

    private void bringGuestStateUpToDate() {
        if (!guestStateCurrent) {
            guestStateCurrent = true;
            source.saveGuestState(this);
        }
    }

    /** Whether a field of the group was written since {@link #examined}. */
    boolean isWritten(Written group) {
        return written.contains(group);
    }

    /** Whether any field was written since {@link #examined}. */
    boolean isWritten() {
        return !written.isEmpty();
    }

    /** The guest's state was replaced in the processor, as if all of the guest-state area were written. */
    void guestStateReplaced() {
        guestStateCurrent = false;
        written.add(Written.GUEST_STATE);
    }

    /** Whether software has written to the guest-state area since this was last asked, so that it must be loaded. */
    boolean takeGuestStateWritten() {
        boolean result = guestStateWritten;
        guestStateWritten = false;
        return result;
    }

    /** A VM entry has examined all fields. */
    void examined() {
        written.clear();
    }

    boolean pin(int control) {
        return (read(VmcsField.PIN_BASED_CONTROLS) & control) != 0;
    }

    boolean primary(int control) {
        return ((int) read(VmcsField.PRIMARY_CONTROLS) & control) != 0;
    }

    /** A secondary control; all are 0 while they are not activated, SDM vol. 3C, 25.6.2. */
    boolean secondary(int control) {
        return primary(Controls.Primary.ACTIVATE_SECONDARY_CONTROLS)
                && ((int) read(VmcsField.SECONDARY_CONTROLS) & control) != 0;
    }

    boolean exit(int control) {
        return (read(VmcsField.EXIT_CONTROLS) & control) != 0;
    }

    boolean entry(int control) {
        return (read(VmcsField.ENTRY_CONTROLS) & control) != 0;
    }

    /** Sets or clears bits of a control field; nothing is written when they are so already. */
    void set(VmcsField controls, int bits, boolean on) {
        long now = read(controls);
        long wanted = on ? now | Integer.toUnsignedLong(bits) : now & ~Integer.toUnsignedLong(bits);
        if (wanted != now) {
            write(controls, wanted);
        }
    }

    private static boolean isHigh(long encoding) {
        return (encoding & 1) != 0;
    }
}
