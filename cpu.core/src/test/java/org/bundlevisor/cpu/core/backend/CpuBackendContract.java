package org.bundlevisor.cpu.core.backend;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.bundlevisor.mmu.SecondLevelTables.ALL;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.bundlevisor.cpu.CpuBackend;
import org.bundlevisor.cpu.CpuState;
import org.bundlevisor.cpu.CpuState.Activity;
import org.bundlevisor.cpu.CpuState.Control;
import org.bundlevisor.cpu.CpuState.DescriptorTable;
import org.bundlevisor.cpu.CpuState.Injection;
import org.bundlevisor.cpu.CpuState.Segment;
import org.bundlevisor.cpu.Partition;
import org.bundlevisor.cpu.PartitionConfiguration;
import org.bundlevisor.cpu.VirtualCpu;
import org.bundlevisor.cpu.VirtualCpu.RunResult;
import org.bundlevisor.cpu.VmExit;
import org.bundlevisor.memory.HostMemoryExhaustedException;
import org.bundlevisor.memory.HostRange;
import org.bundlevisor.mmu.MemoryType;
import org.bundlevisor.mmu.SecondLevelPaging;
import org.bundlevisor.mmu.SecondLevelTables;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * What every {@link CpuBackend} promises. A backend's own tests extend this class and add what only its manual speaks of.
 * The guest has 4 MiB of memory; code lies at 1000H, the stack below it, the real-mode interrupt vector table at 0.
 */
@Timeout(value = 60, unit = TimeUnit.SECONDS)
public abstract class CpuBackendContract {
    protected static final long CODE = 0x1000;
    private static final long MEMORY = 4 << 20;
    private static final long PAGE_TABLES = 0x10000;
    private static final int CS = 1;
    private static final int RAX = 0;
    private static final int RCX = 1;
    private static final int RDX = 2;
    private static final int RBX = 3;
    private static final int RSP = 4;

    private final List<VmExit> exits = new ArrayList<>();
    private Arena arena;
    private BenchHost host;
    private BenchMemory memory;
    private HostRange ram;
    private SecondLevelTables tables;
    private Partition partition;
    private VirtualCpu cpu;

    protected abstract CpuBackend backend();

    /** The format that the backend asks for. */
    protected abstract SecondLevelPaging paging();

    @BeforeEach
    void create() throws HostMemoryExhaustedException {
        arena = Arena.ofShared();
        memory = new BenchMemory(arena, 64 << 20);
        ram = memory.allocate(MEMORY, MEMORY);
        tables = paging().create(memory, 40);
        tables.map(0, ram.address(), MEMORY, ALL, MemoryType.WRITE_BACK);
        host = new BenchHost();
        partition = newPartition(host);
        cpu = partition.createCpu(0);
        host.cpu = cpu;
    }

    @AfterEach
    void close() {
        partition.close();
        tables.close();
        arena.close();
    }

    protected final VirtualCpu cpu() {
        return cpu;
    }

    protected final List<VmExit> exits() {
        return exits;
    }

    protected final SecondLevelTables tables() {
        return tables;
    }

    private Partition newPartition(BenchHost host) throws HostMemoryExhaustedException {
        return backend()
                .createPartition(
                        new PartitionConfiguration("test", memory, tables, BenchModel.create(), host, this::exited));
    }

    /** Sees each exit as it happens. */
    protected void exited(VmExit exit) {
        exits.add(exit);
    }

    @Test
    void theBackendNamesAFormatThatExists() {
        assertThat(backend().pagingFormat()).isEqualTo(tables.format());
    }

    @Test
    void powerUpIsAtTheResetVectorOrWaitsForAStartUp() throws Exception {
        // SDM vol. 3A, table 11-1
        CpuState boot = cpu.state();
        assertThat(boot.activity()).isEqualTo(Activity.RUNNING);
        assertThat(boot.rip()).isEqualTo(0xfff0);
        assertThat(boot.rflags()).isEqualTo(2);
        assertThat(boot.segments().get(1).selector()).isEqualTo(0xf000);
        assertThat(boot.segments().get(1).base()).isEqualTo(0xffff_0000L);
        assertThat(boot.control().cr0()).isEqualTo(0x6000_0010);
        assertThat(boot.general().get(RDX)).isEqualTo(0x3_0661);
        assertThat(partition.createCpu(1).state().activity()).isEqualTo(Activity.WAITING_FOR_STARTUP);
    }

