package org.bundlevisor.devices.legacy;

import org.bundlevisor.state.SavedState;

/**
 * A keyboard that answers every command as an MF2 keyboard does and on which nobody types. IBM's "PS/2 Hardware Interface
 * Technical Reference", keyboards, "Commands from the System". Guarded by its controller's monitor.
 */
final class IdleKeyboard {
    private static final int SET_LEDS = 0xED;
    private static final int ECHO = 0xEE;
    private static final int SELECT_SCAN_CODE_SET = 0xF0;
    private static final int READ_ID = 0xF2;
    private static final int SET_TYPEMATIC_RATE = 0xF3;
    private static final int ENABLE = 0xF4;
    private static final int DISABLE = 0xF5;
    private static final int SET_DEFAULT = 0xF6;
    private static final int SET_ALL_KEYS_FIRST = 0xF7;
    private static final int SET_ALL_KEYS_LAST = 0xFA;
    private static final int RESEND = 0xFE;
    private static final int RESET = 0xFF;

    private static final int ACKNOWLEDGE = 0xFA;
    private static final int SELF_TEST_PASSED = 0xAA;

    private final ByteQueue output = new ByteQueue();

    /** The command whose parameter comes next, or 0. */
    private int awaiting;

    private int scanCodeSet = 2;
    private int last;

    /** What the keyboard has to say. */
    ByteQueue output() {
        return output;
    }

    void powerUp() {
        output.clear();
        awaiting = 0;
        scanCodeSet = 2;
        last = 0;
    }

    /** Takes a command or a parameter. */
    void receive(int value) {
        // what it had to say before is obsolete: a command ends any output
        output.clear();
        int command = awaiting;
        awaiting = 0;
        if (command == SELECT_SCAN_CODE_SET && value <= 3) {
            say(ACKNOWLEDGE);
            if (value == 0) {
                say(scanCodeSet);
            } else {
                scanCodeSet = value;
            }
        } else if (command != 0 && value < SET_LEDS) {
            say(ACKNOWLEDGE);
        } else {
            command(value);
        }
    }

    private void command(int value) {
        switch (value) {
            case ECHO -> say(ECHO);
            case READ_ID -> {
                say(ACKNOWLEDGE);
                say(0xAB);
                say(0x83);
            }
            case SET_LEDS, SELECT_SCAN_CODE_SET, SET_TYPEMATIC_RATE -> {
                awaiting = value;
                say(ACKNOWLEDGE);
            }
            case ENABLE, DISABLE -> say(ACKNOWLEDGE);
            case SET_DEFAULT -> {
                scanCodeSet = 2;
                say(ACKNOWLEDGE);
            }
            case RESET -> {
                scanCodeSet = 2;
                say(ACKNOWLEDGE);
                say(SELF_TEST_PASSED);
            }
            case RESEND -> say(last);
            default -> say(value >= SET_ALL_KEYS_FIRST && value <= SET_ALL_KEYS_LAST ? ACKNOWLEDGE : RESEND);
        }
    }

    private void say(int value) {
        if (value != RESEND) {
            last = value;
        }
        output.add(value);
    }

    SavedState save() {
        return SavedState.version(1)
                .put("output", output.save())
                .put("awaiting", awaiting)
                .put("scan code set", scanCodeSet)
                .put("last", last)
                .build();
    }

    void restore(SavedState state) {
        output.restore(state.bytes("output"));
        awaiting = (int) state.number("awaiting", 0) & 0xFF;
        scanCodeSet = (int) Math.clamp(state.number("scan code set", 2), 1, 3);
        last = (int) state.number("last", 0) & 0xFF;
    }
}
