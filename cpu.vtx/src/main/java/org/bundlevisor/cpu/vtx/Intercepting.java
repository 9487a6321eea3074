package org.bundlevisor.cpu.vtx;

import org.bundlevisor.cpu.core.Intercept;
import org.bundlevisor.cpu.core.Intercepts;
import org.bundlevisor.cpu.core.Processor;
import org.bundlevisor.cpu.vtx.Controls.Pin;
import org.bundlevisor.cpu.vtx.Controls.Primary;
import org.bundlevisor.cpu.vtx.Controls.Secondary;

/**
 * Tells the processor what to stop at, by the VM-execution controls, SDM vol. 3C, 26.1 "Instructions That Cause VM Exits"
 * and 26.2 "Other Causes of VM Exits". For one vCPU's thread.
 */
final class Intercepting {
    private static final int ALL_DEBUG_REGISTERS = 0xff;

    private final Processor processor;
    private final Intercepts intercepts;

    Intercepting(Processor processor, ControlBitmaps bitmaps) {
        this.processor = processor;
        this.intercepts = processor.intercepts();
        intercepts.setPorts(bitmaps::port);
        intercepts.setMsrs(bitmaps::msr);
    }

    /** Follows the controls after they, or the intercepts, have changed. */
    void follow(Vmcs vmcs) {
        // SDM vol. 3C, 26.1.2 and 26.4.2: unconditionally
        intercepts.set(Intercept.CPUID, true);
        intercepts.set(Intercept.GETSEC, true);
        intercepts.set(Intercept.INVD, true);
        intercepts.set(Intercept.XSETBV, true);
        intercepts.set(Intercept.TASK_SWITCH, true);
        intercepts.set(Intercept.VMX_INSTRUCTION, true);

        long pin = vmcs.read(VmcsField.PIN_BASED_CONTROLS);
        intercepts.set(Intercept.EXTERNAL_INTERRUPT, (pin & Pin.EXTERNAL_INTERRUPT_EXITING) != 0);
        intercepts.set(Intercept.NMI, (pin & Pin.NMI_EXITING) != 0);

        primary(vmcs, Primary.INTERRUPT_WINDOW_EXITING, Intercept.INTERRUPT_WINDOW);
        primary(vmcs, Primary.HLT_EXITING, Intercept.HLT);
        primary(vmcs, Primary.INVLPG_EXITING, Intercept.INVLPG);
        primary(vmcs, Primary.MWAIT_EXITING, Intercept.MWAIT);
        primary(vmcs, Primary.RDPMC_EXITING, Intercept.RDPMC);
        primary(vmcs, Primary.RDTSC_EXITING, Intercept.RDTSC);
        primary(vmcs, Primary.RDTSC_EXITING, Intercept.RDTSCP);
        primary(vmcs, Primary.NMI_WINDOW_EXITING, Intercept.NMI_WINDOW);
        primary(vmcs, Primary.MONITOR_EXITING, Intercept.MONITOR);
        primary(vmcs, Primary.PAUSE_EXITING, Intercept.PAUSE);

        secondary(vmcs, Secondary.DESCRIPTOR_TABLE_EXITING, Intercept.STORE_DESCRIPTOR_TABLE);
        secondary(vmcs, Secondary.DESCRIPTOR_TABLE_EXITING, Intercept.LOAD_DESCRIPTOR_TABLE);
        secondary(vmcs, Secondary.DESCRIPTOR_TABLE_EXITING, Intercept.STORE_LOCAL_OR_TASK);
        secondary(vmcs, Secondary.DESCRIPTOR_TABLE_EXITING, Intercept.LOAD_LOCAL_OR_TASK);
        secondary(vmcs, Secondary.WBINVD_EXITING, Intercept.WBINVD);
        secondary(vmcs, Secondary.RDRAND_EXITING, Intercept.RDRAND);
        intercepts.set(
                Intercept.INVPCID,
                vmcs.primary(Primary.INVLPG_EXITING) && vmcs.secondary(Secondary.ENABLE_INVPCID));

        int reads = bit(vmcs, Primary.CR3_STORE_EXITING, 3) | bit(vmcs, Primary.CR8_STORE_EXITING, 8);
        int writes = bit(vmcs, Primary.CR3_LOAD_EXITING, 3) | bit(vmcs, Primary.CR8_LOAD_EXITING, 8);
        intercepts.setControlRegisters(reads, writes);
        int debug = vmcs.primary(Primary.MOV_DR_EXITING) ? ALL_DEBUG_REGISTERS : 0;
        intercepts.setDebugRegisters(debug, debug);
        intercepts.setExceptions(
                (int) vmcs.read(VmcsField.EXCEPTION_BITMAP),
                (int) vmcs.read(VmcsField.PAGE_FAULT_ERROR_CODE_MASK),
                (int) vmcs.read(VmcsField.PAGE_FAULT_ERROR_CODE_MATCH));
        intercepts.setCr0(vmcs.read(VmcsField.CR0_GUEST_HOST_MASK), vmcs.read(VmcsField.CR0_READ_SHADOW));
        intercepts.setCr4(vmcs.read(VmcsField.CR4_GUEST_HOST_MASK), vmcs.read(VmcsField.CR4_READ_SHADOW));
        processor.interceptsChanged();
    }

    private void primary(Vmcs vmcs, int control, Intercept intercept) {
        intercepts.set(intercept, vmcs.primary(control));
    }

    private void secondary(Vmcs vmcs, int control, Intercept intercept) {
        intercepts.set(intercept, vmcs.secondary(control));
    }

    private static int bit(Vmcs vmcs, int control, int number) {
        return vmcs.primary(control) ? 1 << number : 0;
    }
}
