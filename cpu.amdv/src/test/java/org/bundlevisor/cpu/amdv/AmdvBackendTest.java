package org.bundlevisor.cpu.amdv;

import static org.assertj.core.api.Assertions.assertThat;
import static org.bundlevisor.mmu.SecondLevelTables.READ;

import java.util.List;
import org.bundlevisor.cpu.CpuBackend;
import org.bundlevisor.cpu.VirtualCpu.RunResult;
import org.bundlevisor.cpu.VmExit;
import org.bundlevisor.cpu.amdv.Controls.Interrupt;
import org.bundlevisor.cpu.amdv.Controls.Vector3;
import org.bundlevisor.cpu.core.backend.CpuBackendContract;
import org.bundlevisor.mmu.SecondLevelPaging;
import org.bundlevisor.mmu.ept.NestedPageTables;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What AMD-V records and refuses, beside what every backend promises. */
class AmdvBackendTest extends CpuBackendContract {
    @Override
    protected CpuBackend backend() {
        return new AmdvBackend();
    }

    @Override
    protected SecondLevelPaging paging() {
        return new NestedPageTables();
    }

    /** EXITCODE, EXITINFO1, EXITINFO2 and nRIP of the first #VMEXIT. */
    private List<Long> first = List.of();

    @Override
    protected void exited(VmExit exit) {
        if (exits().isEmpty()) {
            first = List.of(vmcb().readAsIs(VmcbField.EXITCODE), vmcb().readAsIs(VmcbField.EXITINFO1),
                    vmcb().readAsIs(VmcbField.EXITINFO2), vmcb().readAsIs(VmcbField.N_RIP));
        }
        super.exited(exit);
    }

    private Vmcb vmcb() {
        return ((AmdvCpu) cpu()).vmcb();
    }

