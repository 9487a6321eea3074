package org.bundlevisor.cpu.amdv;

import static org.bundlevisor.cpu.amdv.VmcbField.INTERCEPT_3;
import static org.bundlevisor.cpu.amdv.VmcbField.INTERCEPT_4;

import org.bundlevisor.cpu.amdv.Controls.Interrupt;
import org.bundlevisor.cpu.amdv.Controls.Vector3;
import org.bundlevisor.cpu.amdv.Controls.Vector4;
import org.bundlevisor.cpu.amdv.Controls.Vector5;
import org.bundlevisor.cpu.core.Intercept;
import org.bundlevisor.cpu.core.Intercepts;
import org.bundlevisor.cpu.core.Processor;
import org.bundlevisor.cpu.core.Registers;

/**
 * Tells the processor what to stop at, by the VMCB's intercept vectors, APM vol. 2, 15.7 to 15.14. For one vCPU's thread.
 */
final class Intercepting {
    private static final long CR0_MP = 1 << 1;
    private static final long CR0_TS = 1 << 3;

    /** What a selective intercept of CR0 writes looks at: all but TS and MP, 15.9 */
    private static final long CR0_SELECTIVE = ~(CR0_TS | CR0_MP);

    private static final int ALL_SVM_INSTRUCTIONS = Vector4.VMRUN
            | Vector4.VMMCALL
            | Vector4.VMLOAD
            | Vector4.VMSAVE
            | Vector4.STGI
            | Vector4.CLGI
            | Vector4.SKINIT;

    private final Processor processor;
    private final Registers registers;
    private final Intercepts intercepts;
    private boolean allPorts;
    private boolean allMsrs;

    Intercepting(Processor processor, PermissionMaps maps) {
        this.processor = processor;
        this.registers = processor.registers();
        this.intercepts = processor.intercepts();
        intercepts.setPorts(port -> allPorts && maps.port(port));
        intercepts.setMsrs((index, write) -> allMsrs && maps.msr(index, write));
    }

    /** Follows the vectors after they, or the intercepts, have changed. */
    void follow(Vmcb vmcb) {
        int third = (int) vmcb.readAsIs(INTERCEPT_3);
        int fourth = (int) vmcb.readAsIs(INTERCEPT_4);
        allPorts = (third & Vector3.IOIO_PROT) != 0;
        allMsrs = (third & Vector3.MSR_PROT) != 0;
        set(Intercept.EXTERNAL_INTERRUPT, third & Vector3.INTR);
        set(Intercept.NMI, third & Vector3.NMI);
        set(Intercept.STORE_DESCRIPTOR_TABLE, third & (Vector3.IDTR_READ | Vector3.GDTR_READ));
        set(Intercept.LOAD_DESCRIPTOR_TABLE, third & (Vector3.IDTR_WRITE | Vector3.GDTR_WRITE));
        set(Intercept.STORE_LOCAL_OR_TASK, third & (Vector3.LDTR_READ | Vector3.TR_READ));
        set(Intercept.LOAD_LOCAL_OR_TASK, third & (Vector3.LDTR_WRITE | Vector3.TR_WRITE));
        set(Intercept.RDTSC, third & Vector3.RDTSC);
        set(Intercept.RDPMC, third & Vector3.RDPMC);
        set(Intercept.PUSHF, third & Vector3.PUSHF);
        set(Intercept.POPF, third & Vector3.POPF);
        set(Intercept.CPUID, third & Vector3.CPUID);
        set(Intercept.RSM, third & Vector3.RSM);
        set(Intercept.IRET, third & Vector3.IRET);
        set(Intercept.SOFTWARE_INTERRUPT, third & Vector3.SWINT);
        set(Intercept.INVD, third & Vector3.INVD);
        set(Intercept.PAUSE, third & Vector3.PAUSE);
        set(Intercept.HLT, third & Vector3.HLT);
        set(Intercept.INVLPG, third & Vector3.INVLPG);
        set(Intercept.TASK_SWITCH, third & Vector3.TASK_SWITCH);
        set(Intercept.SVM_INSTRUCTION, fourth & ALL_SVM_INSTRUCTIONS | third & Vector3.INVLPGA);
        set(Intercept.RDTSCP, fourth & Vector4.RDTSCP);
        set(Intercept.INT1, fourth & Vector4.ICEBP);
        set(Intercept.WBINVD, fourth & Vector4.WBINVD);
        set(Intercept.MONITOR, fourth & Vector4.MONITOR);
        set(Intercept.MWAIT, fourth & (Vector4.MWAIT | Vector4.MWAIT_CONDITIONAL));
        set(Intercept.XSETBV, fourth & Vector4.XSETBV);
        set(Intercept.INVPCID, (int) vmcb.readAsIs(VmcbField.INTERCEPT_5) & Vector5.INVPCID);
        int control = (int) vmcb.readAsIs(VmcbField.INTERCEPT_CR);
        intercepts.setControlRegisters(control & 0xffff, control >>> Controls.WRITES_SHIFT);
        int debug = (int) vmcb.readAsIs(VmcbField.INTERCEPT_DR);
        intercepts.setDebugRegisters(debug & 0xffff, debug >>> Controls.WRITES_SHIFT);
        intercepts.setExceptions((int) vmcb.readAsIs(VmcbField.INTERCEPT_EXCEPTIONS), 0, 0);
        intercepts.setCr0((third & Vector3.CR0_SEL_WRITE) != 0 ? CR0_SELECTIVE : 0, registers.cr0());
        followVirtualEvents(vmcb);
    }

    /**
     * Follows V_IRQ and V_NMI: hardware delivers a virtual interrupt or NMI, or intercepts the former, when the guest could
     * take it, 15.21.4 and 15.21.10; here the processor stops then.
     */
    private void followVirtualEvents(Vmcb vmcb) {
        int control = (int) vmcb.readAsIs(VmcbField.INTERRUPT_CONTROL);
        int priority = control >>> Interrupt.V_INTR_PRIO_SHIFT & 15;
        boolean masked = (control & Interrupt.V_IGN_TPR) == 0 && priority <= (control & Interrupt.V_TPR);
        intercepts.set(Intercept.INTERRUPT_WINDOW, (control & Interrupt.V_IRQ) != 0 && !masked);
        intercepts.set(
                Intercept.NMI_WINDOW,
                (control & Interrupt.V_NMI) != 0 && (control & Interrupt.V_NMI_ENABLE) != 0);
        processor.interceptsChanged();
    }

    /** CR0 has changed by other than the guest's own doing. */
    void followCr0() {
        intercepts.setCr0(intercepts.cr0Mask(), registers.cr0());
    }

    private void set(Intercept intercept, int bits) {
        intercepts.set(intercept, bits != 0);
    }
}
