package org.bundlevisor.cpu.amdv;

import java.util.Map;
import org.bundlevisor.cpu.CpuHost;
import org.bundlevisor.cpu.CpuModel;
import org.bundlevisor.cpu.CpuState.Injection;
import org.bundlevisor.cpu.PartitionConfiguration;
import org.bundlevisor.cpu.amdv.Controls.Interrupt;
import org.bundlevisor.cpu.amdv.Controls.Tlb;
import org.bundlevisor.cpu.amdv.Controls.Vector3;
import org.bundlevisor.cpu.amdv.Controls.Vector4;
import org.bundlevisor.cpu.amdv.Vmcb.Written;
import org.bundlevisor.cpu.core.BackendCpu;
import org.bundlevisor.cpu.core.EventLines;
import org.bundlevisor.cpu.core.Intercept;
import org.bundlevisor.cpu.core.ProcessorGroup;
import org.bundlevisor.memory.HostMemoryExhaustedException;
import org.jspecify.annotations.Nullable;

/** A vCPU as a hypervisor on AMD-V runs it: the VMCB decides what causes #VMEXITs, and records them. */
final class AmdvCpu extends BackendCpu {
    private static final int EXTENDED_FEATURES = 0x8000_0001;
    private static final int EDX = 3;
    private static final int LONG_MODE_BIT = 29;

    private final int index;
    private final CpuHost host;
    private final GuestState guestState;
    private final Vmcb vmcb;
    private final EntryState entryState;
    private final Intercepting intercepting;
    private final ExitRecorder recorder;

    /** V_IRQ is set to learn when the guest can take an interrupt. */
    private boolean windowRequested;

    /** The ASID that the processor's translations are tagged with. */
    private long taggedAsid;

    /** The last stop of the processor was a #VMEXIT, so that what comes next is a VMRUN. */
    private boolean exited = true;

    /** PAUSEs until the next exit, 15.14.4, and when the last one was. */
    private int pausesLeft;

    private long lastPause;

    AmdvCpu(int index, PartitionConfiguration configuration, PermissionMaps maps, ProcessorGroup group)
            throws HostMemoryExhaustedException {
        super(index, configuration, group);
        this.index = index;
        this.host = configuration.host();
        this.guestState = new GuestState(index, registers, host);
        this.vmcb = new Vmcb(configuration.memory(), guestState);
        CpuModel model = configuration.model();
        // the platform's counter runs at the guest's frequency already, so the ratio is 1
        this.entryState = new EntryState(
                vmcb,
                model.physicalAddressBits(),
                model.feature(EXTENDED_FEATURES, 0, EDX, LONG_MODE_BIT),
                EntryState.RATIO_ONE);
        this.intercepting = new Intercepting(processor, maps);
        this.recorder = new ExitRecorder(index, processor, vmcb, configuration.observer());
        setUp(configuration.tables().root(), maps);
        vmcb.guestStateReplaced();
    }

    /** Sets the VMCB up as a hypervisor does that uses nested paging and virtual NMIs. */
    private void setUp(long root, PermissionMaps maps) {
        vmcb.write(VmcbField.INTERCEPT_CR, 1 << 4 + Controls.WRITES_SHIFT);
        vmcb.write(
                VmcbField.INTERCEPT_3,
                Vector3.INTR
                        | Vector3.NMI
                        | Vector3.INIT
                        | Vector3.CR0_SEL_WRITE
                        | Vector3.RDPMC
                        | Vector3.CPUID
                        | Vector3.INVD
                        | Vector3.HLT
                        | Vector3.INVLPGA
                        | Vector3.IOIO_PROT
                        | Vector3.MSR_PROT
                        | Vector3.SHUTDOWN);
        vmcb.write(
                VmcbField.INTERCEPT_4,
                Vector4.VMRUN
                        | Vector4.VMMCALL
                        | Vector4.VMLOAD
                        | Vector4.VMSAVE
                        | Vector4.STGI
                        | Vector4.CLGI
                        | Vector4.SKINIT
                        | Vector4.WBINVD
                        | Vector4.MONITOR
                        | Vector4.MWAIT
                        | Vector4.XSETBV);
        vmcb.write(VmcbField.IOPM_BASE, maps.iopm());
        vmcb.write(VmcbField.MSRPM_BASE, maps.msrpm());
        vmcb.write(VmcbField.ASID, index + 1L);
        vmcb.write(VmcbField.INTERRUPT_CONTROL, Interrupt.V_INTR_MASKING | Interrupt.V_NMI_ENABLE);
        vmcb.write(VmcbField.NESTED_CONTROL, Controls.NP_ENABLE);
        vmcb.write(VmcbField.N_CR3, root);
    }

    @Override
    protected void loadGuestState() {
        if (vmcb.takeGuestStateWritten()) {
            guestState.load(vmcb);
        }
    }

