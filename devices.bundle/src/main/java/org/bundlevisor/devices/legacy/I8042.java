package org.bundlevisor.devices.legacy;

import java.util.Arrays;
import java.util.List;
import org.bundlevisor.device.Device;
import org.bundlevisor.device.InterruptLine;
import org.bundlevisor.device.IoRegion;
import org.bundlevisor.device.MachineControl;
import org.bundlevisor.device.PortIo;
import org.bundlevisor.device.Snapshot;
import org.bundlevisor.devices.Region;
import org.bundlevisor.state.SavedState;

/**
 * The keyboard controller of a PS/2: IBM's "PS/2 Hardware Interface Technical Reference", "Keyboard and Auxiliary Device
 * Controller". It has an idle keyboard and, at the auxiliary port, nothing: what is sent there times out, which the
 * controller reports at once. Commands are carried out at once as well, so that the input buffer is never full.
 *
 * <p>Address line 20 is not masked: processors no longer can. Its two gates, here and in port 92h, keep what is written.
 */
final class I8042 implements Device, PortIo, Snapshot {
    // status register
    private static final int OUTPUT_FULL = 0x01;
    private static final int SYSTEM_FLAG = 0x04;
    private static final int LAST_WAS_COMMAND = 0x08;
    private static final int NOT_INHIBITED = 0x10;
    private static final int AUXILIARY_OUTPUT_FULL = 0x20;
    private static final int TIMEOUT = 0x40;

    // command byte, which is byte 0 of the controller's memory
    private static final int ENABLE_KEYBOARD_INTERRUPT = 0x01;
    private static final int ENABLE_AUXILIARY_INTERRUPT = 0x02;
    private static final int SYSTEM_FLAG_SET = 0x04;
    private static final int DISABLE_KEYBOARD = 0x10;
    private static final int DISABLE_AUXILIARY = 0x20;
    private static final int TRANSLATE = 0x40;
    /** As firmware leaves it. */
    private static final int COMMAND_BYTE_POWER_UP = ENABLE_KEYBOARD_INTERRUPT | SYSTEM_FLAG_SET | DISABLE_AUXILIARY
            | TRANSLATE;

    // output port
    private static final int OUTPUT_PORT_NO_RESET = 0x01;
    private static final int OUTPUT_PORT_A20 = 0x02;
    private static final int OUTPUT_PORT_KEYBOARD_INTERRUPT = 0x10;
    private static final int OUTPUT_PORT_AUXILIARY_INTERRUPT = 0x20;
    private static final int OUTPUT_PORT_POWER_UP = 0xC0 | OUTPUT_PORT_A20 | OUTPUT_PORT_NO_RESET;

    // port 92h, "System Control Port A"
    private static final int PORT_92_RESET = 0x01;
    private static final int PORT_92_A20 = 0x02;

    // commands
    private static final int READ_MEMORY = 0x20;
    private static final int WRITE_MEMORY = 0x60;
    private static final int TEST_PASSWORD = 0xA4;
    private static final int DISABLE_AUXILIARY_INTERFACE = 0xA7;
    private static final int ENABLE_AUXILIARY_INTERFACE = 0xA8;
    private static final int TEST_AUXILIARY_INTERFACE = 0xA9;
    private static final int SELF_TEST = 0xAA;
    private static final int TEST_KEYBOARD_INTERFACE = 0xAB;
    private static final int DISABLE_KEYBOARD_INTERFACE = 0xAD;
    private static final int ENABLE_KEYBOARD_INTERFACE = 0xAE;
    private static final int READ_INPUT_PORT = 0xC0;
    private static final int READ_OUTPUT_PORT = 0xD0;
    private static final int WRITE_OUTPUT_PORT = 0xD1;
    private static final int WRITE_KEYBOARD_OUTPUT = 0xD2;
    private static final int WRITE_AUXILIARY_OUTPUT = 0xD3;
    private static final int WRITE_AUXILIARY_DEVICE = 0xD4;
    private static final int DISABLE_A20 = 0xDD;
    private static final int ENABLE_A20 = 0xDF;
    private static final int READ_TEST_INPUTS = 0xE0;
    private static final int PULSE_OUTPUT_PORT = 0xF0;

    private static final int PASSWORD_NOT_INSTALLED = 0xF1;
    private static final int SELF_TEST_PASSED = 0x55;
    private static final int INTERFACE_TEST_PASSED = 0x00;
    /** What the controller puts in the output buffer, along with the status bit, when a device does not answer. */
    private static final int NO_ANSWER = 0xFE;

    private static final int MEMORY_SIZE = 32;

    private final MachineControl machine;
    private final InterruptLine keyboardInterrupt;
    private final InterruptLine auxiliaryInterrupt;
    private final List<IoRegion> regions = List.of(
            Region.ofBytes("data", 1, offset -> readData(), (offset, value) -> writeData(value)),
            Region.ofBytes("command", 1, offset -> readStatus(), (offset, value) -> writeCommand(value)),
            Region.ofBytes("port92", 1, offset -> readPort92(), (offset, value) -> writePort92(value)));

