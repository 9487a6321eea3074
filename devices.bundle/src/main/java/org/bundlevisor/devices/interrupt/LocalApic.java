package org.bundlevisor.devices.interrupt;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.bundlevisor.device.CpuSignals;
import org.bundlevisor.device.DeviceContext;
import org.bundlevisor.device.EndOfInterrupt;
import org.bundlevisor.device.InterruptAcknowledge;
import org.bundlevisor.device.InterruptLine;
import org.bundlevisor.device.IoRegion;
import org.bundlevisor.device.LocalInterruptControllers.LocalInterruptController;
import org.bundlevisor.devices.Rate;
import org.bundlevisor.devices.Region;
import org.bundlevisor.state.SavedState;

/**
 * One local APIC, SDM vol. 3A, chapter 12. Registers are numbered as x2APIC's MSRs are, from 800H on; in the register page
 * the same number, times 16, is the offset.
 *
 * <p>There is no spurious interrupt: the vCPU's request line falls in the same instant in which the last request goes, and an
 * acknowledge cycle that comes too late finds nothing.
 */
final class LocalApic implements LocalInterruptController {
    // model-specific registers
    private static final int APIC_BASE = 0x1B;
    private static final int TSC_DEADLINE = 0x6E0;
    private static final int X2APIC_FIRST = 0x800;
    private static final int X2APIC_LAST = 0x83F;

    // IA32_APIC_BASE
    private static final long BOOT_PROCESSOR = 1 << 8;
    private static final long EXTENDED = 1 << 10;
    private static final long ENABLED = 1 << 11;
    private static final long DEFAULT_BASE = 0xFEE0_0000L;

    // registers, SDM table 12-1 "Local APIC Register Address Map" and 12-6 "Local APIC Register Address Map Supported by x2APIC"
    private static final int IDENTIFIER = 0x02;
    private static final int VERSION = 0x03;
    private static final int TASK_PRIORITY = 0x08;
    private static final int ARBITRATION_PRIORITY = 0x09;
    private static final int PROCESSOR_PRIORITY = 0x0A;
    private static final int END_OF_INTERRUPT = 0x0B;
    private static final int REMOTE_READ = 0x0C;
    private static final int LOGICAL_DESTINATION = 0x0D;
    private static final int DESTINATION_FORMAT = 0x0E;
    private static final int SPURIOUS_VECTOR = 0x0F;
    private static final int IN_SERVICE = 0x10;
    private static final int TRIGGER_MODE = 0x18;
    private static final int REQUESTED = 0x20;
    private static final int ERROR_STATUS = 0x28;
    private static final int COMMAND_LOW = 0x30;
    private static final int COMMAND_HIGH = 0x31;
    private static final int LOCAL_VECTOR_TABLE = 0x32;
    private static final int INITIAL_COUNT = 0x38;
    private static final int CURRENT_COUNT = 0x39;
    private static final int DIVIDE_CONFIGURATION = 0x3E;
    private static final int SELF_IPI = 0x3F;

    // entries of the local vector table
    private static final int TIMER = 0;
    private static final int LINT0 = 3;
    private static final int ERROR = 5;
    private static final int ENTRIES = 6;

    /** What software may write of each entry: timer, thermal sensor, performance counters, LINT0, LINT1, error. */
    private static final int[] WRITABLE_OF_ENTRY = {0x7_00FF, 0x1_07FF, 0x1_07FF, 0x1_A7FF, 0x1_A7FF, 0x1_00FF};

    private static final int MASKED = 1 << 16;
    private static final int LEVEL = 1 << 15;
    private static final int REMOTE_IRR = 1 << 14;
    private static final int DELIVERY_STATUS = 1 << 12;

    /** EOI-broadcast suppression, six entries in the local vector table, an integrated APIC. */
    private static final int VERSION_VALUE = 1 << 24 | ENTRIES - 1 << 16 | 0x15;

    // spurious-interrupt vector register
    private static final int SOFTWARE_ENABLED = 1 << 8;
    private static final int SUPPRESSES_BROADCAST = 1 << 12;
    private static final int WRITABLE_OF_SPURIOUS = SUPPRESSES_BROADCAST | SOFTWARE_ENABLED | 0xFF;

    // interrupt command register
    private static final int LOGICAL = 1 << 11;
    private static final int COMMAND_ASSERTS = 1 << 14;
    private static final int WRITABLE_OF_COMMAND = 0xC_CFFF;

