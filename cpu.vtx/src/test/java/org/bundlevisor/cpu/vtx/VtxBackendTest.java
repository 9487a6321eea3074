package org.bundlevisor.cpu.vtx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.bundlevisor.mmu.SecondLevelTables.READ;

import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;
import org.bundlevisor.cpu.CpuBackend;
import org.bundlevisor.cpu.VirtualCpu.RunResult;
import org.bundlevisor.cpu.VmExit;
import org.bundlevisor.cpu.core.backend.CpuBackendContract;
import org.bundlevisor.mmu.SecondLevelPaging;
import org.bundlevisor.mmu.ept.ExtendedPageTables;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** What VT-x records and refuses, beside what every backend promises. */
class VtxBackendTest extends CpuBackendContract {
    private long firstInformation;
    private long firstLinearAddress;

    @Override
    protected CpuBackend backend() {
        return new VtxBackend();
    }

    @Override
    protected SecondLevelPaging paging() {
        return new ExtendedPageTables();
    }

    @Override
    protected void exited(VmExit exit) {
        super.exited(exit);
        if (exits().size() == 1) {
            Vmcs vmcs = ((VtxCpu) cpu()).vmcs();
            firstInformation = vmcs.read(VmcsField.EXIT_INSTRUCTION_INFORMATION);
            firstLinearAddress = vmcs.read(VmcsField.GUEST_LINEAR_ADDRESS);
        }
    }

    static Stream<Arguments> instructions() {
        return Stream.of(
                Arguments.of("0fa2", "CPUID", 10, 0L, 2L),
                Arguments.of("f4", "HLT", 12, 0L, 1L),
                Arguments.of("0f08", "INVD", 13, 0L, 2L),
                // out 0x80,al; in eax,dx with DX = 0
                Arguments.of("e680", "I/O instruction", 30, 0x0080_0040L, 2L),
                Arguments.of("ed", "I/O instruction", 30, 0x0bL, 1L),
                // rdmsr and wrmsr of MSR 0, which the guest does not own
                Arguments.of("0f32", "RDMSR", 31, 0L, 2L),
                Arguments.of("0f30", "WRMSR", 32, 0L, 2L),
                // mov cr8,rbx; mov rdx,cr8
                Arguments.of("440f22c3", "Control-register accesses", 28, 0x308L, 4L),
                Arguments.of("440f20c2", "Control-register accesses", 28, 0x218L, 4L),
                // vmcall, vmxon [rax], invept rax,[rax]
                Arguments.of("0f01c1", "VMCALL", 18, 0L, 3L),
                Arguments.of("0f01c4", "VMXOFF", 26, 0L, 3L));
    }

    @ParameterizedTest
    @MethodSource("instructions")
    void anInstructionExitsWithTheManualsReason(String code, String name, int reason, long qualification, long length) {
        longMode(code);
        cpu().setInstructionLimit(cpu().instructions() + 1);
        cpu().run();
        VmExit exit = exits().getFirst();
        assertThat(exit.reason()).isEqualTo(name);
        assertThat(exit.rip()).isEqualTo(CODE);
        assertThat(exit.information()).startsWith("qualification=0x%x".formatted(qualification));
    }

    @Test
    void theVmcsHoldsTheExitAndTheGuest() {
        real("e680 f4");
        assertThat(cpu().run()).isEqualTo(RunResult.HALTED);
        Vmcs vmcs = ((VtxCpu) cpu()).vmcs();
        assertThat(vmcs.read(VmcsField.EXIT_REASON)).isEqualTo(12);
        assertThat(vmcs.read(VmcsField.EXIT_INSTRUCTION_LENGTH)).isEqualTo(1);
        assertThat(vmcs.read(VmcsField.GUEST_RIP)).isEqualTo(CODE + 3);
        assertThat(vmcs.read(VmcsField.GUEST_ACTIVITY_STATE)).isEqualTo(EntryState.HLT);
        assertThat(vmcs.read(VmcsField.GUEST_CR0)).as("NE is the host's").isEqualTo(0x6000_0030);
        assertThat(vmcs.read(VmcsField.CR0_READ_SHADOW)).isEqualTo(0x6000_0010);
        assertThat(vmcs.read(VmcsField.GUEST_CR4)).isEqualTo(Capabilities.CR4_VMXE);
        assertThat(vmcs.read(VmcsField.VPID)).isEqualTo(1);
        assertThat(vmcs.read(VmcsField.EPT_POINTER)).isEqualTo(tables().root() | 0x5e);
    }