    private final byte[] memory = new byte[MEMORY_SIZE];
    private final IdleKeyboard keyboard = new IdleKeyboard();

    /** What the controller itself has to say, each byte behind its status bits. */
    private final ByteQueue responses = new ByteQueue();

    private int outputBuffer;
    private int outputStatus;
    private int outputPort;
    private int port92;
    private boolean lastWasCommand;

    /** The command whose parameter comes next at the data port, or 0. */
    private int awaiting;

    I8042(MachineControl machine, InterruptLine keyboardInterrupt, InterruptLine auxiliaryInterrupt) {
        this.machine = machine;
        this.keyboardInterrupt = keyboardInterrupt;
        this.auxiliaryInterrupt = auxiliaryInterrupt;
        powerUp();
    }

    @Override
    public List<IoRegion> portRegions() {
        return regions;
    }

    @Override
    public synchronized void reset() {
        powerUp();
        updateLines();
    }

    private void powerUp() {
        Arrays.fill(memory, (byte) 0);
        memory[0] = COMMAND_BYTE_POWER_UP;
        keyboard.powerUp();
        responses.clear();
        outputBuffer = 0;
        outputStatus = 0;
        outputPort = OUTPUT_PORT_POWER_UP;
        port92 = PORT_92_A20;
        lastWasCommand = false;
        awaiting = 0;
    }

    // ---- ports

    private synchronized int readStatus() {
        return outputStatus
                | ((memory[0] & SYSTEM_FLAG_SET) != 0 ? SYSTEM_FLAG : 0)
                | (lastWasCommand ? LAST_WAS_COMMAND : 0)
                | NOT_INHIBITED;
    }

    private synchronized int readData() {
        int value = outputBuffer;
        if ((outputStatus & OUTPUT_FULL) != 0) {
            outputStatus = 0;
            // down before what comes next raises it again: an edge for an edge-triggered controller
            updateLines();
            fillOutputBuffer();
        }
        return value;
    }

    private synchronized void writeData(int value) {
        lastWasCommand = false;
        int command = awaiting;
        awaiting = 0;
        switch (command) {
            case 0 -> {
                // "data to the keyboard enables the keyboard interface"
                memory[0] &= ~DISABLE_KEYBOARD;
                keyboard.receive(value);
            }
            case WRITE_OUTPUT_PORT -> writeOutputPort(value);
            case WRITE_KEYBOARD_OUTPUT -> respond(value, 0);
            case WRITE_AUXILIARY_OUTPUT -> respond(value, AUXILIARY_OUTPUT_FULL);
            case WRITE_AUXILIARY_DEVICE -> respond(NO_ANSWER, AUXILIARY_OUTPUT_FULL | TIMEOUT);
            default -> memory[command - WRITE_MEMORY] = (byte) value;
        }
        updateLines();
        fillOutputBuffer();
    }

    private synchronized void writeCommand(int command) {
        lastWasCommand = true;
        awaiting = 0;
        if (command >= READ_MEMORY && command < READ_MEMORY + MEMORY_SIZE) {
            respond(memory[command - READ_MEMORY] & 0xFF, 0);
        } else if (command >= WRITE_MEMORY && command < WRITE_MEMORY + MEMORY_SIZE) {
            awaiting = command;
        } else if (command >= PULSE_OUTPUT_PORT) {
            // bits 3:0 that are 0 pulse their line; bit 0 is the reset line
            if ((command & OUTPUT_PORT_NO_RESET) == 0) {
                machine.reset();
            }
        } else {
            execute(command);
        }
        updateLines();
        fillOutputBuffer();
    }

    private void execute(int command) {
        switch (command) {
            case TEST_PASSWORD -> respond(PASSWORD_NOT_INSTALLED, 0);
            case DISABLE_AUXILIARY_INTERFACE -> memory[0] |= DISABLE_AUXILIARY;
            case ENABLE_AUXILIARY_INTERFACE -> memory[0] &= ~DISABLE_AUXILIARY;
            case TEST_AUXILIARY_INTERFACE, TEST_KEYBOARD_INTERFACE -> respond(INTERFACE_TEST_PASSED, 0);
            case SELF_TEST -> {
                responses.clear();
                outputStatus = 0;
                memory[0] |= SYSTEM_FLAG_SET;
                respond(SELF_TEST_PASSED, 0);
            }
            case DISABLE_KEYBOARD_INTERFACE -> memory[0] |= DISABLE_KEYBOARD;
            case ENABLE_KEYBOARD_INTERFACE -> memory[0] &= ~DISABLE_KEYBOARD;
            // keyboard not locked, manufacturing jumper not installed
            case READ_INPUT_PORT -> respond(0xA0, 0);
            case READ_OUTPUT_PORT -> respond(outputPort(), 0);
            case WRITE_OUTPUT_PORT, WRITE_KEYBOARD_OUTPUT, WRITE_AUXILIARY_OUTPUT, WRITE_AUXILIARY_DEVICE ->
                    awaiting = command;
            case DISABLE_A20 -> outputPort &= ~OUTPUT_PORT_A20;
            case ENABLE_A20 -> outputPort |= OUTPUT_PORT_A20;
            case READ_TEST_INPUTS -> respond(0, 0);
            default -> {
                // reserved: ignored
            }
        }
    }

