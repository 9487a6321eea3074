package org.bundlevisor.devices.interrupt;

import org.bundlevisor.state.SavedState;

/**
 * One 8259A, as its data sheet (Intel 231468) describes it, always in 8086 mode. Guarded by the monitor of the pair.
 *
 * <p>Of the initialisation words' bits, a chip set ignores LTIM (ELCR takes its place), SNGL, the buffered mode and the wiring
 * in ICW3, and so does this one.
 */
final class Pic8259Chip {
    /** What the next write to the odd port is. */
    private static final int OPERATING = 0;

    private final boolean isMaster;
    private final int levelCapable;

    /** ELCR: a set bit makes the input level-triggered. */
    private int levelTriggered;
    /** The wires' levels. */
    private int levels;
    /** Edge-sense latches: set by a rising edge, cleared when the wire falls or the request is acknowledged. */
    private int edges;

    private int inService;
    private int masked;
    /** The input of lowest priority; the next one up, modulo 8, has the highest. */
    private int lowest;

    private int vectorBase;
    private int expectedWord;
    private boolean expectsWord4;
    private boolean automaticEnd;
    private boolean rotatesOnAutomaticEnd;
    private boolean specialFullyNested;
    private boolean specialMask;
    private boolean readsInService;
    private boolean polled;

    Pic8259Chip(boolean isMaster, int levelCapable) {
        this.isMaster = isMaster;
        this.levelCapable = levelCapable;
        reset();
    }

    /** The state after power-up. The wires keep their levels, since others drive them. */
    void reset() {
        levelTriggered = 0;
        vectorBase = 0;
        initialise();
        expectedWord = OPERATING;
        expectsWord4 = false;
        clearWord4();
        rotatesOnAutomaticEnd = false;
    }

    private void initialise() {
        // "The edge sense circuit is reset, which means that following initialization, an interrupt request input must make
        // a low-to-high transition to generate an interrupt"
        edges = 0;
        masked = 0;
        inService = 0;
        lowest = 7;
        specialMask = false;
        readsInService = false;
        polled = false;
    }

    private void clearWord4() {
        automaticEnd = false;
        specialFullyNested = false;
    }

    void setInput(int input, boolean asserted) {
        int bit = 1 << input;
        if (asserted) {
            edges |= bit & ~levels;
            levels |= bit;
        } else {
            levels &= ~bit;
            // the input must stay high until INTA: a request that goes away ends as a spurious interrupt
            edges &= ~bit;
        }
    }

    int levelTriggered() {
        return levelTriggered;
    }

    void setLevelTriggered(int value) {
        levelTriggered = value & levelCapable;
    }

    /** The interrupt request register. */
    private int requested() {
        return levels & levelTriggered | edges & ~levelTriggered;
    }

    /** How far from the highest priority an input is, 0 to 7. */
    private int distance(int input) {
        return input - lowest - 1 & 7;
    }

    private int mostImportant(int inputs) {
        for (int i = 1; i <= 8; i++) {
            int input = lowest + i & 7;
            if ((inputs >>> input & 1) != 0) {
                return input;
            }
        }
        return -1;
    }

    /** The input that INT is raised for, or -1. */
    private int pending() {
        int request = mostImportant(requested() & ~masked);
        if (request < 0) {
            return -1;
        }
        // in special mask mode, a masked level in service holds nothing back
        int blocking = mostImportant(specialMask ? inService & ~masked : inService);
        if (blocking < 0 || distance(request) < distance(blocking)) {
            return request;
        }
        // in special fully nested mode, the master lets in more important requests of the slave that is in service
        boolean again = specialFullyNested && isMaster && request == blocking && request == 2;
        return again ? request : -1;
    }

    /** The level of INT. */
    boolean requests() {
        return pending() >= 0;
    }

    /** The acknowledge cycle: the input that is served, or 7 without it being in service when the request has gone. */
    int acknowledge() {
        int input = pending();
        if (input < 0) {
            return 7;
        }
        edges &= ~(1 << input);
        if (!automaticEnd) {
            inService |= 1 << input;
        } else if (rotatesOnAutomaticEnd) {
            lowest = input;
        }
        return input;
    }

    int vector(int input) {
        return vectorBase | input;
    }

    /** Whether the next read is a poll. */
    boolean isPolled() {
        return polled;
    }