    /** SDM vol. 3C, 28.2.5: address size in bits 9:7, segment register in bits 17:15, and the linear address. */
    @Test
    void stringPortInstructionsAreDescribed() {
        // mov esi,0x2000; mov ecx,1; mov dx,0x10; rep outsb from FS
        longMode("be00200000 b901000000 66ba1000 f3646e");
        cpu().setInstructionLimit(cpu().instructions() + 4);
        cpu().run();
        assertThat(firstInformation & 0x3_8380).isEqualTo(2 << 7 | 4 << 15);
        assertThat(firstLinearAddress).isEqualTo(0x2000);
        assertThat(exits().getFirst().information()).startsWith("qualification=0x100030 out port=0x10 size=1");
    }

    @Test
    void writesToTheGuestStateAreaReachTheGuest() {
        real("f4 43 f4");
        cpu().run();
        Vmcs vmcs = ((VtxCpu) cpu()).vmcs();
        vmcs.write(VmcsField.GUEST_ACTIVITY_STATE, EntryState.ACTIVE);
        vmcs.write(VmcsField.GUEST_RIP, CODE + 1);
        assertThat(cpu().run()).isEqualTo(RunResult.HALTED);
        assertThat(general(3)).isEqualTo(1);
    }

    @Test
    void anInvalidGuestStateIsRefusedByName() {
        real("f4");
        Vmcs vmcs = ((VtxCpu) cpu()).vmcs();
        vmcs.write(VmcsField.GUEST_RFLAGS, 0);
        assertThat(cpu().run()).isEqualTo(RunResult.FAILED);
        assertThat(cpu().failure()).isEqualTo(
                "test: vCPU 0: VM entry refused by check RFLAGS_RESERVED: bits 63:22, 15, 5 and 3 of RFLAGS must be 0, "
                        + "bit 1 must be 1 (SDM vol. 3C, 27.3.1.4)");
        assertThat(vmcs.read(VmcsField.EXIT_REASON)).isEqualTo(1L << 31 | 33);
        assertThat(cpu().statistics().exits()).containsEntry("VM-entry failure due to invalid guest state", 1L);
    }

    @Test
    void invalidControlsAreVmFail7AndInvalidHostStateIsVmFail8() {
        real("f4");
        Vmcs vmcs = ((VtxCpu) cpu()).vmcs();
        vmcs.write(VmcsField.HOST_RIP, 0x8000_0000_0000L);
        assertThat(cpu().run()).isEqualTo(RunResult.FAILED);
        assertThat(vmcs.read(VmcsField.VM_INSTRUCTION_ERROR)).isEqualTo(8);
        assertThat(cpu().failure()).contains("HOST_RIP");
        cpu().restore(cpu().state());
        vmcs.write(VmcsField.HOST_RIP, 0);
        vmcs.write(VmcsField.VPID, 0);
        assertThat(cpu().run()).isEqualTo(RunResult.FAILED);
        assertThat(vmcs.read(VmcsField.VM_INSTRUCTION_ERROR)).isEqualTo(7);
        assertThat(cpu().failure()).contains("VPID_ZERO");
    }

