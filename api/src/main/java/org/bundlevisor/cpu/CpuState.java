package org.bundlevisor.cpu;

import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * The complete architectural state of a vCPU at an instruction boundary, in neutral terms. It is what a swap, a snapshot
 * and a migration carry.
 *
 * @param general RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8 to R15, in the order of their encoding: sixteen values
 * @param segments ES, CS, SS, DS, FS, GS in the order of their encoding, then LDTR and TR: eight values
 * @param debug DR0, DR1, DR2, DR3, DR6, DR7
 * @param msrs model-specific registers that live in the processor, by index; without EFER, which is in {@code control}
 * @param xsave the XSAVE area in its standard form: x87, SSE, header
 * @param timeStampCounter the guest's TSC at the moment of saving
 * @param instructions instructions executed so far
 */
public record CpuState(
        List<Long> general,
        long rip,
        long rflags,
        List<Segment> segments,
        DescriptorTable gdtr,
        DescriptorTable idtr,
        Control control,
        List<Long> debug,
        Map<Integer, Long> msrs,
        XsaveArea xsave,
        Events events,
        Activity activity,
        long timeStampCounter,
        long instructions) {
    public CpuState {
        general = List.copyOf(general);
        segments = List.copyOf(segments);
        debug = List.copyOf(debug);
        msrs = Collections.unmodifiableMap(new TreeMap<>(msrs));
        if (general.size() != 16 || segments.size() != 8 || debug.size() != 6) {
            throw new IllegalArgumentException("a CPU state has 16 general, 8 segment and 6 debug registers, not "
                    + general.size() + ", " + segments.size() + " and " + debug.size());
        }
    }

    /**
     * A segment register with its hidden part.
     *
     * @param limit in bytes, with the granularity applied
     * @param attributes bits 7:0 type, S, DPL, P and bits 15:12 AVL, L, D/B, G, as in the second doubleword of a
     *     descriptor from bit 8 on; {@link #UNUSABLE} marks a null selector
     */
    public record Segment(int selector, long base, int limit, int attributes) {
        /** Bit 16 of the attributes: the register was loaded with a null selector. */
        public static final int UNUSABLE = 1 << 16;
    }

    /** GDTR or IDTR. */
    public record DescriptorTable(long base, int limit) {}

    /** Control registers, EFER and XCR0. CR8 is the local APIC's. */
    public record Control(long cr0, long cr2, long cr3, long cr4, long efer, long xcr0) {}

    /** What the vCPU is doing, SDM vol. 3C, 25.4.2 "activity state". */
    public enum Activity {
        RUNNING,
        HALTED,
        SHUT_DOWN,
        WAITING_FOR_STARTUP
    }

    /** How long interrupts stay held back after the last instruction. */
    public enum Shadow {
        NONE,
        /** The instruction before was STI. */
        STI,
        /** The instruction before was MOV to SS or POP SS. */
        MOV_SS
    }

    /**
     * Events that are under way.
     *
     * @param injection the event whose delivery has been decided on but has not begun, or {@link Injection#NONE}
     * @param pendingDebug DR6 bits of debug exceptions that are pending at the boundary
     * @param nmiBlocked an NMI handler is running
     */
    public record Events(
            Injection injection,
            Shadow shadow,
            long pendingDebug,
            boolean nmiPending,
            boolean nmiBlocked,
            boolean initPending) {
        public static final Events NONE = new Events(Injection.NONE, Shadow.NONE, 0, false, false, false);
    }

    /**
     * An event to be delivered through the IDT before the next instruction.
     *
     * @param kind what kind of event, which decides on checks and on the saved RIP
     * @param vector 0 to 255
     * @param hasErrorCode whether {@code errorCode} is pushed
     * @param instructionLength of the instruction that caused a software event, else 0
     */
    public record Injection(Kind kind, int vector, boolean hasErrorCode, int errorCode, int instructionLength) {
        public static final Injection NONE = new Injection(Kind.NONE, 0, false, 0, 0);

        public enum Kind {
            NONE,
            EXTERNAL_INTERRUPT,
            NMI,
            HARDWARE_EXCEPTION,
            SOFTWARE_INTERRUPT,
            PRIVILEGED_SOFTWARE_EXCEPTION,
            SOFTWARE_EXCEPTION
        }
    }
}