    @Test
    void codeRunsUntilHlt() {
        // mov ax,3; add ax,4; hlt
        real("b80300 050400 f4");
        assertThat(cpu.run()).isEqualTo(RunResult.HALTED);
        assertThat(general(RAX) & 0xffff).isEqualTo(7);
        assertThat(cpu.state().rip()).isEqualTo(CODE + 7);
        assertThat(cpu.state().activity()).isEqualTo(Activity.HALTED);
        assertThat(cpu.instructions()).isEqualTo(3);
        assertThat(cpu.wakes()).isFalse();
        assertThat(cpu.run()).isEqualTo(RunResult.HALTED);
        assertThat(cpu.instructions()).isEqualTo(3);
    }

    @Test
    void longModeRuns() {
        // mov rax,0x123456789abcdef0; mov r15,rax; hlt
        longMode("48b8f0debc9a78563412 4989c7 f4");
        assertThat(cpu.run()).isEqualTo(RunResult.HALTED);
        assertThat(general(15)).isEqualTo(0x1234_5678_9abc_def0L);
    }

    @Test
    void theInstructionLimitIsExact() {
        // inc ax; jmp $-1
        real("40 ebfd");
        cpu.setInstructionLimit(1001);
        assertThat(cpu.run()).isEqualTo(RunResult.LIMIT_REACHED);
        assertThat(cpu.instructions()).isEqualTo(1001);
        assertThat(general(RAX) & 0xffff).isEqualTo(501);
        assertThat(cpu.run()).isEqualTo(RunResult.LIMIT_REACHED);
        cpu.setInstructionLimit(1003);
        assertThat(cpu.run()).isEqualTo(RunResult.LIMIT_REACHED);
        assertThat(cpu.instructions()).isEqualTo(1003);
    }

    @Test
    void aKickStopsTheNextRun() {
        real("ebfe");
        cpu.kick();
        assertThat(cpu.run()).isEqualTo(RunResult.KICKED);
    }

    @Test
    void aKickStopsARunningGuest() throws Exception {
        real("ebfe");
        Thread thread = Thread.ofPlatform().start(() -> {
            while (cpu.instructions() < 10_000) {
                Thread.onSpinWait();
            }
            cpu.kick();
        });
        assertThat(cpu.run()).isEqualTo(RunResult.KICKED);
        thread.join();
        assertThat(cpu.state().rip()).isEqualTo(CODE);
    }

    @Test
    void portsReachTheBus() {
        // mov al,0x41; mov dx,0x3f8; out dx,al; in eax,dx; in al,0x71; out 0x80,ax; hlt
        real("b041 baf803 ee 66ed e471 e780 f4");
        assertThat(cpu.run()).isEqualTo(RunResult.HALTED);
        assertThat(host.log).containsExactly("out 3f8/1 41", "in 3f8/4", "in 71/1", "out 80/2 5678");
        assertThat(general(RAX)).isEqualTo(0x1234_5678);
        assertThat(cpu.instructions()).isEqualTo(7);
    }

    @Test
    void stringPortInstructionsReachTheBus() {
        // mov si,0x2000; mov cx,3; mov dx,0x10; rep outsb; mov di,0x2010; mov cx,2; rep insw; hlt
        poke(0x2000, "616263");
        real("be0020 b90300 ba1000 f36e bf1020 b90200 f36d f4");
        assertThat(cpu.run()).isEqualTo(RunResult.HALTED);
        assertThat(host.log).containsExactly("out 10/1 61", "out 10/1 62", "out 10/1 63", "in 10/2", "in 10/2");
        assertThat(peek(0x2010, 4)).isEqualTo(0x5678_5678);
        assertThat(general(RCX) & 0xffff).isZero();
    }

