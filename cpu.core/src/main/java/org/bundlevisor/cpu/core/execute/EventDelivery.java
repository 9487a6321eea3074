package org.bundlevisor.cpu.core.execute;

/** Delivers exceptions and interrupts through the IDT, SDM vol. 3A, chapter 7. */
final class EventDelivery {
    private final Cpu cpu;

    EventDelivery(Cpu cpu) {
        this.cpu = cpu;
    }

    /** Delivers an exception that an instruction raised; RIP is that of the instruction, or behind it for a trap. */
    void deliverFault(GuestFault fault) {
        throw fault;
    }

    /** Delivers {@code cpu.injection}. */
    void deliverInjection() {
        throw cpu.raise(Vectors.GENERAL_PROTECTION, 0);
    }
}
