package org.bundlevisor.cpu.amdv;

import org.bundlevisor.cpu.CpuHost;
import org.bundlevisor.cpu.CpuState.Segment;
import org.bundlevisor.cpu.CpuState.Shadow;
import org.bundlevisor.cpu.amdv.Controls.Interrupt;
import org.bundlevisor.cpu.core.Registers;

/**
 * Carries guest state between the processor and the VMCB, as VMRUN and VMLOAD load it and #VMEXIT and VMSAVE store it, APM
 * vol. 2, 15.5 to 15.6. For one vCPU's thread.
 *
 * <p>EFER.SVME is 1 while a guest runs and belongs to the host: the guest does not see it, and the VMCB alone has it.
 */
final class GuestState implements Vmcb.GuestStateSource {
    /** MSRs with a field of their own. */
    private enum Held {
        STAR(0xc000_0081, VmcbField.STAR),
        LSTAR(0xc000_0082, VmcbField.LSTAR),
        CSTAR(0xc000_0083, VmcbField.CSTAR),
        SFMASK(0xc000_0084, VmcbField.SFMASK),
        KERNEL_GS_BASE(0xc000_0102, VmcbField.KERNEL_GS_BASE),
        SYSENTER_CS(0x174, VmcbField.SYSENTER_CS),
        SYSENTER_ESP(0x175, VmcbField.SYSENTER_ESP),
        SYSENTER_EIP(0x176, VmcbField.SYSENTER_EIP),
        DEBUG_CONTROL(0x1d9, VmcbField.DBGCTL),
        PAT(0x277, VmcbField.G_PAT);

        private static final Held[] ALL = values();
        private final int index;
        private final VmcbField field;

        Held(int index, VmcbField field) {
            this.index = index;
            this.field = field;
        }
    }

    /** Where the VMCB has the segment registers, in the order of {@link Registers}, counted from ES. */
    private static final int[] PLACES = {0, 1, 2, 3, 4, 5, 7, 9};

    private static final int PRESENT = 1 << 7;
    private static final int PRIVILEGE = 3 << 5;
    private static final long RFLAGS_IF = 1 << 9;
    private static final int RAX = 0;
    private static final int RSP = 4;

    private final int cpu;
    private final Registers registers;
    private final CpuHost host;
    private final long[] msr = new long[1];

    GuestState(int cpu, Registers registers, CpuHost host) {
        this.cpu = cpu;
        this.registers = registers;
        this.host = host;
    }

    @Override
    public void saveGuestState(Vmcb vmcb) {
        for (int segment = Registers.ES; segment <= Registers.TR; segment++) {
            int place = PLACES[segment];
            vmcb.save(VmcbField.ES_SELECTOR.ofSegment(place), registers.selector(segment));
            vmcb.save(VmcbField.ES_ATTRIBUTES.ofSegment(place), attributes(registers.attributes(segment)));
            vmcb.save(VmcbField.ES_LIMIT.ofSegment(place), registers.limit(segment));
            vmcb.save(VmcbField.ES_BASE.ofSegment(place), registers.base(segment));
        }
        vmcb.save(VmcbField.GDTR_BASE, registers.gdtrBase());
        vmcb.save(VmcbField.GDTR_LIMIT, registers.gdtrLimit());
        vmcb.save(VmcbField.IDTR_BASE, registers.idtrBase());
        vmcb.save(VmcbField.IDTR_LIMIT, registers.idtrLimit());
        vmcb.save(VmcbField.CPL, registers.cpl());
        vmcb.save(VmcbField.EFER, registers.efer() | EntryState.EFER_SVME);
        vmcb.save(VmcbField.CR0, registers.cr0());
        vmcb.save(VmcbField.CR2, registers.cr2());
        vmcb.save(VmcbField.CR3, registers.cr3());
        vmcb.save(VmcbField.CR4, registers.cr4());
        vmcb.save(VmcbField.DR6, registers.debug(6));
        vmcb.save(VmcbField.DR7, registers.debug(7));
        vmcb.save(VmcbField.RFLAGS, registers.rflags());
        vmcb.save(VmcbField.RIP, registers.rip());
        vmcb.save(VmcbField.RSP, registers.general(RSP));
        vmcb.save(VmcbField.RAX, registers.general(RAX));
        for (Held held : Held.ALL) {
            vmcb.save(held.field, registers.readMsr(held.index, msr) ? msr[0] : 0);
        }
        vmcb.save(VmcbField.INTERRUPT_STATE, (registers.shadow() == Shadow.NONE ? 0 : Controls.INTERRUPT_SHADOW)
                | ((registers.rflags() & RFLAGS_IF) == 0 ? 0 : Controls.GUEST_INTERRUPT_MASK));
        long control = vmcb.readAsIs(VmcbField.INTERRUPT_CONTROL) & ~(long) (Interrupt.V_TPR | Interrupt.V_NMI_MASK);
        vmcb.save(VmcbField.INTERRUPT_CONTROL, control
                | host.taskPriority(cpu)
                | (registers.nmiBlocked() ? Interrupt.V_NMI_MASK : 0));
    }