    @Test
    void deviceMemoryReachesTheBus() {
        // mov eax,[0xe0000010]; mov [0xe0000020],rbx; movzx ecx,byte [0xe0000001]; hlt, by absolute addresses in RSI
        longMode("be100000e0 8b06 48895e10 0fb64ef1 f4");
        setGeneral(RBX, 0xaabb_ccdd_eeffL);
        assertThat(cpu.run()).isEqualTo(RunResult.HALTED);
        assertThat(host.log).containsExactly("read e0000010/4", "write e0000020/8 aabbccddeeff", "read e0000001/1");
        assertThat(general(RAX)).isEqualTo(0x5566_7788L);
        assertThat(general(RCX)).isEqualTo(0x88);
    }

    @Test
    void cpuidIsTheModels() {
        // mov eax,1; cpuid; hlt
        real("66b801000000 0fa2 f4");
        assertThat(cpu.run()).isEqualTo(RunResult.HALTED);
        assertThat(general(RAX)).isEqualTo(0x3_0661);
        assertThat(general(RDX)).isEqualTo(BenchModel.LEAF_1_EDX);
    }

    @Test
    void msrsOutsideOfTheProcessorReachTheHost() {
        // mov ecx,0x1b; rdmsr; wrmsr; hlt
        real("66b91b000000 0f32 0f30 f4");
        assertThat(cpu.run()).isEqualTo(RunResult.HALTED);
        assertThat(general(RAX)).isEqualTo(0xfee0_0900L);
        assertThat(general(RDX)).isZero();
        assertThat(host.log).containsExactly("wrmsr 1b fee00900");
    }

    @Test
    void anMsrThatDoesNotExistIsAGeneralProtectionFault() {
        // mov ecx,0x12345; rdmsr
        real("66b945230100 0f32");
        vector(13, 0x3000, "f4");
        assertThat(cpu.run()).isEqualTo(RunResult.HALTED);
        assertThat(cpu.state().rip()).isEqualTo(0x3001);
        assertThat(peek(stackPointer(), 2) & 0xffff).as("saved IP").isEqualTo(0x1006);
    }

    @Test
    void controlRegistersChangeModes() {
        // mov eax,cr0; or al,1; mov cr0,eax; mov eax,cr0; hlt: protected mode with what real mode has loaded
        real("0f20c0 0c01 0f22c0 0f20c3 f4");
        assertThat(cpu.run()).isEqualTo(RunResult.HALTED);
        assertThat(general(RBX)).isEqualTo(0x6000_0011);
        assertThat(cpu.state().control().cr0()).isEqualTo(0x6000_0011);
    }

    @Test
    void pagingPointersThatAreNotInMemoryAreAGeneralProtectionFault() {
        // mov eax,0xd0000000; mov cr3,eax; mov eax,0x20; mov cr4,eax; mov eax,0x80000011; mov cr0,eax: PAE paging
        real("66b8000000d0 0f22d8 66b820000000 0f22e0 66b811000080 0f22c0");
        vector(13, 0x3000, "f4");
        assertThat(cpu.run()).isEqualTo(RunResult.HALTED);
        assertThat(cpu.state().rip()).isEqualTo(0x3001);
        assertThat(cpu.state().control().cr0()).isEqualTo(0x6000_0010);
    }

    @Test
    void theTaskPriorityIsTheHosts() {
        // mov eax,9; mov cr8,rax; mov rbx,cr8; hlt
        longMode("b809000000 440f22c0 440f20c3 f4");
        assertThat(cpu.run()).isEqualTo(RunResult.HALTED);
        assertThat(host.priority).isEqualTo(9);
        assertThat(general(RBX)).isEqualTo(9);
    }

    @Test
    void anInterruptWakesAHaltedCpu() {
        // sti; hlt; hlt
        real("fb f4 f4");
        vector(0x20, 0x3000, "b85500 cf");
        assertThat(cpu.run()).isEqualTo(RunResult.HALTED);
        assertThat(cpu.wakes()).isFalse();
        host.interrupt(0x20);
        assertThat(cpu.wakes()).isTrue();
        assertThat(cpu.run()).isEqualTo(RunResult.HALTED);
        assertThat(host.log).containsExactly("acknowledge 32");
        assertThat(general(RAX) & 0xffff).isEqualTo(0x55);
        assertThat(cpu.state().rip()).isEqualTo(CODE + 3);
    }