    // error status register
    private static final int SEND_ILLEGAL_VECTOR = 1 << 5;
    private static final int RECEIVE_ILLEGAL_VECTOR = 1 << 6;
    private static final int ILLEGAL_REGISTER = 1 << 7;

    /** Answers of a write that are not the vector of an end of interrupt to broadcast. */
    private static final int DONE = -1;

    private static final int REFUSED = -2;

    /** The lowest vector that may be used for an interrupt. */
    private static final int FIRST_VECTOR = 16;

    private final LocalApics all;
    private final DeviceContext context;
    private final int index;
    private final CpuSignals cpu;
    private final EndOfInterrupt broadcast;
    private final long reservedOfBase;
    private final boolean virtualWire;
    private final LocalApicTimer timer;
    private final IoRegion registers = new Region("registers", 4096, this::read, this::write);
    private final InterruptLine[] pins = {asserted -> setPin(0, asserted), asserted -> setPin(1, asserted)};

    private long base;
    /** The page's address or -1; read without the monitor, on each access to the neighbourhood. */
    private volatile long registerBase;

    /** The xAPIC identifier, which software may change. */
    private int identifier;

    private int taskPriority;
    private int logicalDestination;
    /** Bits 31:28 of the destination format register. */
    private int destinationModel;

    private int spurious;
    private final VectorSet inService = new VectorSet();
    private final VectorSet levelTriggered = new VectorSet();
    private final VectorSet requested = new VectorSet();
    private int errorStatus;
    private int pendingErrors;
    /** Whether the next error interrupts: it does once after each write to the error status register. */
    private boolean errorArmed;

    private int commandLow;
    private int commandHigh;
    private final int[] entries = new int[ENTRIES];

    /** Levels of LINT0 and LINT1 in bits 0 and 1. */
    private int pinLevels;
    /** An ExtINT message has come and was not acknowledged. */
    private boolean externalRequested;
    /** What the vCPU's request line was last set to. */
    private boolean requesting;

    LocalApic(
            LocalApics all,
            DeviceContext context,
            int index,
            Rate tsc,
            Rate input,
            int addressBits,
            boolean virtualWire) {
        this.all = all;
        this.context = context;
        this.index = index;
        this.virtualWire = virtualWire;
        cpu = context.cpu(index);
        broadcast = context.endOfInterrupt();
        reservedOfBase = -1L << addressBits | 0x2FF & ~BOOT_PROCESSOR;
        timer = new LocalApicTimer(all, context.clock(), tsc, input,
                () -> receiveLocally(entries[TIMER] & 0xFF, false));
        base = resetBase();
        identifier = index & 0xFF;
        resetRegisters();
        publishBase();
    }

    @Override
    public IoRegion registers() {
        return registers;
    }

    @Override
    public long registerBase() {
        return registerBase;
    }

    @Override
    public InterruptLine localInterrupt(int pin) {
        return pins[pin];
    }

    // ---- IA32_APIC_BASE -----------------------------------------------------------------------------------------------

    private long resetBase() {
        return DEFAULT_BASE | ENABLED | (index == 0 ? BOOT_PROCESSOR : 0);
    }

    private boolean isEnabled() {
        return (base & ENABLED) != 0;
    }

    private boolean isX2Apic() {
        return (base & EXTENDED) != 0;
    }

    /** SDM vol. 3A, 12.12.5 "x2APIC State Transitions". */
    private int writeBase(long value) {
        boolean enables = (value & ENABLED) != 0;
        boolean extends2 = (value & EXTENDED) != 0;
        boolean invalid = extends2 && !enables;
        boolean fromDisabledToX2Apic = extends2 && !isEnabled();
        boolean fromX2ApicToXApic = isX2Apic() && enables && !extends2;
        if ((value & reservedOfBase) != 0 || invalid || fromDisabledToX2Apic || fromX2ApicToXApic) {
            return REFUSED;
        }
        boolean disables = isEnabled() && !enables;
        base = value;
        if (disables) {
            // a local APIC that is enabled again finds itself as after power-up
            identifier = index & 0xFF;
            resetRegisters();
        }
        publishBase();
        update();
        return DONE;
    }

    private void publishBase() {
        registerBase = isEnabled() && !isX2Apic() ? base & ~0xFFFL : -1;
    }

    // ---- reset --------------------------------------------------------------------------------------------------------