    @Test
    void anMsrThatMustNotBeLoadedFailsTheEntry() {
        real("f4");
        Vmcs vmcs = ((VtxCpu) cpu()).vmcs();
        // the entry at host-physical 0 of this test's guest memory: FS.base
        poke(0x2000, "000100c0 00000000 0000000000000000");
        vmcs.write(VmcsField.ENTRY_MSR_LOAD_COUNT, 1);
        vmcs.write(VmcsField.ENTRY_MSR_LOAD_ADDRESS, hostPhysical(0x2000));
        assertThat(cpu().run()).isEqualTo(RunResult.FAILED);
        assertThat(vmcs.read(VmcsField.EXIT_REASON)).isEqualTo(1L << 31 | 34);
        assertThat(vmcs.read(VmcsField.EXIT_QUALIFICATION)).isEqualTo(1);
    }

    @Test
    void vmxInstructionsAreUndefinedForTheGuest() {
        real("0f01c1");
        vector(6, 0x3000, "f4");
        assertThat(cpu().run()).isEqualTo(RunResult.HALTED);
        assertThat(cpu().state().rip()).isEqualTo(0x3001);
    }

    @Test
    void deviceAccessesAreEptViolations() {
        // mov esi,0xe0000010; mov [rsi],eax; hlt
        longMode("be100000e0 8906 f4");
        assertThat(cpu().run()).isEqualTo(RunResult.HALTED);
        VmExit exit = exits().getFirst();
        assertThat(exit.reason()).isEqualTo("EPT violation");
        assertThat(exit.information()).isEqualTo("qualification=0x182 gpa=0xe0000010 gla=0xe0000010");
        Vmcs vmcs = ((VtxCpu) cpu()).vmcs();
        assertThat(vmcs.read(VmcsField.GUEST_PHYSICAL_ADDRESS)).isEqualTo(0xe000_0010L);
    }

    @Test
    void aWriteToReadOnlyMemoryFailsWithItsRights() throws Exception {
        tables().protect(0x5000, 4096, READ);
        real("a30050 f4");
        assertThat(cpu().run()).isEqualTo(RunResult.FAILED);
        assertThat(exits().getFirst().information()).startsWith("qualification=0x18a gpa=0x5000");
        assertThat(cpu().failure()).contains("wrote at guest-physical 0x5000");
    }

    @Test
    void anInterruptIsAnExitAWindowAndAnInjection() {
        // sti; nop; hlt with an interrupt that waits for the window
        real("fb 90 f4");
        vector(0x20, 0x3000, "f4");
        interrupt(0x20);
        assertThat(cpu().run()).isEqualTo(RunResult.HALTED);
        assertThat(cpu().state().rip()).isEqualTo(0x3001);
        assertThat(names()).containsExactly("Interrupt window", "HLT");
    }

    @Test
    void exitsAreInAFlightRecording(@TempDir Path folder) throws Exception {
        Path file = folder.resolve("exits.jfr");
        try (Recording recording = new Recording()) {
            recording.enable("org.bundlevisor.vtx.VmExit");
            recording.start();
            longMode("be100000e0 8906 f4");
            cpu().run();
            recording.stop();
            recording.dump(file);
        }
        List<RecordedEvent> events = RecordingFile.readAllEvents(file);
        assertThat(events).extracting(event -> event.getString("reason")).containsExactly("EPT violation", "HLT");
        assertThat(events.getFirst().getLong("guestPhysicalAddress")).isEqualTo(0xe000_0010L);
        assertThat(events.getFirst().getLong("qualification")).isEqualTo(0x182);
    }

    @Test
    void aLimitIsThePreemptionTimer() {
        real("ebfe");
        cpu().setInstructionLimit(cpu().instructions() + 10);
        assertThat(cpu().run()).isEqualTo(RunResult.LIMIT_REACHED);
        assertThat(names()).containsExactly("VMX-preemption timer expired");
        assertThat(((VtxCpu) cpu()).vmcs().pin(Controls.Pin.ACTIVATE_PREEMPTION_TIMER)).isTrue();
    }

    private List<String> names() {
        return exits().stream().map(VmExit::reason).toList();
    }
}