    private void writeOutputPort(int value) {
        outputPort = value;
        if ((value & OUTPUT_PORT_NO_RESET) == 0) {
            machine.reset();
        }
    }

    private int outputPort() {
        return outputPort & ~(OUTPUT_PORT_KEYBOARD_INTERRUPT | OUTPUT_PORT_AUXILIARY_INTERRUPT)
                | (outputStatus & OUTPUT_FULL) * OUTPUT_PORT_KEYBOARD_INTERRUPT
                | ((outputStatus & AUXILIARY_OUTPUT_FULL) != 0 ? OUTPUT_PORT_AUXILIARY_INTERRUPT : 0);
    }

    private synchronized int readPort92() {
        return port92 & PORT_92_A20;
    }

    private synchronized void writePort92(int value) {
        if ((value & ~port92 & PORT_92_RESET) != 0) {
            machine.reset();
        }
        port92 = value & (PORT_92_RESET | PORT_92_A20);
    }

    // ---- output buffer

    private void respond(int value, int status) {
        responses.add(status);
        responses.add(value);
    }

    /** Moves what waits into the output buffer, if that is free: the controller's own responses first. */
    private void fillOutputBuffer() {
        if ((outputStatus & OUTPUT_FULL) != 0) {
            return;
        }
        if (!responses.isEmpty()) {
            outputStatus = OUTPUT_FULL | responses.take();
            outputBuffer = responses.take();
        } else if (!keyboard.output().isEmpty() && (memory[0] & DISABLE_KEYBOARD) == 0) {
            outputStatus = OUTPUT_FULL;
            outputBuffer = fromKeyboard(keyboard.output().take());
        }
        updateLines();
    }

    /** Scan code translation, as far as this keyboard's answers are concerned: from set 2 to set 1. */
    private int fromKeyboard(int value) {
        if ((memory[0] & TRANSLATE) == 0) {
            return value;
        }
        return switch (value) {
            case 0x01 -> 0x43;
            case 0x02 -> 0x41;
            case 0x03 -> 0x3F;
            case 0x83 -> 0x41;
            default -> value;
        };
    }

    private void updateLines() {
        boolean full = (outputStatus & OUTPUT_FULL) != 0;
        boolean auxiliary = (outputStatus & AUXILIARY_OUTPUT_FULL) != 0;
        keyboardInterrupt.set(full && !auxiliary && (memory[0] & ENABLE_KEYBOARD_INTERRUPT) != 0);
        auxiliaryInterrupt.set(full && auxiliary && (memory[0] & ENABLE_AUXILIARY_INTERRUPT) != 0);
    }

    // ---- saved state

    @Override
    public synchronized SavedState save() {
        return SavedState.version(1)
                .put("memory", memory)
                .put("keyboard", keyboard.save())
                .put("responses", responses.save())
                .put("output buffer", outputBuffer)
                .put("output status", outputStatus)
                .put("output port", outputPort)
                .put("port 92", port92)
                .put("last was command", lastWasCommand)
                .put("awaiting", awaiting)
                .build();
    }

    @Override
    public synchronized void restore(SavedState state) {
        powerUp();
        byte[] bytes = state.bytes("memory");
        System.arraycopy(bytes, 0, memory, 0, Math.min(bytes.length, memory.length));
        keyboard.restore(state.child("keyboard"));
        responses.restore(state.bytes("responses"));
        outputBuffer = (int) state.number("output buffer", outputBuffer) & 0xFF;
        outputStatus = (int) state.number("output status", outputStatus)
                & (OUTPUT_FULL | AUXILIARY_OUTPUT_FULL | TIMEOUT);
        outputPort = (int) state.number("output port", outputPort) & 0xFF;
        port92 = (int) state.number("port 92", port92) & (PORT_92_RESET | PORT_92_A20);
        lastWasCommand = state.flag("last was command", false);
        int command = (int) state.number("awaiting", 0);
        awaiting = takesParameter(command) ? command : 0;
        updateLines();
    }

    private static boolean takesParameter(int command) {
        return command >= WRITE_MEMORY && command < WRITE_MEMORY + MEMORY_SIZE
                || command >= WRITE_OUTPUT_PORT && command <= WRITE_AUXILIARY_DEVICE;
    }
}