    int read(int offset) {
        if (polled) {
            polled = false;
            return poll();
        }
        if (offset == 1) {
            return masked;
        }
        return readsInService ? inService : requested();
    }

    private int poll() {
        return pending() < 0 ? 0 : 0x80 | acknowledge();
    }

    void write(int offset, int value) {
        if (offset == 1) {
            writeOdd(value);
        } else if ((value & 0x10) != 0) {
            initialise();
            expectsWord4 = (value & 1) != 0;
            if (!expectsWord4) {
                clearWord4();
            }
            expectedWord = 2;
        } else if ((value & 0x08) != 0) {
            writeOperationWord3(value);
        } else {
            writeOperationWord2(value);
        }
    }

    private void writeOdd(int value) {
        switch (expectedWord) {
            case 2 -> {
                vectorBase = value & 0xF8;
                expectedWord = 3;
            }
            case 3 -> expectedWord = expectsWord4 ? 4 : OPERATING;
            case 4 -> {
                automaticEnd = (value & 0x02) != 0;
                specialFullyNested = (value & 0x10) != 0;
                expectedWord = OPERATING;
            }
            default -> masked = value;
        }
    }

    /** OCW2: R, SL and EOI in bits 7:5, a level in bits 2:0. */
    private void writeOperationWord2(int value) {
        int level = value & 7;
        switch (value >>> 5) {
            case 0b000 -> rotatesOnAutomaticEnd = false;
            case 0b100 -> rotatesOnAutomaticEnd = true;
            case 0b001 -> endMostImportant();
            case 0b101 -> {
                int ended = endMostImportant();
                if (ended >= 0) {
                    lowest = ended;
                }
            }
            case 0b011 -> inService &= ~(1 << level);
            case 0b111 -> {
                inService &= ~(1 << level);
                lowest = level;
            }
            case 0b110 -> lowest = level;
            default -> {
                // 010: no operation
            }
        }
    }

    private int endMostImportant() {
        // "an IS bit that is masked by an IMR bit will not be cleared by a non-specific EOI" in special mask mode
        int ended = mostImportant(specialMask ? inService & ~masked : inService);
        if (ended >= 0) {
            inService &= ~(1 << ended);
        }
        return ended;
    }

    /** OCW3: ESMM and SMM in bits 6:5, P in bit 2, RR and RIS in bits 1:0. */
    private void writeOperationWord3(int value) {
        if ((value & 0x40) != 0) {
            specialMask = (value & 0x20) != 0;
        }
        if ((value & 0x04) != 0) {
            polled = true;
        } else if ((value & 0x02) != 0) {
            readsInService = (value & 0x01) != 0;
        }
    }

    SavedState save() {
        return SavedState.version(1)
                .put("levelTriggered", levelTriggered)
                .put("levels", levels)
                .put("edges", edges)
                .put("inService", inService)
                .put("masked", masked)
                .put("lowest", lowest)
                .put("vectorBase", vectorBase)
                .put("expectedWord", expectedWord)
                .put("expectsWord4", expectsWord4)
                .put("automaticEnd", automaticEnd)
                .put("rotatesOnAutomaticEnd", rotatesOnAutomaticEnd)
                .put("specialFullyNested", specialFullyNested)
                .put("specialMask", specialMask)
                .put("readsInService", readsInService)
                .put("polled", polled)
                .build();
    }

    void restore(SavedState state) {
        levelTriggered = (int) state.number("levelTriggered", 0) & levelCapable;
        levels = (int) state.number("levels", 0) & 0xFF;
        edges = (int) state.number("edges", 0) & 0xFF;
        inService = (int) state.number("inService", 0) & 0xFF;
        masked = (int) state.number("masked", 0) & 0xFF;
        lowest = (int) state.number("lowest", 7) & 7;
        vectorBase = (int) state.number("vectorBase", 0) & 0xF8;
        expectedWord = (int) state.number("expectedWord", OPERATING);
        expectsWord4 = state.flag("expectsWord4", false);
        automaticEnd = state.flag("automaticEnd", false);
        rotatesOnAutomaticEnd = state.flag("rotatesOnAutomaticEnd", false);
        specialFullyNested = state.flag("specialFullyNested", false);
        specialMask = state.flag("specialMask", false);
        readsInService = state.flag("readsInService", false);
        polled = state.flag("polled", false);
    }
}