    /** Every instruction intercept on, in 64-bit mode: code, name, exit code, EXITINFO1, EXITINFO2, length. */
    @ParameterizedTest
    @CsvSource({
        "0fa2, VMEXIT_CPUID, 0x72, 0, 0, 2",
        "f4, VMEXIT_HLT, 0x78, 0, 0, 1",
        "0f08, VMEXIT_INVD, 0x76, 0, 0, 2",
        "0f09, VMEXIT_WBINVD, 0x89, 0, 0, 2",
        "0f31, VMEXIT_RDTSC, 0x6e, 0, 0, 2",
        "0f01f9, VMEXIT_RDTSCP, 0x87, 0, 0, 3",
        "0f33, VMEXIT_RDPMC, 0x6f, 0, 0, 2",
        "9c, VMEXIT_PUSHF, 0x70, 0, 0, 1",
        "9d, VMEXIT_POPF, 0x71, 0, 0, 1",
        "48cf, VMEXIT_IRET, 0x74, 0, 0, 2",
        "cd42, VMEXIT_SWINT, 0x75, 0x42, 0, 2",
        "f1, VMEXIT_ICEBP, 0x88, 0, 0, 1",
        "f390, VMEXIT_PAUSE, 0x77, 0, 0, 2",
        // invlpg [0x12345678]
        "0f013c2578563412, VMEXIT_INVLPG, 0x79, 0x12345678, 0, 8",
        "0f010c2500200000, VMEXIT_IDTR_READ, 0x66, 0, 0, 8",
        "0f01042500200000, VMEXIT_GDTR_READ, 0x67, 0, 0, 8",
        "0f00c0, VMEXIT_LDTR_READ, 0x68, 0, 0, 3",
        "0f00c8, VMEXIT_TR_READ, 0x69, 0, 0, 3",
        "0f011c2500200000, VMEXIT_IDTR_WRITE, 0x6a, 0, 0, 8",
        "0f01142500200000, VMEXIT_GDTR_WRITE, 0x6b, 0, 0, 8",
        "0f00d0, VMEXIT_LDTR_WRITE, 0x6c, 0, 0, 3",
        "0f00d8, VMEXIT_TR_WRITE, 0x6d, 0, 0, 3",
        "0f01d8, VMEXIT_VMRUN, 0x80, 0, 0, 3",
        "0f01d9, VMEXIT_VMMCALL, 0x81, 0, 0, 3",
        "0f01dd, VMEXIT_CLGI, 0x85, 0, 0, 3",
        "0f01df, VMEXIT_INVLPGA, 0x7a, 0, 0, 3",
        // out 0x80,al; in eax,dx with DX = 0; EXITINFO2 is the next RIP
        "e680, VMEXIT_IOIO, 0x7b, 0x800210, 0x1002, 2",
        "ed, VMEXIT_IOIO, 0x7b, 0x241, 0x1001, 1",
        // rep outsb from FS: bits 12:10 are the segment
        "64f36e, VMEXIT_IOIO, 0x7b, 0x121c, 0x1003, 3",
        "0f32, VMEXIT_MSR, 0x7c, 0, 0, 2",
        "0f30, VMEXIT_MSR, 0x7c, 1, 0, 2",
        // decode assists: mov cr3,rbx; mov r9,cr0; mov cr8,rbx; clts; mov dr7,rdx; mov r8,dr6
        "0f22db, VMEXIT_CR3_WRITE, 0x13, 0x8000000000000003, 0, 3",
        "410f20c1, VMEXIT_CR0_READ, 0, 0x8000000000000009, 0, 4",
        "440f22c3, VMEXIT_CR8_WRITE, 0x18, 0x8000000000000003, 0, 4",
        "0f06, VMEXIT_CR0_WRITE, 0x10, 0, 0, 2",
        "0f23fa, VMEXIT_DR7_WRITE, 0x37, 2, 0, 3",
        "410f21f0, VMEXIT_DR6_READ, 0x26, 8, 0, 4",
    })
    void everyInterceptHasItsCodeAndInformation(
            String code, String name, String number, String information1, String information2, int length) {
        longMode(code);
        setGeneral(1, 2);
        for (VmcbField vector : List.of(VmcbField.INTERCEPT_CR, VmcbField.INTERCEPT_DR, VmcbField.INTERCEPT_3,
                VmcbField.INTERCEPT_4, VmcbField.INTERCEPT_5)) {
            vmcb().write(vector, -1);
        }
        cpu().setInstructionLimit(cpu().instructions() + 1);
        cpu().run();
        assertThat(exits().getFirst().reason()).isEqualTo(name);
        assertThat(exits().getFirst().rip()).isEqualTo(CODE);
        assertThat(first)
                .containsExactly(Long.decode(number), Long.parseUnsignedLong(hex(information1), 16),
                        Long.parseUnsignedLong(hex(information2), 16), CODE + length);
    }

    private static String hex(String number) {
        return number.startsWith("0x") ? number.substring(2) : number;
    }

    @Test
    void theControlBlockHoldsTheExitAndTheGuest() {
        real("e680 f4");
        assertThat(cpu().run()).isEqualTo(RunResult.HALTED);
        assertThat(vmcb().read(VmcbField.EXITCODE)).isEqualTo(0x78);
        assertThat(vmcb().read(VmcbField.N_RIP)).isEqualTo(CODE + 3);
        assertThat(vmcb().read(VmcbField.RIP)).isEqualTo(CODE + 3);
        assertThat(vmcb().read(VmcbField.EFER)).as("SVME is the host's").isEqualTo(0x1000);
        assertThat(vmcb().read(VmcbField.CR0)).isEqualTo(0x6000_0010);
        assertThat(vmcb().read(VmcbField.CS_ATTRIBUTES)).isEqualTo(0x9b);
        assertThat(vmcb().read(VmcbField.ASID)).isEqualTo(1);
        assertThat(vmcb().read(VmcbField.N_CR3)).isEqualTo(tables().root());
    }