    void reset() {
        base = resetBase();
        identifier = index & 0xFF;
        resetRegisters();
        if (virtualWire) {
            // MultiProcessor Specification 1.4, 3.6.2.2 "Virtual Wire Mode"
            spurious = SOFTWARE_ENABLED | 0xFF;
            entries[LINT0] = LocalApics.EXTERNAL << 8;
            entries[LINT0 + 1] = LocalApics.NMI << 8;
        }
        publishBase();
        update();
    }

    @Override
    public void initReset() {
        synchronized (all) {
            resetRegisters();
            update();
        }
    }

    /** SDM vol. 3A, 12.4.7.1 "Local APIC State After Power-Up or Reset", but for the identifier. */
    private void resetRegisters() {
        taskPriority = 0;
        logicalDestination = 0;
        destinationModel = 0xF;
        spurious = 0xFF;
        inService.clear();
        levelTriggered.clear();
        requested.clear();
        errorStatus = 0;
        pendingErrors = 0;
        errorArmed = true;
        commandLow = 0;
        commandHigh = 0;
        Arrays.fill(entries, MASKED);
        externalRequested = false;
        timer.reset();
    }

    void close() {
        timer.close();
    }

    // ---- the register page --------------------------------------------------------------------------------------------

    /** Only the first four of each sixteen bytes hold something. */
    private long read(long offset, int size) {
        int within = (int) offset & 0xF;
        if (within > 3) {
            return 0;
        }
        synchronized (all) {
            int number = (int) offset >>> 4;
            if (isReserved(number)) {
                reportError(ILLEGAL_REGISTER);
                return 0;
            }
            long value = Integer.toUnsignedLong(readRegister(number)) >>> 8 * within;
            return size >= 4 ? value : value & (1L << 8 * size) - 1;
        }
    }

    /** "All 32-bit registers should be accessed using 128-bit aligned 32-bit loads or stores": nothing else is taken. */
    private void write(long offset, int size, long value) {
        if ((offset & 0xF) != 0 || size != 4) {
            return;
        }
        int ended;
        synchronized (all) {
            int number = (int) offset >>> 4;
            if (isReserved(number)) {
                reportError(ILLEGAL_REGISTER);
                return;
            }
            ended = writeRegister(number, (int) value);
        }
        announceEnd(ended);
    }

    /** Tells the I/O APICs, without the monitor, because they may answer with the next interrupt. */
    private void announceEnd(int vector) {
        if (vector >= 0) {
            broadcast.endOfInterrupt(vector);
        }
    }

    private static boolean isReserved(int number) {
        return switch (number) {
            case IDENTIFIER, VERSION, DIVIDE_CONFIGURATION -> false;
            default ->
                    number < TASK_PRIORITY
                            || number > ERROR_STATUS && number < COMMAND_LOW
                            || number > CURRENT_COUNT;
        };
    }

    // ---- model-specific registers -------------------------------------------------------------------------------------

    @Override
    public boolean readMsr(int register, long[] value) {
        synchronized (all) {
            if (register == APIC_BASE) {
                value[0] = base;
                return true;
            }
            if (register == TSC_DEADLINE) {
                value[0] = timer.deadline();
                return true;
            }
            if (register < X2APIC_FIRST || register > X2APIC_LAST || !isX2Apic()) {
                return false;
            }
            int number = register - X2APIC_FIRST;
            if (isReserved(number) || isAbsentInX2Apic(number) || number == END_OF_INTERRUPT) {
                return false;
            }
            value[0] = Integer.toUnsignedLong(readRegister(number));
            if (number == COMMAND_LOW) {
                value[0] |= (long) commandHigh << 32;
            }
            return true;
        }
    }

    @Override
    public boolean writeMsr(int register, long value) {
        int result;
        synchronized (all) {
            if (register == APIC_BASE) {
                result = writeBase(value);
            } else if (register == TSC_DEADLINE) {
                timer.setDeadline(value);
                result = DONE;
            } else if (register >= X2APIC_FIRST && register <= X2APIC_LAST && isX2Apic()) {
                result = writeX2Apic(register - X2APIC_FIRST, value);
            } else {
                result = REFUSED;
            }
        }
        announceEnd(result);
        return result != REFUSED;
    }

    private static boolean isAbsentInX2Apic(int number) {
        return switch (number) {
            case ARBITRATION_PRIORITY, REMOTE_READ, DESTINATION_FORMAT, COMMAND_HIGH -> true;
            default -> false;
        };
    }