    /** Loads all there is; the checks come after, and a guest that fails them does not run. */
    void load(Vmcb vmcb) {
        registers.setEfer(vmcb.read(VmcbField.EFER) & ~EntryState.EFER_SVME);
        registers.setCr4(vmcb.read(VmcbField.CR4));
        registers.setCr0(vmcb.read(VmcbField.CR0));
        registers.setRflags(vmcb.read(VmcbField.RFLAGS));
        for (int segment = Registers.ES; segment <= Registers.TR; segment++) {
            int place = PLACES[segment];
            int attributes = neutral((int) vmcb.read(VmcbField.ES_ATTRIBUTES.ofSegment(place)));
            if (segment == Registers.SS) {
                // the processor takes the CPL from there, the VMCB has a field for it
                attributes = attributes & ~PRIVILEGE | (int) (vmcb.read(VmcbField.CPL) & 3) << 5;
            }
            registers.setSegment(
                    segment,
                    (int) vmcb.read(VmcbField.ES_SELECTOR.ofSegment(place)),
                    canonical(vmcb.read(VmcbField.ES_BASE.ofSegment(place))),
                    (int) vmcb.read(VmcbField.ES_LIMIT.ofSegment(place)),
                    attributes);
        }
        registers.setCr3(vmcb.read(VmcbField.CR3));
        registers.setGdtr(canonical(vmcb.read(VmcbField.GDTR_BASE)), (int) vmcb.read(VmcbField.GDTR_LIMIT) & 0xffff);
        registers.setIdtr(canonical(vmcb.read(VmcbField.IDTR_BASE)), (int) vmcb.read(VmcbField.IDTR_LIMIT) & 0xffff);
        registers.setCr2(vmcb.read(VmcbField.CR2));
        registers.setDebug(6, vmcb.read(VmcbField.DR6));
        registers.setDebug(7, vmcb.read(VmcbField.DR7));
        registers.setRip(vmcb.read(VmcbField.RIP));
        registers.setGeneral(RSP, vmcb.read(VmcbField.RSP));
        registers.setGeneral(RAX, vmcb.read(VmcbField.RAX));
        for (Held held : Held.ALL) {
            registers.writeMsr(held.index, vmcb.read(held.field));
        }
        boolean shadow = vmcb.has(VmcbField.INTERRUPT_STATE, Controls.INTERRUPT_SHADOW);
        if (shadow != (registers.shadow() != Shadow.NONE)) {
            // the VMCB does not tell STI from MOV SS; where both agree that there is a shadow, the processor knows which
            registers.setShadow(shadow ? Shadow.STI : Shadow.NONE);
        }
    }

    /** VMRUN makes bases canonical, APM vol. 2, 15.5.1. */
    private static long canonical(long base) {
        return base << 16 >> 16;
    }

    /** Attributes as a VMCB has them: bits 47:40 and 55:52 of a descriptor side by side; a null selector's are 0. */
    static int attributes(int neutral) {
        return (neutral & Segment.UNUSABLE) != 0 ? 0 : neutral & 0xff | neutral >>> 4 & 0xf00;
    }

    /** The other way round; what is not present is unusable. */
    static int neutral(int attributes) {
        return attributes & 0xff | (attributes & 0xf00) << 4 | ((attributes & PRESENT) != 0 ? 0 : Segment.UNUSABLE);
    }
}
