package org.bundlevisor.cpu.core;

/**
 * What a vCPU is told to stop at. Set by the backend between runs, read by the processor; neither vendor's control
 * structure shows through. Everything is off in a new object, except that port I/O stops always.
 */
public final class Intercepts {
    private long selected;
    private int exceptions;
    private int pageFaultErrorMask;
    private int pageFaultErrorMatch;
    private int controlRegisterReads;
    private int controlRegisterWrites;
    private int debugRegisterReads;
    private int debugRegisterWrites;
    private long cr0Mask;
    private long cr0Shadow;
    private long cr4Mask;
    private long cr4Shadow;
    private PortFilter ports = port -> true;
    private MsrFilter msrs = (index, write) -> true;

    /** Which ports stop the processor. */
    @FunctionalInterface
    public interface PortFilter {
        /** @param port 0 to 65535; a wider access asks for each of its ports */
        boolean stops(int port);
    }

    /** Which model-specific registers stop the processor. */
    @FunctionalInterface
    public interface MsrFilter {
        boolean stops(int index, boolean write);
    }

    public void set(Intercept what, boolean on) {
        long bit = 1L << what.ordinal();
        selected = on ? selected | bit : selected & ~bit;
    }

    public boolean has(Intercept what) {
        return (selected >>> what.ordinal() & 1) != 0;
    }

    /**
     * Sets the exceptions to stop at. For #PF the error code decides as well: the processor stops if bit 14 is set and
     * {@code errorCode & mask == match}, or if it is clear and they differ.
     */
    public void setExceptions(int bitmap, int pageFaultErrorMask, int pageFaultErrorMatch) {
        this.exceptions = bitmap;
        this.pageFaultErrorMask = pageFaultErrorMask;
        this.pageFaultErrorMatch = pageFaultErrorMatch;
    }

    /** Whether the exception stops the processor before it is delivered. */
    public boolean exception(int vector, int errorCode) {
        boolean selectedVector = (exceptions >>> vector & 1) != 0;
        if (vector == 14) {
            return selectedVector == ((errorCode & pageFaultErrorMask) == pageFaultErrorMatch);
        }
        return selectedVector;
    }

    /** Sets the control registers, bit n for CRn, that stop at a read and at a write. */
    public void setControlRegisters(int reads, int writes) {
        controlRegisterReads = reads;
        controlRegisterWrites = writes;
    }

    public boolean controlRegisterRead(int number) {
        return (controlRegisterReads >>> number & 1) != 0;
    }

    public boolean controlRegisterWrite(int number) {
        return (controlRegisterWrites >>> number & 1) != 0;
    }

    /** Sets the debug registers, bit n for DRn, that stop at a read and at a write. */
    public void setDebugRegisters(int reads, int writes) {
        debugRegisterReads = reads;
        debugRegisterWrites = writes;
    }

    public boolean debugRegisterRead(int number) {
        return (debugRegisterReads >>> number & 1) != 0;
    }

    public boolean debugRegisterWrite(int number) {
        return (debugRegisterWrites >>> number & 1) != 0;
    }

    /**
     * Sets which bits of CR0 the guest does not own: it reads them from the shadow, and a write that would make one differ
     * from the shadow stops the processor. SDM vol. 3C, 25.6.6 "Guest/Host Masks and Read Shadows for CR0 and CR4".
     */
    public void setCr0(long mask, long shadow) {
        cr0Mask = mask;
        cr0Shadow = shadow;
    }

    /** The same for CR4. */
    public void setCr4(long mask, long shadow) {
        cr4Mask = mask;
        cr4Shadow = shadow;
    }

    public long cr0Mask() {
        return cr0Mask;
    }

    public long cr0Shadow() {
        return cr0Shadow;
    }

    public long cr4Mask() {
        return cr4Mask;
    }

    public long cr4Shadow() {
        return cr4Shadow;
    }

    public void setPorts(PortFilter filter) {
        ports = filter;
    }

    /** Whether an access to these ports stops the processor. @param size 1, 2 or 4 */
    public boolean port(int port, int size) {
        for (int i = 0; i < size; i++) {
            if (ports.stops(port + i & 0xFFFF)) {
                return true;
            }
        }
        return false;
    }

    public void setMsrs(MsrFilter filter) {
        msrs = filter;
    }

    public boolean msr(int index, boolean write) {
        return msrs.stops(index, write);
    }
}