    @Test
    void anInterruptWaitsUntilTheInstructionAfterSti() {
        // nop; sti; inc bx; inc bx; hlt
        real("90 fb 43 43 f4");
        vector(0x20, 0x3000, "89d8 f4");
        host.interrupt(0x20);
        assertThat(cpu.run()).isEqualTo(RunResult.HALTED);
        assertThat(cpu.state().rip()).isEqualTo(0x3003);
        assertThat(general(RAX) & 0xffff).as("instructions behind STI before the interrupt").isEqualTo(1);
    }

    @Test
    void aHaltedCpuWithInterruptsDisabledSleepsOn() {
        real("f4");
        cpu.run();
        host.interrupt(0x20);
        assertThat(cpu.wakes()).isFalse();
        assertThat(cpu.run()).isEqualTo(RunResult.HALTED);
        assertThat(host.log).isEmpty();
    }

    @Test
    void anInterruptThatWentAwayIsNotDelivered() {
        real("fb 90 90 f4");
        cpu.setInterruptRequest(true);
        assertThat(cpu.run()).isEqualTo(RunResult.HALTED);
        assertThat(cpu.state().rip()).isEqualTo(CODE + 4);
    }

    @Test
    void nmisAreBlockedUntilIret() {
        // the handler counts in BX and halts twice before its IRET
        real("f4 f4");
        vector(2, 0x3000, "43 f4 f4 cf");
        cpu.run();
        cpu.nonMaskableInterrupt();
        assertThat(cpu.wakes()).isTrue();
        assertThat(cpu.run()).isEqualTo(RunResult.HALTED);
        assertThat(general(RBX) & 0xffff).isEqualTo(1);
        assertThat(cpu.state().events().nmiBlocked()).isTrue();
        cpu.nonMaskableInterrupt();
        assertThat(cpu.run()).as("the second one is blocked").isEqualTo(RunResult.HALTED);
        assertThat(general(RBX) & 0xffff).isEqualTo(1);
        assertThat(cpu.state().events().nmiPending()).isTrue();
        awake(0x3002);
        assertThat(cpu.run()).isEqualTo(RunResult.HALTED);
        awake(0x3003);
        assertThat(cpu.run()).as("IRET lets it in").isEqualTo(RunResult.HALTED);
        assertThat(general(RBX) & 0xffff).isEqualTo(2);
    }

    @Test
    void anApplicationProcessorStartsWhereTheStartUpSays() throws Exception {
        VirtualCpu second = partition.createCpu(1);
        poke(0x9000, "b80700 f4");
        assertThat(second.run()).isEqualTo(RunResult.WAITING_FOR_STARTUP);
        assertThat(second.wakes()).isFalse();
        second.startUp(9);
        assertThat(second.wakes()).isTrue();
        assertThat(second.run()).isEqualTo(RunResult.HALTED);
        CpuState state = second.state();
        assertThat(state.segments().get(1).selector()).isEqualTo(0x900);
        assertThat(state.rip()).isEqualTo(4);
        assertThat(state.general().get(RAX) & 0xffff).isEqualTo(7);
        second.startUp(0x10);
        assertThat(second.wakes()).as("a second one is ignored").isFalse();
    }

    @Test
    void cpusThatExecuteTheSamePageDoNotMakeEachOtherDecodeItAgainAndAgain() throws Exception {
        // inc ax; jmp $+2; jmp $-3
        real("40 eb00 ebfb");
        VirtualCpu second = partition.createCpu(1);
        second.startUp(1);
        long end = cpu.instructions() + 3_000_000;
        // the second runs on for as long as the first has not come to its end
        Thread thread = Thread.ofPlatform().start(second::run);
        while (second.instructions() < 1000) {
            Thread.onSpinWait();
        }
        cpu.setInstructionLimit(end);
        assertThat(cpu.run()).isEqualTo(RunResult.LIMIT_REACHED);
        second.kick();
        thread.join();
        assertThat(cpu.statistics().tracesDecoded()).isLessThan(20);
        assertThat(second.statistics().tracesDecoded()).isLessThan(20);
    }

