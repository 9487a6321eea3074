package org.bundlevisor.device;

import org.osgi.annotation.versioning.ConsumerType;

/** A device that is the interrupt controllers of all vCPUs, one for each: the local APICs. */
@ConsumerType
public interface LocalInterruptControllers {
    /** The controller of a vCPU; always the same one for the same number. */
    LocalInterruptController of(int cpu);

    /** The interrupt controller of one vCPU. */
    @ConsumerType
    interface LocalInterruptController {
        /**
         * Its register page, which only its own vCPU sees, at the address that {@link #registerBase()} gives.
         */
        IoRegion registers();

        /** Guest-physical address of the register page, or -1 while it is not memory-mapped. */
        long registerBase();

        /** The interrupt acknowledge cycle: a vector of 0 to 255, or -1 when nothing is pending any more. */
        int acknowledge();

        /** Task priority class as CR8 shows it, 0 to 15. */
        int taskPriority();

        /** Sets the task priority class, 0 to 15. */
        void setTaskPriority(int priority);

        /**
         * Reads one of its model-specific registers.
         *
         * @param value receives the value at index 0
         * @return false when the index is not one of its own, or may not be read now
         */
        boolean readMsr(int index, long[] value);

        /** Writes one of its model-specific registers; false as for {@link #readMsr}, or when the value is refused. */
        boolean writeMsr(int index, long value);

        /** The wire to a local interrupt pin, LINT0 or LINT1. */
        InterruptLine localInterrupt(int pin);

        /** INIT reached the vCPU: puts the registers, but for the identifier, into their reset state. */
        void initReset();
    }
}