    @Test
    void writesToTheStateSaveAreaReachTheGuest() {
        longMode("90 90 43ffc3 0f0b f4");
        vmcb().write(VmcbField.RIP, CODE + 2);
        vmcb().write(VmcbField.RAX, 7);
        vmcb().write(VmcbField.LSTAR, 0x1234);
        cpu().setInstructionLimit(cpu().instructions() + 1);
        assertThat(cpu().run()).isEqualTo(RunResult.LIMIT_REACHED);
        assertThat(general(11)).isEqualTo(1);
        assertThat(general(0)).isEqualTo(7);
        assertThat(cpu().state().msrs()).containsEntry(0xc000_0082, 0x1234L);
    }

    @Test
    void anIllegalStateIsVmexitInvalidByName() {
        real("f4");
        vmcb().write(VmcbField.DR7, 1L << 32);
        assertThat(cpu().run()).isEqualTo(RunResult.FAILED);
        assertThat(cpu().failure()).isEqualTo(
                "test: vCPU 0: VMRUN refused by check DR7_RESERVED: bits 63:32 of DR7 must be 0 (APM vol. 2, 15.5.1)");
        assertThat(vmcb().read(VmcbField.EXITCODE)).isEqualTo(-1);
        assertThat(cpu().statistics().exits()).containsEntry("VMEXIT_INVALID", 1L);
    }

    @Test
    void exceptionsAreInterceptedAndReflected() {
        // mov eax,[0x200000000]: not mapped by the guest
        longMode("8b042500000000 f4");
        vmcb().write(VmcbField.INTERCEPT_EXCEPTIONS, 1 << 14 | 1 << 6);
        poke(CODE, "48b80000000002000000 8b00 f4");
        cpu().run();
        assertThat(first).startsWith(0x4eL, 0L, 0x2_0000_0000L);
        assertThat(cpu().state().control().cr2()).isEqualTo(0x2_0000_0000L);
        assertThat(cpu().state().activity()).as("there is no IDT").hasToString("SHUT_DOWN");
    }

    @Test
    void selectiveInterceptsOfCr0LeaveTsAndMpToTheGuest() {
        // mov rax,cr0; or al,10; mov cr0,rax; clts; mov rbx,cr0; xor eax,0x10000; mov cr0,rax; hlt
        longMode("0f20c0 0c0a 0f22c0 0f06 0f20c3 3500000100 0f22c0 f4");
        assertThat(cpu().run()).isEqualTo(RunResult.HALTED);
        assertThat(names()).containsExactly("VMEXIT_CR0_SEL_WRITE", "VMEXIT_HLT");
        assertThat(general(3) & 15).isEqualTo(3);
    }

    @Test
    void deviceAccessesAreNestedPageFaultsOfTheFinalAddress() {
        // mov esi,0xe0000010; mov [rsi],eax; hlt
        longMode("be100000e0 8906 f4");
        assertThat(cpu().run()).isEqualTo(RunResult.HALTED);
        VmExit exit = exits().getFirst();
        assertThat(exit.reason()).isEqualTo("VMEXIT_NPF");
        assertThat(exit.information()).isEqualTo("exitinfo1=0x100000006 exitinfo2=0xe0000010 gla=0xe0000010");
    }

    @Test
    void walksOfTheGuestsTablesAreUserWrites() throws Exception {
        longMode("f4");
        tables().protect(0x10000, 4096, READ);
        assertThat(cpu().run()).isEqualTo(RunResult.FAILED);
        assertThat(exits().getFirst().information()).startsWith("exitinfo1=0x200000007 exitinfo2=0x10000");
        assertThat(cpu().failure()).contains("walked page tables");
    }

