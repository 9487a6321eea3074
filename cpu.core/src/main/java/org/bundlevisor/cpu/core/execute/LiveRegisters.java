package org.bundlevisor.cpu.core.execute;

import org.bundlevisor.cpu.CpuState;
import org.bundlevisor.cpu.CpuState.Activity;
import org.bundlevisor.cpu.CpuState.Injection;
import org.bundlevisor.cpu.CpuState.Shadow;
import org.bundlevisor.cpu.core.Registers;

/** A processor's state as its owner reads and writes it between runs. */
public final class LiveRegisters implements Registers {
    private final Cpu cpu;
    private final ControlRegisters control;
    private final SavedCpu saved;

    public LiveRegisters(Cpu cpu) {
        this.cpu = cpu;
        this.control = cpu.control;
        this.saved = new SavedCpu(cpu, this);
    }

    @Override
    public long general(int number) {
        return cpu.gpr[number];
    }

    @Override
    public void setGeneral(int number, long value) {
        cpu.gpr[number] = value;
    }

    @Override
    public long rip() {
        return cpu.rip;
    }

    @Override
    public void setRip(long value) {
        cpu.rip = value;
    }

    @Override
    public long rflags() {
        return cpu.rflags();
    }

    @Override
    public void setRflags(long value) {
        cpu.setRflags(value);
    }

    @Override
    public int selector(int segment) {
        return cpu.selector[segment];
    }

    @Override
    public long base(int segment) {
        return cpu.segmentBase[segment];
    }

    @Override
    public int limit(int segment) {
        return cpu.segmentLimit[segment];
    }

    @Override
    public int attributes(int segment) {
        return cpu.segmentAttributes[segment];
    }

    @Override
    public void setSegment(int segment, int selector, long base, int limit, int attributes) {
        cpu.selector[segment] = selector;
        cpu.segmentBase[segment] = base;
        cpu.segmentLimit[segment] = limit;
        cpu.segmentAttributes[segment] = attributes;
        if (segment == SS) {
            // SDM vol. 3C, 25.4.1: the DPL of SS is the CPL
            cpu.cpl = attributes >>> 5 & 3;
        }
        cpu.modeChanged();
    }

    @Override
    public int cpl() {
        return cpu.cpl;
    }

    @Override
    public long gdtrBase() {
        return cpu.gdtrBase;
    }

    @Override
    public int gdtrLimit() {
        return cpu.gdtrLimit;
    }

    @Override
    public void setGdtr(long base, int limit) {
        cpu.gdtrBase = base;
        cpu.gdtrLimit = limit;
    }

    @Override
    public long idtrBase() {
        return cpu.idtrBase;
    }

    @Override
    public int idtrLimit() {
        return cpu.idtrLimit;
    }

    @Override
    public void setIdtr(long base, int limit) {
        cpu.idtrBase = base;
        cpu.idtrLimit = limit;
    }

    @Override
    public long cr0() {
        return cpu.cr0;
    }

    @Override
    public void setCr0(long value) {
        control.setCr0(value);
    }

    @Override
    public long cr2() {
        return cpu.cr2;
    }

    @Override
    public void setCr2(long value) {
        cpu.cr2 = value;
    }

    @Override
    public long cr3() {
        return cpu.cr3;
    }

    @Override
    public void setCr3(long value) {
        control.setCr3(value);
    }

    @Override
    public long cr4() {
        return cpu.cr4;
    }

    @Override
    public void setCr4(long value) {
        control.setCr4(value);
    }

    @Override
    public long efer() {
        return cpu.efer;
    }

    @Override
    public void setEfer(long value) {
        cpu.efer = value;
        cpu.modeChanged();
        cpu.flushTlb();
    }

    @Override
    public long xcr0() {
        return cpu.xcr0;
    }

    @Override
    public void setXcr0(long value) {
        cpu.xcr0 = value;
    }

    @Override
    public long debug(int number) {
        return cpu.dr[number];
    }

    @Override
    public void setDebug(int number, long value) {
        cpu.dr[number] = value;
        Breakpoints.changed(cpu);
    }

    @Override
    public long pageDirectoryPointer(int number) {
        return cpu.paging.pointer(number);
    }

    @Override
    public boolean writeControlRegister(int number, long value) {
        try {
            return control.write(number, value);
        } catch (ExitSignal refused) {
            // PAE paging was to load its page-directory-pointer registers from where there is no memory
            return false;
        }
    }

    @Override
    public boolean writeExtendedControlRegister(int index, long value) {
        return control.writeExtended(index, value);
    }

    @Override
    public boolean readMsr(int index, long[] value) {
        return cpu.msrs.read(index, value);
    }

    @Override
    public boolean writeMsr(int index, long value) {
        return cpu.msrs.write(index, value);
    }

    @Override
    public void identify() {
        Identification.cpuid(cpu);
    }

    @Override
    public Shadow shadow() {
        return switch (cpu.shadow) {
            case 0 -> Shadow.NONE;
            case 1 -> Shadow.STI;
            default -> Shadow.MOV_SS;
        };
    }

    @Override
    public void setShadow(Shadow shadow) {
        cpu.shadow = shadow.ordinal();
        if (cpu.shadow != 0) {
            cpu.pending |= Cpu.PENDING_SHADOW;
        }
    }

    @Override
    public long pendingDebug() {
        return cpu.pendingDebug;
    }

    @Override
    public void setPendingDebug(long value) {
        cpu.pendingDebug = value;
        cpu.pending |= Cpu.PENDING_DEBUG;
    }

    @Override
    public boolean nmiBlocked() {
        return cpu.nmiBlocked;
    }

    @Override
    public void setNmiBlocked(boolean blocked) {
        cpu.nmiBlocked = blocked;
    }

    @Override
    public Activity activity() {
        if (cpu.shutDown) {
            return Activity.SHUT_DOWN;
        }
        if (cpu.waitingForStartup) {
            return Activity.WAITING_FOR_STARTUP;
        }
        return cpu.halted ? Activity.HALTED : Activity.RUNNING;
    }

    @Override
    public void setActivity(Activity activity) {
        cpu.halted = activity == Activity.HALTED;
        cpu.shutDown = activity == Activity.SHUT_DOWN;
        cpu.waitingForStartup = activity == Activity.WAITING_FOR_STARTUP;
        if (activity != Activity.RUNNING) {
            cpu.pending |= Cpu.PENDING_IDLE;
        }
    }

    @Override
    public Injection injection() {
        return cpu.injection;
    }

    @Override
    public long timeStampOffset() {
        return cpu.timeStampOffset;
    }

    @Override
    public void setTimeStampOffset(long value) {
        cpu.timeStampOffset = value;
    }

    @Override
    public void flushTranslations() {
        cpu.flushTlb();
    }

    @Override
    public void init() {
        new Reset(cpu).init();
    }

    @Override
    public void startUp(int vector) {
        new Reset(cpu).startUp(vector);
    }

    @Override
    public CpuState save() {
        return saved.save();
    }

    @Override
    public void restore(CpuState state) {
        saved.restore(state);
    }
}