    @Test
    void initResets() throws Exception {
        VirtualCpu second = partition.createCpu(1);
        poke(0x9000, "ebfe");
        second.startUp(9);
        second.setInstructionLimit(10);
        assertThat(second.run()).isEqualTo(RunResult.LIMIT_REACHED);
        second.init();
        assertThat(second.run()).isEqualTo(RunResult.WAITING_FOR_STARTUP);
        assertThat(second.state().rip()).isEqualTo(0xfff0);
        real("f4");
        cpu.run();
        cpu.init();
        assertThat(cpu.wakes()).isTrue();
        cpu.setInstructionLimit(cpu.instructions());
        assertThat(cpu.run()).as("the bootstrap processor starts again").isEqualTo(RunResult.LIMIT_REACHED);
        assertThat(cpu.state().rip()).isEqualTo(0xfff0);
        assertThat(cpu.state().segments().get(1).base()).isEqualTo(0xffff_0000L);
    }

    @Test
    void aTripleFaultShutsDown() {
        // lidt with limit 0, then an exception
        longMode("0f0b");
        assertThat(cpu.run()).isEqualTo(RunResult.SHUT_DOWN);
        assertThat(cpu.state().activity()).isEqualTo(Activity.SHUT_DOWN);
        assertThat(cpu.state().rip()).isEqualTo(CODE);
        assertThat(cpu.wakes()).isFalse();
        assertThat(cpu.run()).isEqualTo(RunResult.SHUT_DOWN);
    }

    @Test
    void executingWhereThereIsNoMemoryFailsWithOneSentence() {
        // jmp far to 0xe000:0 in real mode has no memory at 0xe0000000: use a 64-bit jump
        longMode("b8000000e0 ffe0");
        assertThat(cpu.run()).isEqualTo(RunResult.FAILED);
        assertThat(cpu.failure()).contains("test").contains("0xe0000000").doesNotContain("\n");
        assertThat(cpu.state().rip()).isEqualTo(0xe000_0000L);
        assertThat(cpu.run()).isEqualTo(RunResult.FAILED);
    }

    @Test
    void stateMovesToAnotherPartition() throws Exception {
        // mov cx,1000; l: add ax,cx; imul bx,ax,7; xor dx,bx; loop l; hlt
        String code = "b9e803 01c8 6bd807 31da e2f7 f4";
        real(code);
        cpu.run();
        CpuState whole = cpu.state();
        real(code);
        long begin = cpu.instructions();
        for (int step = 100; step < 3000; step += 377) {
            cpu.setInstructionLimit(begin + step);
            assertThat(cpu.run()).isEqualTo(RunResult.LIMIT_REACHED);
            CpuState moving = cpu.state();
            partition.close();
            partition = newPartition(host);
            cpu = partition.createCpu(0);
            cpu.restore(moving);
            assertThat(cpu.state().general()).isEqualTo(moving.general());
            assertThat(cpu.state().segments()).isEqualTo(moving.segments());
            assertThat(cpu.state().control()).isEqualTo(moving.control());
            assertThat(cpu.instructions()).isEqualTo(moving.instructions());
        }
        cpu.setInstructionLimit(Long.MAX_VALUE);
        assertThat(cpu.run()).isEqualTo(RunResult.HALTED);
        assertThat(cpu.state().general()).isEqualTo(whole.general());
        assertThat(cpu.state().rflags()).isEqualTo(whole.rflags());
    }

    @Test
    void waitingEventsMoveWithTheState() throws Exception {
        real("90 f4");
        vector(2, 0x3000, "bb0500 f4");
        cpu.nonMaskableInterrupt();
        CpuState moving = cpu.state();
        assertThat(moving.events().nmiPending()).isTrue();
        VirtualCpu other = newPartition(host).createCpu(0);
        other.restore(moving);
        assertThat(other.run()).isEqualTo(RunResult.HALTED);
        assertThat(other.state().rip()).isEqualTo(0x3004);
        other.close();
    }

