package org.bundlevisor.cpu.core;

import org.bundlevisor.cpu.CpuState;
import org.bundlevisor.cpu.CpuState.Activity;
import org.bundlevisor.cpu.CpuState.Injection;
import org.bundlevisor.cpu.CpuState.Shadow;
import org.osgi.annotation.versioning.ProviderType;

/**
 * The live state of a processor at an instruction boundary. Setters act as if a hypervisor wrote its control structure: no
 * check of the guest's is made, but what depends on the value (modes, TLB) follows. Belongs to the vCPU's thread.
 */
@ProviderType
public interface Registers {
    /** Numbers of segment registers, in the order of their encoding. */
    int ES = 0;

    int CS = 1;
    int SS = 2;
    int DS = 3;
    int FS = 4;
    int GS = 5;
    int LDTR = 6;
    int TR = 7;

    /** @param number 0 to 15: RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8 to R15 */
    long general(int number);

    void setGeneral(int number, long value);

    long rip();

    void setRip(long value);

    long rflags();

    void setRflags(long value);

    int selector(int segment);

    long base(int segment);

    int limit(int segment);

    /** As in {@link CpuState.Segment}. */
    int attributes(int segment);

    void setSegment(int segment, int selector, long base, int limit, int attributes);

    int cpl();

    long gdtrBase();

    int gdtrLimit();

    void setGdtr(long base, int limit);

    long idtrBase();

    int idtrLimit();

    void setIdtr(long base, int limit);

    long cr0();

    /** Sets CR0 and, by PG and EFER.LME, EFER.LMA; forgets translations where paging changes. */
    void setCr0(long value);

    long cr2();

    void setCr2(long value);

    long cr3();

    /** Sets CR3 and makes its translations current; bit 63 set keeps what is cached for its PCID. */
    void setCr3(long value);

    long cr4();

    void setCr4(long value);

    long efer();

    void setEfer(long value);

    long xcr0();

    void setXcr0(long value);

    /** @param number 0 to 3, 6, 7 */
    long debug(int number);

    void setDebug(int number, long value);

    /** The page-directory-pointer registers of PAE paging. @param number 0 to 3 */
    long pageDirectoryPointer(int number);

    /**
     * Carries out a guest's MOV to CR0, CR3, CR4 or CR8 with all its checks, as if it had not been intercepted.
     *
     * @return false when the guest is to get #GP(0); nothing has changed then
     */
    boolean writeControlRegister(int number, long value);

    /** Carries out a guest's XSETBV; false as above. */
    boolean writeExtendedControlRegister(int index, long value);

    /**
     * Carries out a guest's RDMSR.
     *
     * @param value receives the value at index 0
     * @return false when the guest is to get #GP(0)
     */
    boolean readMsr(int index, long[] value);

    /** Carries out a guest's WRMSR; false as above. */
    boolean writeMsr(int index, long value);

    /** Carries out a guest's CPUID: EAX, EBX, ECX and EDX are replaced by what the CPU model says. */
    void identify();

    Shadow shadow();

    void setShadow(Shadow shadow);

    /** DR6 bits of debug exceptions that are pending at this boundary. */
    long pendingDebug();

    void setPendingDebug(long value);

    boolean nmiBlocked();

    void setNmiBlocked(boolean blocked);

    Activity activity();

    void setActivity(Activity activity);

    /** The event to be delivered before the next instruction. */
    Injection injection();

    /** What is added to the platform's time-stamp counter to give the guest's. */
    long timeStampOffset();

    void setTimeStampOffset(long value);

    /** Forgets all cached translations, as INVVPID and a new ASID do. */
    void flushTranslations();

    /** State after INIT; the caches and the floating-point state stay as they are. */
    void init();

    /** Begins execution after a start-up IPI. @param vector 0 to 255 */
    void startUp(int vector);

    CpuState save();

    /** @throws IllegalArgumentException in one sentence, when the state is not one of this CPU model; nothing has changed then */
    void restore(CpuState state);
}