    /** SDM vol. 3A, 12.12.1.3 "Reserved Bit Checking". */
    private int writeX2Apic(int number, long value) {
        if (number == COMMAND_LOW) {
            if ((value & ~WRITABLE_OF_COMMAND & 0xFFFF_FFFFL) != 0) {
                return REFUSED;
            }
            commandHigh = (int) (value >>> 32);
            return writeRegister(number, (int) value);
        }
        int mayBeSet = mayBeSetInX2Apic(number);
        if (isReadOnly(number) || (value & ~Integer.toUnsignedLong(mayBeSet)) != 0) {
            return REFUSED;
        }
        if (number == SELF_IPI) {
            return sendToSelf((int) value);
        }
        return writeRegister(number, (int) value);
    }

    private static boolean isReadOnly(int number) {
        return switch (number) {
            case TASK_PRIORITY, END_OF_INTERRUPT, SPURIOUS_VECTOR, ERROR_STATUS, INITIAL_COUNT, DIVIDE_CONFIGURATION,
                    SELF_IPI -> false;
            default -> number < LOCAL_VECTOR_TABLE || number >= LOCAL_VECTOR_TABLE + ENTRIES;
        };
    }

    private static int mayBeSetInX2Apic(int number) {
        return switch (number) {
            case TASK_PRIORITY, SELF_IPI -> 0xFF;
            case END_OF_INTERRUPT, ERROR_STATUS -> 0;
            case SPURIOUS_VECTOR -> WRITABLE_OF_SPURIOUS;
            case INITIAL_COUNT -> -1;
            case DIVIDE_CONFIGURATION -> 0xB;
            default -> {
                int entry = number - LOCAL_VECTOR_TABLE;
                // the read-only bits of an entry may be written, without effect
                yield entry >= 0 && entry < ENTRIES
                        ? WRITABLE_OF_ENTRY[entry] | DELIVERY_STATUS | (isPin(entry) ? REMOTE_IRR : 0)
                        : 0;
            }
        };
    }

    // ---- registers ----------------------------------------------------------------------------------------------------

    private int readRegister(int number) {
        return switch (number) {
            case IDENTIFIER -> isX2Apic() ? index : identifier << 24;
            case VERSION -> VERSION_VALUE;
            case TASK_PRIORITY -> taskPriority;
            case PROCESSOR_PRIORITY -> processorPriority();
            case LOGICAL_DESTINATION -> isX2Apic() ? x2ApicLogicalIdentifier() : logicalDestination << 24;
            case DESTINATION_FORMAT -> destinationModel << 28 | 0x0FFF_FFFF;
            case SPURIOUS_VECTOR -> spurious;
            case ERROR_STATUS -> errorStatus;
            case COMMAND_LOW -> commandLow;
            case COMMAND_HIGH -> commandHigh;
            case INITIAL_COUNT -> timer.initialCount();
            case CURRENT_COUNT -> timer.currentCount();
            case DIVIDE_CONFIGURATION -> timer.divideConfiguration();
            default -> readArray(number);
        };
    }

    private int readArray(int number) {
        if (number >= LOCAL_VECTOR_TABLE && number < LOCAL_VECTOR_TABLE + ENTRIES) {
            return entries[number - LOCAL_VECTOR_TABLE];
        }
        return switch (number & ~7) {
            case IN_SERVICE -> inService.register(number & 7);
            case TRIGGER_MODE -> levelTriggered.register(number & 7);
            case REQUESTED -> requested.register(number & 7);
            // what is write-only, and what newer processors have no more, reads as zero
            default -> 0;
        };
    }

    /** Writes a register that is not reserved; answers with the vector of an end of interrupt to broadcast, or with DONE. */
    private int writeRegister(int number, int value) {
        switch (number) {
            case IDENTIFIER -> identifier = value >>> 24;
            case TASK_PRIORITY -> {
                taskPriority = value & 0xFF;
                update();
            }
            case END_OF_INTERRUPT -> {
                return endInterrupt();
            }
            case LOGICAL_DESTINATION -> logicalDestination = value >>> 24;
            case DESTINATION_FORMAT -> destinationModel = value >>> 28;
            case SPURIOUS_VECTOR -> writeSpurious(value);
            case ERROR_STATUS -> {
                errorStatus = pendingErrors;
                pendingErrors = 0;
                errorArmed = true;
            }
            case COMMAND_LOW -> {
                commandLow = value & WRITABLE_OF_COMMAND;
                sendCommand();
            }
            case COMMAND_HIGH -> commandHigh = value & 0xFF00_0000;
            case INITIAL_COUNT -> timer.setInitialCount(value);
            case DIVIDE_CONFIGURATION -> timer.setDivideConfiguration(value);
            default -> {
                int entry = number - LOCAL_VECTOR_TABLE;
                if (entry >= 0 && entry < ENTRIES) {
                    writeEntry(entry, value);
                }
            }
        }
        return DONE;
    }