    @Test
    void anInterruptWaitsForTheVirtualOne() {
        // sti; nop; hlt
        real("fb 90 f4");
        vector(0x20, 0x3000, "f4");
        interrupt(0x20);
        assertThat(cpu().run()).isEqualTo(RunResult.HALTED);
        assertThat(cpu().state().rip()).isEqualTo(0x3001);
        assertThat(names()).containsExactly("VMEXIT_VINTR", "VMEXIT_HLT");
        assertThat(vmcb().has(VmcbField.INTERRUPT_CONTROL, Interrupt.V_IRQ)).isFalse();
    }

    @Test
    void virtualInterruptsThatAreNotInterceptedAreDelivered() {
        real("90 fb 90 90 f4");
        vector(0x31, 0x3000, "b80100 f4");
        vmcb().write(VmcbField.INTERRUPT_VECTOR, 0x31);
        vmcb().write(VmcbField.INTERRUPT_CONTROL,
                vmcb().read(VmcbField.INTERRUPT_CONTROL) | Interrupt.V_IRQ | 5 << Interrupt.V_INTR_PRIO_SHIFT);
        assertThat(cpu().run()).isEqualTo(RunResult.HALTED);
        assertThat(cpu().state().rip()).isEqualTo(0x3004);
        assertThat(names()).containsExactly("VMEXIT_HLT");
    }

    @Test
    void virtualInterruptsBelowTheTaskPriorityWait() {
        real("fb 90 90 f4");
        vector(0x31, 0x3000, "f4");
        vmcb().write(VmcbField.INTERRUPT_VECTOR, 0x31);
        vmcb().write(VmcbField.INTERRUPT_CONTROL,
                vmcb().read(VmcbField.INTERRUPT_CONTROL) | Interrupt.V_IRQ | 9 | 9 << Interrupt.V_INTR_PRIO_SHIFT);
        assertThat(cpu().run()).isEqualTo(RunResult.HALTED);
        assertThat(cpu().state().rip()).isEqualTo(CODE + 4);
    }

    @Test
    void thePauseFilterCountsBeforeItExits() {
        // five times pause; hlt
        real("f390 f390 f390 f390 f390 f4");
        vmcb().write(VmcbField.INTERCEPT_3, vmcb().read(VmcbField.INTERCEPT_3) | Vector3.PAUSE);
        vmcb().write(VmcbField.PAUSE_FILTER_COUNT, 4);
        assertThat(cpu().run()).isEqualTo(RunResult.HALTED);
        assertThat(names()).containsExactly("VMEXIT_PAUSE", "VMEXIT_HLT");
        assertThat(exits().getFirst().rip()).isEqualTo(CODE + 8);
        assertThat(cpu().statistics().exits()).containsEntry("VMEXIT_PAUSE", 1L);
    }

    @Test
    void svmAndVmxInstructionsAreUndefinedForTheGuest() {
        real("0f01d9");
        vector(6, 0x3000, "f4");
        assertThat(cpu().run()).isEqualTo(RunResult.HALTED);
        assertThat(cpu().state().rip()).isEqualTo(0x3001);
        assertThat(names()).containsExactly("VMEXIT_VMMCALL", "VMEXIT_HLT");
        exits().clear();
        real("0f01c1");
        assertThat(cpu().run()).isEqualTo(RunResult.HALTED);
        assertThat(names()).containsExactly("VMEXIT_HLT");
    }

    @Test
    void cleanBitsSayWhatWasNotWritten() {
        real("f4 f4");
        cpu().run();
        assertThat(vmcb().read(VmcbField.CLEAN_BITS)).isEqualTo(0x7ff);
        vmcb().write(VmcbField.CR2, 5);
        vmcb().write(VmcbField.TSC_OFFSET, 5);
        vmcb().write(VmcbField.RIP, CODE + 1);
        assertThat(vmcb().read(VmcbField.CLEAN_BITS)).isEqualTo(0x7ff & ~(1 << 9) & ~1);
    }

    private List<String> names() {
        return exits().stream().map(VmExit::reason).toList();
    }
}