    /** Decided on, an interrupt acknowledged even, but not delivered: it is delivered once, on the other side. */
    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "NONE")
    void anEventThatIsToBeDeliveredMovesWithTheState(Injection.Kind kind) throws Exception {
        int vector = switch (kind) {
            case NMI -> 2;
            case HARDWARE_EXCEPTION -> 6;
            case PRIVILEGED_SOFTWARE_EXCEPTION -> 1;
            case SOFTWARE_EXCEPTION -> 3;
            default -> 0x31;
        };
        boolean software = switch (kind) {
            case SOFTWARE_INTERRUPT, SOFTWARE_EXCEPTION, PRIVILEGED_SOFTWARE_EXCEPTION -> true;
            default -> false;
        };
        real("cd31 f4");
        vector(vector, 0x3000, "43 f4");
        Injection event = new Injection(kind, vector, false, 0, software ? 2 : 0);
        StateEditor state = new StateEditor(cpu.state());
        state.rflags |= 1 << 9;
        state.events = new CpuState.Events(event, CpuState.Shadow.NONE, 0, false, false, false);
        cpu.restore(state.build());
        CpuState moving = cpu.state();
        assertThat(moving.events().injection()).isEqualTo(event);
        partition.close();
        partition = newPartition(host);
        cpu = partition.createCpu(0);
        cpu.restore(moving);
        assertThat(cpu.state().events().injection()).isEqualTo(event);
        assertThat(cpu.run()).isEqualTo(RunResult.HALTED);
        assertThat(cpu.state().rip()).isEqualTo(0x3002);
        assertThat(general(RBX)).isEqualTo(1);
        assertThat(peek(CODE - 6, 2)).as("saved IP").isEqualTo((short) (CODE + (software ? 2 : 0)));
        assertThat(cpu.state().events().injection()).isEqualTo(Injection.NONE);
        assertThat(cpu.state().events().nmiBlocked()).isEqualTo(kind == Injection.Kind.NMI);
        assertThat(cpu.state().events().nmiPending()).isFalse();
    }

    @ParameterizedTest
    @EnumSource
    void interruptShadowsMoveWithTheState(CpuState.Shadow shadow) throws Exception {
        // inc bx; hlt
        real("43 f4");
        vector(0x20, 0x3000, "f4");
        StateEditor state = new StateEditor(cpu.state());
        state.rflags |= 1 << 9;
        state.events = new CpuState.Events(Injection.NONE, shadow, 0, false, false, false);
        cpu.restore(state.build());
        CpuState moving = cpu.state();
        assertThat(moving.events().shadow()).isEqualTo(shadow);
        partition.close();
        partition = newPartition(host);
        cpu = partition.createCpu(0);
        host.cpu = cpu;
        cpu.restore(moving);
        host.interrupt(0x20);
        assertThat(cpu.run()).isEqualTo(RunResult.HALTED);
        assertThat(cpu.state().rip()).isEqualTo(0x3001);
        assertThat(general(RBX)).as("instructions in the shadow").isEqualTo(shadow == CpuState.Shadow.NONE ? 0 : 1);
    }

    @Test
    void aStartUpThatNobodyHasTakenMovesWithTheState() throws Exception {
        poke(0x9000, "b80700 f4");
        VirtualCpu second = partition.createCpu(1);
        second.init();
        second.startUp(9);
        CpuState moving = second.state();
        partition.close();
        partition = newPartition(host);
        VirtualCpu other = partition.createCpu(1);
        other.restore(moving);
        assertThat(other.wakes()).isTrue();
        assertThat(other.run()).isEqualTo(RunResult.HALTED);
        assertThat(other.state().segments().get(CS).selector()).isEqualTo(0x900);
        assertThat(other.state().rip()).isEqualTo(4);
    }

    @Test
    void waitingForAStartUpMovesWithTheState() throws Exception {
        poke(0x9000, "b80700 f4");
        CpuState moving = partition.createCpu(1).state();
        partition.close();
        partition = newPartition(host);
        VirtualCpu other = partition.createCpu(1);
        other.restore(moving);
        assertThat(other.run()).isEqualTo(RunResult.WAITING_FOR_STARTUP);
        other.startUp(9);
        assertThat(other.run()).isEqualTo(RunResult.HALTED);
        assertThat(other.state().rip()).isEqualTo(4);
    }

    @Test
    void theTimeStampCounterGoesOnAfterARestore() {
        // rdtsc; hlt
        real("0f31 f4");
        host.timeStamp = 5000;
        CpuState state = cpu.state();
        host.timeStamp = 9_000_000;
        cpu.restore(state);
        cpu.run();
        assertThat(general(RAX)).isBetween(state.timeStampCounter(), state.timeStampCounter() + 100);
    }

    @Test
    void aStateThatCannotBeIsRefusedAndNothingChanges() {
        real("f4");
        CpuState good = cpu.state();
        StateEditor bad = new StateEditor(good);
        bad.control = new Control(0x8000_0000L, 0, 0, 0, 0, 1);
        assertThatThrownBy(() -> cpu.restore(bad.build())).isInstanceOf(IllegalArgumentException.class);
        bad.control = new Control(0x8000_0011L, 0, 0xd000_0000L, 0x20, 0, 1);
        assertThatThrownBy(() -> cpu.restore(bad.build())).isInstanceOf(IllegalArgumentException.class);
        assertThat(cpu.state().rip()).isEqualTo(good.rip());
        assertThat(cpu.state().control()).isEqualTo(good.control());
        assertThat(cpu.run()).isEqualTo(RunResult.HALTED);
    }

    @Test
    void invalidationMakesChangedTablesVisible() throws Exception {
        // mov ax,[0x2000]; hlt; mov ax,[0x2000]; hlt
        poke(0x2000, "1111");
        real("a10020 f4 a10020 f4");
        cpu.run();
        HostRange page = memory.allocate(4096, 4096);
        memory.segment().set(ValueLayout.JAVA_SHORT, page.address(), (short) 0x2222);
        tables.map(0x2000, page.address(), 4096, ALL, MemoryType.WRITE_BACK);
        partition.invalidateSecondLevel();
        awake(CODE + 4);
        cpu.run();
        assertThat(general(RAX) & 0xffff).isEqualTo(0x2222);
    }

    @Test
    void invalidationReachesARunningGuest() throws Exception {
        // mov al,[0x2000]; mov [0x2800],al; jmp $-6
        real("a00020 a20028 ebf8");
        HostRange page = memory.allocate(4096, 4096);
        memory.segment().set(ValueLayout.JAVA_BYTE, page.address(), (byte) 0x77);
        tables.map(0x3000, ram.address() + 0x2000, 4096, ALL, MemoryType.WRITE_BACK);
        Thread thread = Thread.ofPlatform().start(() -> assertThat(cpu.run()).isEqualTo(RunResult.KICKED));
        while (cpu.instructions() < 1000) {
            Thread.onSpinWait();
        }
        tables.map(0x2000, page.address(), 4096, ALL, MemoryType.WRITE_BACK);
        partition.invalidateSecondLevel();
        // From here on no instruction begins with the old page: 2800H now lies in the new one.
        long since = cpu.instructions();
        while (cpu.instructions() < since + 1000) {
            Thread.onSpinWait();
        }
        cpu.kick();
        thread.join();
        assertThat(memory.segment().get(ValueLayout.JAVA_BYTE, page.address() + 0x800)).isEqualTo((byte) 0x77);
    }

    @Test
    void memoryWrittenFromOutsideIsDecodedAnew() {
        // mov al,1; hlt
        real("b001 f4");
        cpu.run();
        poke(CODE, "b002");
        partition.memoryWritten(CODE, 2);
        awake(CODE);
        cpu.run();
        assertThat(general(RAX) & 0xff).isEqualTo(2);
    }

    @Test
    void exitsAreCountedAndShown() {
        real("e680 e680 0fa2 f4");
        cpu.run();
        long counted = cpu.statistics().exits().values().stream().mapToLong(Long::longValue).sum();
        assertThat(counted).isEqualTo(exits.size()).isGreaterThanOrEqualTo(4);
        assertThat(exits).allSatisfy(exit -> {
            assertThat(exit.cpu()).isZero();
            assertThat(cpu.statistics().exits()).containsKey(exit.reason());
        });
        assertThat(exits.getFirst().rip()).isEqualTo(CODE);
        assertThat(exits.getLast().rip()).isEqualTo(CODE + 6);
    }

    /** Raises an interrupt as a device would. */
    protected final void interrupt(int vector) {
        host.interrupt(vector);
    }

    /** Where a byte of the guest's memory lies in host memory. */
    protected final long hostPhysical(long gpa) {
        return ram.address() + gpa;
    }

    /** Places code at 1000H and the CPU there in real mode, with all segments at 0. */
    protected final void real(String hex) {
        StateEditor state = start(hex);
        for (int segment = 0; segment < 6; segment++) {
            state.segments.set(segment, new Segment(0, 0, 0xffff, segment == CS ? 0x9b : 0x93));
        }
        state.control = new Control(0x6000_0010, 0, 0, 0, 0, 1);
        cpu.restore(state.build());
    }

    /** Places code at 1000H and the CPU there in 64-bit mode at CPL 0, the first 4 GiB mapped to themselves, no IDT. */
    protected final void longMode(String hex) {
        StateEditor state = start(hex);
        pokeLong(PAGE_TABLES, PAGE_TABLES + 0x1000 | 7);
        for (int n = 0; n < 4; n++) {
            pokeLong(PAGE_TABLES + 0x1000 + 8L * n, (long) n << 30 | 0x87);
        }
        for (int segment = 0; segment < 6; segment++) {
            boolean code = segment == CS;
            state.segments.set(segment, new Segment(code ? 8 : 16, 0, -1, code ? 0xa09b : 0xc093));
        }
        state.idtr = new DescriptorTable(0, 0);
        state.control = new Control(0x8001_0011L, 0, PAGE_TABLES, 0x20, 0x500, 1);
        cpu.restore(state.build());
    }

    private StateEditor start(String hex) {
        poke(CODE, hex);
        StateEditor state = new StateEditor(cpu.state());
        Collections.fill(state.general, 0L);
        state.general.set(RSP, CODE);
        state.rip = CODE;
        state.rflags = 2;
        state.idtr = new DescriptorTable(0, 0x3ff);
        state.events = CpuState.Events.NONE;
        state.activity = Activity.RUNNING;
        return state;
    }

    /** Has a halted CPU go on at an address, with everything else as it is. */
    private void awake(long rip) {
        StateEditor state = new StateEditor(cpu.state());
        state.rip = rip;
        state.activity = Activity.RUNNING;
        cpu.restore(state.build());
    }

    /** Sets a real-mode interrupt vector and places its handler. */
    protected final void vector(int vector, int address, String hex) {
        ram().set(ValueLayout.JAVA_INT, vector * 4L, address);
        poke(address, hex);
    }

    protected final void poke(long address, String hex) {
        byte[] bytes = HexFormat.of().parseHex(hex.replace(" ", ""));
        MemorySegment.copy(bytes, 0, ram(), ValueLayout.JAVA_BYTE, address, bytes.length);
    }

    private void pokeLong(long address, long value) {
        ram().set(ValueLayout.JAVA_LONG, address, value);
    }

    private int peek(long address, int size) {
        return size == 2
                ? ram().get(ValueLayout.JAVA_SHORT_UNALIGNED, address)
                : ram().get(ValueLayout.JAVA_INT_UNALIGNED, address);
    }

    private MemorySegment ram() {
        return memory.segment().asSlice(ram.address(), ram.size());
    }

    private long stackPointer() {
        return general(RSP) & 0xffff;
    }

    protected final long general(int register) {
        return cpu.state().general().get(register);
    }

    protected final void setGeneral(int register, long value) {
        StateEditor state = new StateEditor(cpu.state());
        state.general.set(register, value);
        cpu.restore(state.build());
    }
}