    /** SDM vol. 3A, 12.9 "Spurious Interrupt" and 12.4.7.2 "Local APIC State After It Has Been Software Disabled". */
    private void writeSpurious(int value) {
        spurious = value & WRITABLE_OF_SPURIOUS;
        if (!isSoftwareEnabled()) {
            for (int entry = 0; entry < ENTRIES; entry++) {
                writeEntry(entry, entries[entry] | MASKED);
            }
        }
    }

    private void writeEntry(int entry, int value) {
        int kept = entries[entry] & REMOTE_IRR;
        entries[entry] = value & WRITABLE_OF_ENTRY[entry] | kept | (isSoftwareEnabled() ? 0 : MASKED);
        if (entry == TIMER) {
            timer.configure(entries[TIMER] >>> 17 & 3, isMasked(TIMER));
        } else if (isPin(entry)) {
            if (!isLevelTriggered(entry)) {
                entries[entry] &= ~REMOTE_IRR;
            }
            requestLevel(entry);
            update();
        }
    }

    boolean isSoftwareEnabled() {
        return (spurious & SOFTWARE_ENABLED) != 0;
    }

    private boolean isMasked(int entry) {
        return (entries[entry] & MASKED) != 0;
    }

    private void reportError(int error) {
        pendingErrors |= error;
        if (errorArmed) {
            errorArmed = false;
            if (!isMasked(ERROR)) {
                receiveLocally(entries[ERROR] & 0xFF, false);
            }
        }
    }

    // ---- local interrupt pins -----------------------------------------------------------------------------------------

    private static boolean isPin(int entry) {
        return entry == LINT0 || entry == LINT0 + 1;
    }

    private int deliveryMode(int entry) {
        return entries[entry] >>> 8 & 7;
    }

    /** Only LINT0 knows levels, and only for the fixed delivery mode. */
    private boolean isLevelTriggered(int entry) {
        return entry == LINT0 && (entries[entry] & LEVEL) != 0 && deliveryMode(entry) == LocalApics.FIXED;
    }

    private boolean isAsserted(int pin) {
        return (pinLevels >>> pin & 1) != 0;
    }

    private void setPin(int pin, boolean asserted) {
        synchronized (all) {
            boolean rises = asserted && !isAsserted(pin);
            pinLevels = asserted ? pinLevels | 1 << pin : pinLevels & ~(1 << pin);
            int entry = LINT0 + pin;
            if (!isEnabled()) {
                // without a local APIC, the pins are INTR and NMI
                if (rises && pin == 1) {
                    cpu.nonMaskableInterrupt();
                }
            } else if (isLevelTriggered(entry)) {
                requestLevel(entry);
            } else if (rises && !isMasked(entry)) {
                signalEdge(entry);
            }
            update();
        }
    }

    private void signalEdge(int entry) {
        switch (deliveryMode(entry)) {
            case LocalApics.FIXED -> receiveLocally(entries[entry] & 0xFF, false);
            case LocalApics.NMI -> cpu.nonMaskableInterrupt();
            case LocalApics.INIT -> cpu.init();
            default -> {
                // ExtINT follows the level of the pin; there is no system management mode
            }
        }
    }

    private void requestLevel(int entry) {
        if (isLevelTriggered(entry)
                && isEnabled()
                && isAsserted(entry - LINT0)
                && (entries[entry] & (MASKED | REMOTE_IRR)) == 0) {
            entries[entry] |= REMOTE_IRR;
            receiveLocally(entries[entry] & 0xFF, true);
        }
    }

    /** Whether a pin asks for an acknowledge cycle of the external controller. */
    private boolean pinRequestsExternal(int pin) {
        int entry = LINT0 + pin;
        return isAsserted(pin) && !isMasked(entry) && deliveryMode(entry) == LocalApics.EXTERNAL;
    }