    /** Puts the event to be delivered into EVENTINJ, and asks for the windows that others must wait for. */
    @Override
    protected void prepare(Injection event, int waiting) {
        boolean window = (waiting & EventLines.WAIT_FOR_INTERRUPT_WINDOW) != 0;
        if (window != windowRequested) {
            windowRequested = window;
            vmcb.set(VmcbField.INTERRUPT_CONTROL, Interrupt.V_IRQ | Interrupt.V_IGN_TPR, window);
            vmcb.set(VmcbField.INTERCEPT_3, Vector3.VINTR, window);
        }
        vmcb.set(VmcbField.INTERRUPT_CONTROL, Interrupt.V_NMI, (waiting & EventLines.WAIT_FOR_NMI_WINDOW) != 0);
        if (event == Injection.NONE) {
            return;
        }
        if (event.kind() == Injection.Kind.PRIVILEGED_SOFTWARE_EXCEPTION) {
            // EVENTINJ has no such type: INT1 becomes a #DB behind it, which saves the same RIP
            registers.setRip(registers.rip() + event.instructionLength());
        }
        vmcb.write(VmcbField.EVENTINJ, EventInformation.of(event));
        vmcb.save(VmcbField.N_RIP, registers.rip() + event.instructionLength());
    }

    /** VMRUN, APM vol. 2, 15.5: checks what has changed, loads state, injects. */
    @Override
    protected boolean enter() {
        if (vmcb.isWritten()) {
            EntryCheck failing = EntryCheck.firstFailing(entryState);
            if (failing != null) {
                recorder.record(ExitCode.INVALID, 0, 0);
                fail("VMRUN refused by check " + failing.name() + ": " + failing.requirement());
                return false;
            }
            if (vmcb.isWritten(Written.CONTROLS)) {
                loadControls();
            }
            vmcb.examined();
        }
        if (exited) {
            exited = false;
            pausesLeft = (int) vmcb.readAsIs(VmcbField.PAUSE_FILTER_COUNT);
        }
        long event = vmcb.readAsIs(VmcbField.EVENTINJ);
        processor.inject(
                EventInformation.isValid(event)
                        ? EventInformation.event(
                                event, (int) (vmcb.readAsIs(VmcbField.N_RIP) - registers.rip()))
                        : Injection.NONE);
        return true;
    }

    private void loadControls() {
        intercepting.follow(vmcb);
        registers.setTimeStampOffset(vmcb.readAsIs(VmcbField.TSC_OFFSET));
        long asid = vmcb.readAsIs(VmcbField.ASID);
        if (vmcb.readAsIs(VmcbField.TLB_CONTROL) != Tlb.DO_NOTHING || asid != taggedAsid) {
            taggedAsid = asid;
            // nested translations are tagged with the ASID as well, 15.25.2
            processor.invalidateSecondLevel();
            vmcb.save(VmcbField.TLB_CONTROL, Tlb.DO_NOTHING);
        }
    }

    @Override
    protected boolean record() {
        switch (exit.kind) {
            case INTERRUPT_WINDOW -> {
                if (!vmcb.has(VmcbField.INTERCEPT_3, Vector3.VINTR)) {
                    takeVirtualInterrupt();
                    return false;
                }
            }
            case NMI_WINDOW -> {
                // hardware takes the NMI now; here the lines still hold it, and the next VMRUN injects it
                vmcb.set(VmcbField.INTERRUPT_CONTROL, Interrupt.V_NMI, false);
                return false;
            }
            case INSTRUCTION -> {
                if (!recorder.isIntercepted() || exit.intercept == Intercept.PAUSE && passesFilter()) {
                    completeWithout(exit.intercept);
                    return false;
                }
            }
            default -> {}
        }
        recorder.record();
        exited = true;
        return true;
    }

    /** Virtual interrupts that are not intercepted are delivered as they are, APM vol. 2, 15.21.4. */
    private void takeVirtualInterrupt() {
        int vector = (int) vmcb.readAsIs(VmcbField.INTERRUPT_VECTOR) & 0xff;
        vmcb.set(VmcbField.INTERRUPT_CONTROL, Interrupt.V_IRQ, false);
        processor.inject(new Injection(Injection.Kind.EXTERNAL_INTERRUPT, vector, false, 0, 0));
    }

    /** Whether a PAUSE is one of those that cause no exit yet, APM vol. 2, 15.14.4. */
    private boolean passesFilter() {
        long threshold = vmcb.readAsIs(VmcbField.PAUSE_FILTER_THRESHOLD);
        long now = host.timeStampCounter(index);
        if (threshold != 0 && now - lastPause > threshold) {
            pausesLeft = (int) vmcb.readAsIs(VmcbField.PAUSE_FILTER_COUNT);
        }
        lastPause = now;
        return pausesLeft-- > 0;
    }

    /** AMD-V knows no wait for a start-up IPI: the hypervisor alone does. */
    @Override
    protected void recordStartUp(int vector) {}

    @Override
    protected void followIntercepts() {
        intercepting.follow(vmcb);
    }

    @Override
    protected void guestStateReplaced() {
        vmcb.guestStateReplaced();
    }

    @Override
    protected void controlRegistersChanged() {
        intercepting.followCr0();
    }

    @Override
    protected void timeStampOffsetChanged() {
        vmcb.write(VmcbField.TSC_OFFSET, registers.timeStampOffset());
    }

    @Override
    protected @Nullable String refusal() {
        EntryCheck failing = EntryCheck.firstFailingOfGuestState(entryState);
        return failing == null
                ? null
                : "AMD-V cannot enter the state, check " + failing.name() + ": " + failing.requirement();
    }

    @Override
    protected Map<String, Long> exitCounts() {
        return recorder.counts();
    }

    /** For tests: the control block. */
    Vmcb vmcb() {
        return vmcb;
    }

    @Override
    public void close() {
        super.close();
        vmcb.close();
    }
}