    private boolean externalPending() {
        if (!isEnabled()) {
            return isAsserted(0);
        }
        return externalRequested || pinRequestsExternal(0) || pinRequestsExternal(1);
    }

    // ---- accepting interrupts -----------------------------------------------------------------------------------------

    /** Whether a message is for this local APIC. SDM vol. 3A, 12.6.2 "Determining IPI Destination" and 12.12.10. */
    boolean isAddressed(int destination, boolean logical) {
        if (!isEnabled()) {
            return false;
        }
        if (destination == LocalApics.BROADCAST) {
            return true;
        }
        if (!logical) {
            return destination == (isX2Apic() ? index : identifier);
        }
        if (isX2Apic()) {
            int mine = x2ApicLogicalIdentifier();
            return destination >>> 16 == mine >>> 16 && (destination & mine & 0xFFFF) != 0;
        }
        if (destination >>> 8 != 0) {
            return false;
        }
        return switch (destinationModel) {
            case 0xF -> (destination & logicalDestination) != 0;
            case 0x0 -> destination >>> 4 == logicalDestination >>> 4 && (destination & logicalDestination & 0xF) != 0;
            default -> false;
        };
    }

    /** Cluster in bits 31:16, one bit for the member in bits 15:0. */
    private int x2ApicLogicalIdentifier() {
        return index >>> 4 << 16 | 1 << (index & 0xF);
    }

    /** Takes a message from the bus. */
    void receive(int mode, int vector, boolean level) {
        switch (mode) {
            case LocalApics.FIXED -> {
                if (isSoftwareEnabled()) {
                    receiveLocally(vector, level);
                }
            }
            case LocalApics.NMI -> cpu.nonMaskableInterrupt();
            case LocalApics.INIT -> cpu.init();
            case LocalApics.START_UP -> cpu.startUp(vector);
            case LocalApics.EXTERNAL -> {
                externalRequested = true;
                update();
            }
            default -> {
                // a reserved mode, or SMI: there is no system management mode
            }
        }
    }

    private void receiveLocally(int vector, boolean level) {
        if (vector < FIRST_VECTOR) {
            reportError(RECEIVE_ILLEGAL_VECTOR);
            return;
        }
        requested.add(vector);
        if (level) {
            levelTriggered.add(vector);
        } else {
            levelTriggered.remove(vector);
        }
        update();
    }

    /** SDM vol. 3A, 12.8.3.1 "Task and Processor Priorities". */
    int processorPriority() {
        int served = Math.max(inService.highest(), 0) & 0xF0;
        return taskPriority >>> 4 >= served >>> 4 ? taskPriority : served;
    }

    /** The vector that may interrupt now, or -1. */
    private int deliverable() {
        int vector = requested.highest();
        return vector >= 0 && vector >>> 4 > processorPriority() >>> 4 ? vector : -1;
    }

    private void update() {
        boolean wanted = externalPending() || deliverable() >= 0;
        if (wanted != requesting) {
            requesting = wanted;
            cpu.interruptRequest(wanted);
        }
    }

    @Override
    public int acknowledge() {
        synchronized (all) {
            if (!externalPending()) {
                int vector = deliverable();
                if (vector >= 0) {
                    requested.remove(vector);
                    inService.add(vector);
                    update();
                }
                return vector;
            }
            externalRequested = false;
            update();
        }
        // without the monitor: the controller holds its own while it drives LINT0
        InterruptAcknowledge controller = context.externalController().orElse(null);
        return controller == null ? -1 : controller.acknowledge();
    }

    private int endInterrupt() {
        int vector = inService.highest();
        if (vector < 0) {
            return DONE;
        }
        inService.remove(vector);
        boolean level = levelTriggered.contains(vector);
        if (level && (entries[LINT0] & REMOTE_IRR) != 0 && (entries[LINT0] & 0xFF) == vector) {
            entries[LINT0] &= ~REMOTE_IRR;
            requestLevel(LINT0);
        }
        update();
        return level && (spurious & SUPPRESSES_BROADCAST) == 0 ? vector : DONE;
    }

    @Override
    public int taskPriority() {
        synchronized (all) {
            return taskPriority >>> 4;
        }
    }

    @Override
    public void setTaskPriority(int priority) {
        synchronized (all) {
            taskPriority = (priority & 0xF) << 4;
            update();
        }
    }

    // ---- sending interrupts -------------------------------------------------------------------------------------------

    /** SDM vol. 3A, 12.6.1 "Interrupt Command Register (ICR)". */
    private void sendCommand() {
        int vector = commandLow & 0xFF;
        int mode = commandLow >>> 8 & 7;
        if (mode == LocalApics.EXTERNAL) {
            return;
        }
        if (mode <= LocalApics.LOWEST_PRIORITY && vector < FIRST_VECTOR) {
            reportError(SEND_ILLEGAL_VECTOR);
            return;
        }
        boolean deasserts = (commandLow & (LEVEL | COMMAND_ASSERTS)) == LEVEL;
        if (mode == LocalApics.INIT && deasserts) {
            // INIT level de-assert set the arbitration identifiers of processors before the Pentium 4
            return;
        }
        // table 12-3: to itself, a processor sends fixed interrupts only
        switch (commandLow >>> 18 & 3) {
            case 0 -> all.dispatch(commandDestination(), (commandLow & LOGICAL) != 0, mode, vector, false);
            case 1 -> {
                if (mode == LocalApics.FIXED) {
                    receive(mode, vector, false);
                }
            }
            case 2 -> {
                if (mode == LocalApics.FIXED) {
                    all.dispatchToAll(this, true, mode, vector);
                }
            }
            default -> all.dispatchToAll(this, false, mode, vector);
        }
    }

    private int commandDestination() {
        if (isX2Apic()) {
            return commandHigh;
        }
        int destination = commandHigh >>> 24;
        return destination == 0xFF ? LocalApics.BROADCAST : destination;
    }

    private int sendToSelf(int vector) {
        if (vector < FIRST_VECTOR) {
            reportError(SEND_ILLEGAL_VECTOR);
        } else {
            receive(LocalApics.FIXED, vector, false);
        }
        return DONE;
    }

    // ---- snapshot -----------------------------------------------------------------------------------------------------

    SavedState save() {
        List<SavedState> table = new ArrayList<>();
        for (int entry : entries) {
            table.add(SavedState.version(1).put("value", entry).build());
        }
        return SavedState.version(1)
                .put("base", base)
                .put("identifier", identifier)
                .put("taskPriority", taskPriority)
                .put("logicalDestination", logicalDestination)
                .put("destinationModel", destinationModel)
                .put("spurious", spurious)
                .put("inService", inService.toBytes())
                .put("levelTriggered", levelTriggered.toBytes())
                .put("requested", requested.toBytes())
                .put("errorStatus", errorStatus)
                .put("pendingErrors", pendingErrors)
                .put("errorArmed", errorArmed)
                .put("commandLow", commandLow)
                .put("commandHigh", Integer.toUnsignedLong(commandHigh))
                .put("localVectorTable", table)
                .put("pinLevels", pinLevels)
                .put("externalRequested", externalRequested)
                .put("timer", timer.save())
                .build();
    }

    void restore(SavedState state) {
        base = state.number("base", resetBase());
        identifier = (int) state.number("identifier", index) & 0xFF;
        taskPriority = (int) state.number("taskPriority", 0) & 0xFF;
        logicalDestination = (int) state.number("logicalDestination", 0) & 0xFF;
        destinationModel = (int) state.number("destinationModel", 0xF) & 0xF;
        spurious = (int) state.number("spurious", 0xFF) & WRITABLE_OF_SPURIOUS;
        inService.set(state.bytes("inService"));
        levelTriggered.set(state.bytes("levelTriggered"));
        requested.set(state.bytes("requested"));
        errorStatus = (int) state.number("errorStatus", 0);
        pendingErrors = (int) state.number("pendingErrors", 0);
        errorArmed = state.flag("errorArmed", true);
        commandLow = (int) state.number("commandLow", 0) & WRITABLE_OF_COMMAND;
        commandHigh = (int) state.number("commandHigh", 0);
        List<SavedState> table = state.children("localVectorTable");
        for (int entry = 0; entry < ENTRIES; entry++) {
            int value = entry < table.size() ? (int) table.get(entry).number("value", MASKED) : MASKED;
            entries[entry] = value & (WRITABLE_OF_ENTRY[entry] | REMOTE_IRR);
        }
        pinLevels = (int) state.number("pinLevels", 0) & 3;
        externalRequested = state.flag("externalRequested", false);
        timer.restore(state.child("timer"), entries[TIMER] >>> 17 & 3, isMasked(TIMER));
        publishBase();
        requesting = externalPending() || deliverable() >= 0;
        cpu.interruptRequest(requesting);
    }
}
