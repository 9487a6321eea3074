package org.bundlevisor.machine.pc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicReference;
import org.bundlevisor.cpu.ExitObserver;
import org.bundlevisor.cpu.VirtualCpu.RunResult;
import org.bundlevisor.cpu.VmExit;
import org.bundlevisor.device.Clock;
import org.bundlevisor.device.Console;
import org.bundlevisor.device.DeviceContext;
import org.bundlevisor.device.MachineLayout;
import org.bundlevisor.machine.Outcome;
import org.bundlevisor.machine.VirtualMachine.State;
import org.bundlevisor.machine.memory.ReservedMemories;
import org.bundlevisor.machine.test.FakeBackend;
import org.bundlevisor.machine.test.FakeCpu;
import org.bundlevisor.machine.test.FakeDevice;
import org.bundlevisor.machine.test.FakePaging;
import org.bundlevisor.machine.test.Images;
import org.bundlevisor.memory.HostMemory;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@Timeout(20)
class PersonalComputerTest {
    private static final int POWER_OFF = 0x604;
    private static final int RESET = 0xcf9;
    private static final int EXIT = 0xf4;

    private static final FakeCpu.Script SPIN = cpu -> null;
    private static final FakeCpu.Script SLEEP = cpu -> RunResult.HALTED;

    @TempDir
    Path folder;

    private final Map<String, Object> properties = new HashMap<>();
    private final BlockingQueue<String> events = new LinkedBlockingQueue<>();
    private @Nullable PersonalComputer machine;
    private @Nullable HostMemory memory;

    @AfterEach
    void close() {
        if (machine != null) {
            machine.close();
        }
    }

    private PersonalComputer machine(FakeParts parts) throws Exception {
        properties.putIfAbsent(
                "kernel",
                Images.write(folder, "kernel.img", Images.multiboot(image -> {})).toString());
        memory = ReservedMemories.of(64L << 20);
        PersonalComputer made = new PersonalComputer(Configurations.of(properties), parts.parts, memory, parts.log());
        made.partsChanged();
        machine = made;
        return made;
    }

    private static Outcome end(PersonalComputer machine) {
        return machine.outcome().toCompletableFuture().join();
    }

    // ---- life cycle

    @Test
    void runsTheLoadedKernelUntilTheGuestTurnsItOff() throws Exception {
        FakeParts parts = new FakeParts(cpu -> {
            events.add("rip=%x".formatted(cpu.state().rip()));
            cpu.host().writePort(0, POWER_OFF, 2, 0x2000);
            return RunResult.HALTED;
        });
        PersonalComputer pc = machine(parts);
        assertThat(pc.state()).isEqualTo(State.CREATED);
        assertThat(pc.problem()).isEmpty();

        pc.start();

        assertThat(end(pc)).isEqualTo(new Outcome.PoweredOff());
        assertThat(pc.state()).isEqualTo(State.STOPPED);
        assertThat(events).containsExactly("rip=100004");
        assertThat(pc.statistics().backend()).isEqualTo("vtx");
        assertThat(pc.statistics().instructions()).isOne();
    }

    @Test
    void givesEverythingBackAtTheEnd() throws Exception {
        FakeParts parts = new FakeParts(SPIN);
        PersonalComputer pc = machine(parts);
        pc.start();
        pc.stop();
        assertThat(end(pc)).isEqualTo(new Outcome.Stopped());
        assertThat(parts.paging.open()).isZero();
        assertThat(parts.backend.cpus()).allMatch(FakeCpu::isClosed);
        assertThat(parts.device("serial16550").isClosed()).isTrue();
        HostMemory host = memory;
        assertThat(host).isNotNull();
        host.allocate(host.segment().byteSize(), 4096);
    }

    @Test
    void endsWithTheStatusOfTheDebugExitPort() throws Exception {
        PersonalComputer pc = machine(new FakeParts(cpu -> {
            cpu.host().writePort(0, EXIT, 4, 0x10);
            return null;
        }));
        pc.start();
        assertThat(end(pc)).isEqualTo(new Outcome.Exited(33));
    }

    @Test
    void startsAnewAfterTheEnd() throws Exception {
        FakeParts parts = new FakeParts(SPIN);
        PersonalComputer pc = machine(parts);
        pc.start();
        assertThatIllegalStateException()
                .isThrownBy(pc::start)
                .withMessage("test is running already: stop it first, or reset it");
        pc.stop();
        pc.stop();
        assertThat(end(pc)).isEqualTo(new Outcome.Stopped());
        pc.start();
        assertThat(pc.state()).isEqualTo(State.RUNNING);
        assertThat(pc.outcome().toCompletableFuture()).isNotDone();
        pc.stop();
        assertThat(parts.backend.cpus()).hasSize(2);
    }

    @Test
    void pausesAtAnInstructionBoundaryWithItsClock() throws Exception {
        FakeParts parts = new FakeParts(SPIN);
        PersonalComputer pc = machine(parts);
        pc.pause();
        assertThat(pc.state()).isEqualTo(State.CREATED);
        pc.start();
        FakeCpu cpu = parts.backend.cpus().getFirst();
        while (cpu.instructions() < 1000) {
            Thread.onSpinWait();
        }
        pc.pause();
        long instructions = cpu.instructions();
        double time = pc.statistics().guestSeconds();
        assertThat(pc.state()).isEqualTo(State.PAUSED);
        assertThat(cpu.instructions()).isEqualTo(instructions);
        assertThat(pc.statistics().guestSeconds()).isEqualTo(time);
        pc.resume();
        assertThat(pc.state()).isEqualTo(State.RUNNING);
        while (cpu.instructions() == instructions) {
            Thread.onSpinWait();
        }
        pc.pause();
        pc.stop();
        assertThat(end(pc)).isEqualTo(new Outcome.Stopped());
    }

    @Test
    void theGuestMayResetTheMachineAndBootsAgain() throws Exception {
        FakeParts parts = new FakeParts(cpu -> {
            events.add("boot at %x".formatted(cpu.state().rip()));
            cpu.host().writePort(0, events.size() < 3 ? RESET : POWER_OFF, 1, 6);
            return RunResult.HALTED;
        });
        PersonalComputer pc = machine(parts);
        pc.start();
        assertThat(end(pc)).isEqualTo(new Outcome.PoweredOff());
        assertThat(events).containsExactly("boot at 100004", "boot at 100004", "boot at 100004");
        assertThat(parts.device("serial16550").resets()).isEqualTo(3);
        assertThat(pc.statistics().instructions()).as("over all resets").isEqualTo(3);
        assertThat(pc.statistics().cpus().getFirst().exits()).containsEntry("HLT", 3L);
        assertThat(parts.backend.cpus()).hasSize(3).allMatch(FakeCpu::isClosed);
    }

    @Test
    void aPausedMachineIsStillPausedAfterReset() throws Exception {
        FakeParts parts = new FakeParts(SPIN);
        PersonalComputer pc = machine(parts);
        pc.start();
        pc.pause();
        pc.reset();
        assertThat(pc.state()).isEqualTo(State.PAUSED);
        assertThat(parts.backend.cpus().getLast().instructions()).isZero();
        pc.resume();
        while (parts.backend.cpus().getLast().instructions() == 0) {
            Thread.onSpinWait();
        }
    }

    @Test
    void aResetThatFindsNoKernelEndsTheRun() throws Exception {
        PersonalComputer pc = machine(new FakeParts(SPIN));
        pc.start();
        java.nio.file.Files.delete(folder.resolve("kernel.img"));
        pc.reset();
        assertThat(end(pc))
                .isEqualTo(new Outcome.Failed("test: could not be reset: " + folder.resolve("kernel.img")
                        + ": no such file (expected the kernel): check the path"));
    }

    // ---- vCPUs

    @Test
    void aHaltedCpuWaitsForItsInterrupt() throws Exception {
        FakeParts parts = new FakeParts(cpu -> {
            if (cpu.interruptRequested()) {
                events.add("vector %x".formatted(cpu.host().acknowledgeInterrupt(0)));
                cpu.host().writePort(0, POWER_OFF, 2, 0);
            }
            return RunResult.HALTED;
        });
        PersonalComputer pc = machine(parts);
        pc.start();
        parts.device("serial16550").context().line("irq").set(true);
        assertThat(end(pc)).isEqualTo(new Outcome.PoweredOff());
        assertThat(events).contains("vector 30");
    }

    @Test
    void eachCpuHasAThreadAndItsOwnLocalApic() throws Exception {
        properties.put("cpus", 2);
        FakeParts parts = new FakeParts(cpu -> {
            if (cpu.index() == 0) {
                return RunResult.HALTED;
            }
            if (cpu.startUpVector() < 0) {
                return RunResult.WAITING_FOR_STARTUP;
            }
            events.add("%s vector %x apic %x msr %b"
                    .formatted(
                            Thread.currentThread().getName(),
                            cpu.startUpVector(),
                            cpu.host().readMemoryMappedIo(1, 0xfee0_0000L, 1),
                            cpu.host().readMsr(1, 0x1b, new long[1])));
            cpu.host().writePort(1, POWER_OFF, 2, 0);
            return RunResult.HALTED;
        });
        PersonalComputer pc = machine(parts);
        pc.start();
        var context = parts.device("serial16550").context();
        context.cpu(1).init();
        context.cpu(1).startUp(0x9a);
        assertThat(end(pc)).isEqualTo(new Outcome.PoweredOff());
        assertThat(events).containsExactly("test vCPU 1 vector 9a apic 10 msr true");
        assertThat(parts.backend.cpus().get(1).inits()).isOne();
        assertThat(((FakeDevice.Apics) parts.last("apic")).of(1).initResets()).isOne();
    }

    @Test
    void memoryIsWriteBackOnAllCpusAsFirmwareLeavesIt() throws Exception {
        properties.put("cpus", 3);
        FakeParts parts = new FakeParts(SLEEP);
        machine(parts).start();
        assertThat(parts.backend.cpus()).hasSize(3).allSatisfy(cpu -> assertThat(cpu.state().msrs())
                .containsEntry(0x2ff, 0x806L)
                .containsEntry(0x277, 0x0007_0406_0007_0406L));
    }

    @Test
    void aTripleFaultEndsTheRunAndKeepsTheState() throws Exception {
        FakeParts parts = new FakeParts(cpu -> RunResult.SHUT_DOWN);
        PersonalComputer pc = machine(parts);
        pc.start();
        assertThat(end(pc)).isInstanceOfSatisfying(Outcome.Failed.class, failed -> assertThat(failed.reason())
                .startsWith("test: triple fault on vCPU 0 at rip=0x100004 (cs=0x10 "));
        assertThat(pc.problem()).startsWith("test: triple fault");
        assertThat(parts.backend.cpus().getFirst().isClosed()).isFalse();
        assertThat(pc.state()).isEqualTo(State.STOPPED);
        pc.start();
        assertThat(parts.backend.cpus().getFirst().isClosed()).isTrue();
    }

    @Test
    void aBackendThatCannotGoOnSaysWhy() throws Exception {
        PersonalComputer pc = machine(new FakeParts(cpu -> cpu.fail("VM entry failed: no reason at all")));
        pc.start();
        assertThat(end(pc)).isEqualTo(new Outcome.Failed("test: VM entry failed: no reason at all"));
    }

    @Test
    void aPartThatThrowsEndsThisMachineOnly() throws Exception {
        FakeParts parts = new FakeParts(cpu -> {
            throw new IllegalStateException("broken part");
        });
        PersonalComputer pc = machine(parts);
        pc.start();
        assertThat(end(pc))
                .isEqualTo(new Outcome.Failed("test: a part of the platform failed while vCPU 0 was executed:"
                        + " java.lang.IllegalStateException: broken part; please report it with the log's trace"));
        assertThat(parts.log).anyMatch(line -> line.startsWith("error: test: a part of the platform failed"));
    }

    @Test
    void exitsAreToldToTheMachinesObservers() throws Exception {
        properties.put("trace_exits", true);
        FakeParts parts = new FakeParts(SPIN);
        ExitObserver own = exit -> events.add("own " + exit.reason());
        parts.parts.observers.add(own, Map.of("vm.name", "test"));
        parts.parts.observers.add(exit -> events.add("other"), Map.of("vm.name", "another"));
        PersonalComputer pc = machine(parts);
        pc.start();
        ExitObserver observer = parts.backend.configurations().getFirst().observer();
        assertThat(observer).isNotNull();
        observer.exited(new VmExit(0, 0, 0, "HLT", ""));
        parts.parts.observers.remove(own);
        pc.partsChanged();
        observer.exited(new VmExit(0, 0, 0, "CPUID", ""));
        assertThat(events).containsExactly("own HLT");
    }

    @Test
    void withoutTracingThereIsNoObserver() throws Exception {
        FakeParts parts = new FakeParts(SPIN);
        machine(parts).start();
        assertThat(parts.backend.configurations().getFirst().observer()).isNull();
    }

    // ---- the board

    @Test
    void isaInterruptsReachBothControllers() throws Exception {
        FakeParts parts = new FakeParts(SLEEP);
        machine(parts).start();
        parts.device("serial16550").context().line("irq").set(true);
        assertThat(parts.device("pic8259").line(4).level()).isTrue();
        assertThat(parts.device("ioapic").line(4).level()).isTrue();
        parts.device("hpet").context().line("irq0").set(true);
        assertThat(parts.device("pic8259").line(0).level()).isTrue();
        assertThat(parts.device("ioapic").line(0).level()).isFalse();
        assertThat(parts.device("ioapic").line(2).level()).isTrue();
        parts.device("pit8254").context().line("irq").set(true);
        assertThat(parts.device("hpet").line(0).level()).isTrue();
        parts.device("rtc146818").context().line("irq").set(true);
        assertThat(parts.device("hpet").line(1).level()).isTrue();
        parts.device("hpet").context().line("gsi20").set(true);
        assertThat(parts.device("ioapic").line(20).level()).isTrue();
        parts.device("serial16550").context().line("no such line").set(true);
    }

    @Test
    void theLayoutTellsWhereEverythingLies() throws Exception {
        FakeParts parts = new FakeParts(SLEEP);
        machine(parts).start();
        MachineLayout layout = parts.layout;
        assertThat(layout).isNotNull();
        assertThat(layout.region("apic", "registers").orElseThrow().address()).isEqualTo(0xfee0_0000L);
        assertThat(layout.region("ioapic", "registers").orElseThrow().address()).isEqualTo(0xfec0_0000L);
        assertThat(layout.region("serial16550", "registers").orElseThrow().address()).isEqualTo(0x3f8);
        assertThat(layout.lines())
                .contains(
                        new MachineLayout.PlacedLine("acpi-pm", "acpi-pm", "sci", 9),
                        new MachineLayout.PlacedLine("rtc146818", "rtc", "irq", 8));
    }

    @Test
    void whatNobodyAnswersReadsAsAllOnes() throws Exception {
        FakeParts parts = new FakeParts(SLEEP);
        machine(parts).start();
        var host = parts.backend.cpus().getFirst().host();
        assertThat(host.isMemoryMappedIo(0xa_0000)).isTrue();
        assertThat(host.isMemoryMappedIo(0xe_0000)).isFalse();
        assertThat(host.isMemoryMappedIo(0xfec0_0000L)).isTrue();
        assertThat(host.readMemoryMappedIo(0, 0xa_0000, 4)).isEqualTo(0xffff_ffffL);
        assertThat(host.readPort(0, 0x1234, 2)).isEqualTo(0xffff);
        assertThat(host.readPort(0, 0x3fa, 1)).isEqualTo(2);
        assertThat(host.readMsr(0, 0x1234, new long[1])).isFalse();
    }

    @Test
    void onlyTheFirstSerialPortGetsTheConsole() throws Exception {
        properties.put("console", "tty");
        FakeParts parts = new FakeParts(SLEEP);
        machine(parts).start();
        assertThat(parts.device("serial16550").context().resource(Console.class)).containsSame(parts.console);
        assertThat(parts.device("i8042").context().resource(Console.class)).isEmpty();
    }

    // ---- counted time

    @Test
    void aCountedRunIsTheSameEveryTime() throws Exception {
        assertThat(countedRun()).isEqualTo(countedRun());
    }

    /** A guest that sets up a timer, sleeps between interrupts from it and from its console, and ends after the tenth. */
    private List<String> countedRun() throws Exception {
        properties.put("clock", "counted");
        properties.put("console", "tty");
        List<String> seen = new ArrayList<>();
        Set<Long> random = new TreeSet<>();
        AtomicReference<FakeParts> all = new AtomicReference<>();
        FakeParts parts = new FakeParts(cpu -> {
            if (cpu.instructions() == 0) {
                interruptFromTimerAndConsole(all.get().device("serial16550").context());
            }
            if (!cpu.interruptRequested()) {
                return cpu.instructions() % 1000 == 999 ? RunResult.HALTED : null;
            }
            cpu.setInterruptRequest(false);
            seen.add("%d instructions, tsc %d".formatted(cpu.instructions(), cpu.host().timeStampCounter(0)));
            random.add(cpu.host().random(0));
            if (seen.size() == 10) {
                cpu.host().writePort(0, POWER_OFF, 2, 0);
            }
            return null;
        });
        all.set(parts);
        parts.console.type("some input");
        PersonalComputer pc = machine(parts);
        pc.start();
        assertThat(end(pc)).isEqualTo(new Outcome.PoweredOff());
        seen.add("end after " + pc.statistics().instructions() + " at " + pc.statistics().guestSeconds());
        pc.close();
        assertThat(random).hasSize(10);
        seen.add(random.toString());
        assertThat(seen).contains("123 instructions, tsc 123").anyMatch(line -> line.endsWith("tsc 5000000"));
        return seen;
    }

    private static void interruptFromTimerAndConsole(DeviceContext context) {
        context.resource(Console.class).orElseThrow().onInput(() -> context.cpu(0).interruptRequest(true));
        Clock clock = context.clock();
        Clock.Timer[] timer = new Clock.Timer[1];
        timer[0] = clock.timer(() -> {
            context.cpu(0).interruptRequest(true);
            timer[0].arm(clock.nanoseconds() + 777_777);
        });
        timer[0].arm(123);
    }

    // ---- what is missing or wrong

    @Test
    void namesAMissingBackendAndStartsWhenItComes() throws Exception {
        properties.put("autostart", true);
        properties.put("cpu", new String[] {"kvm", "vtx"});
        FakeParts parts = new FakeParts(cpu -> {
            cpu.host().writePort(0, POWER_OFF, 2, 0);
            return null;
        });
        parts.parts.backends.remove(parts.backend);
        PersonalComputer pc = machine(parts);
        assertThat(pc.state()).isEqualTo(State.INCOMPLETE);
        assertThat(pc.problem())
                .isEqualTo("test: no CPU backend kvm or vtx is there (found: none): install the bundle that offers it,"
                        + " for example cpu.vtx, or ask for another");
        assertThatIllegalStateException().isThrownBy(pc::start).withMessage(pc.problem());
        assertThat(pc.parts()).containsEntry("cpu backend", "missing: kvm or vtx");

        parts.parts.backends.add(parts.backend, Map.of("cpu", "vtx"));
        pc.partsChanged();
        assertThat(end(pc)).isEqualTo(new Outcome.PoweredOff());
        assertThat(pc.parts()).containsEntry("cpu backend", "vtx").containsEntry("paging", "ept");
    }

    @Test
    void namesAMissingPagingFormatDeviceAndConsole() throws Exception {
        properties.put("console", "tty");
        FakeParts parts = new FakeParts(SLEEP);
        PersonalComputer pc = machine(parts);
        assertThat(pc.state()).isEqualTo(State.CREATED);
        parts.parts.consoles.remove(parts.console);
        pc.partsChanged();
        assertThat(pc.problem()).startsWith("test: no console tty is there (found: none)");
        parts.parts.factories.remove(parts.factories.get("hpet"));
        pc.partsChanged();
        assertThat(pc.problem())
                .startsWith("test: no device hpet is there (found: acpi-pm, acpi-tables, apic,")
                .endsWith("install the bundle that offers it, for example devices.bundle");
        parts.parts.pagings.remove(parts.paging);
        pc.partsChanged();
        assertThat(pc.problem())
                .startsWith(
                        "test: no second-level paging in the format ept is there, which the CPU backend vtx needs (found: none)");
        assertThat(pc.state()).isEqualTo(State.INCOMPLETE);
    }

    @Test
    void losingADeviceEndsTheRunInOneSentence() throws Exception {
        FakeParts parts = new FakeParts(SPIN);
        PersonalComputer pc = machine(parts);
        pc.start();
        parts.parts.factories.remove(parts.factories.get("hpet"));
        pc.partsChanged();
        assertThat(end(pc))
                .isEqualTo(new Outcome.Failed("test: the device hpet went away while the machine ran:"
                        + " install its bundle again and start the machine anew"));
        assertThat(parts.backend.cpus()).allMatch(FakeCpu::isClosed);
        assertThat(pc.state()).as("it cannot be started again").isEqualTo(State.INCOMPLETE);
    }

    @Test
    void movesToAnotherBackendWithItsState() throws Exception {
        FakeParts parts = new FakeParts(SPIN);
        PersonalComputer pc = machine(parts);
        FakeBackend other = new FakeBackend(SPIN);
        parts.parts.backends.add(other, Map.of("cpu", "amdv"));
        pc.start();
        FakeCpu before = parts.backend.cpus().getFirst();
        pc.swap("amdv");
        assertThat(pc.state()).isEqualTo(State.RUNNING);
        assertThat(before.isClosed()).isTrue();
        assertThat(other.cpus().getFirst().state()).isSameAs(before.state());
        assertThat(pc.statistics().backend()).isEqualTo("amdv");
        assertThat(pc.statistics().swaps()).isOne();
        assertThatIllegalStateException()
                .isThrownBy(() -> pc.swap("kvm"))
                .withMessageStartingWith("test: no CPU backend kvm is there (found: amdv, vtx)");
        assertThat(pc.state()).isEqualTo(State.RUNNING);
    }

    @Test
    void aPausedMachineMovesAndStaysPaused() throws Exception {
        FakeParts parts = new FakeParts(SPIN);
        PersonalComputer pc = machine(parts);
        pc.start();
        pc.pause();
        pc.swap("vtx");
        assertThat(pc.state()).isEqualTo(State.PAUSED);
        assertThat(parts.backend.cpus()).hasSize(2);
    }

    @Test
    void goesOnWithTheBackendThatIsLeft() throws Exception {
        FakeParts parts = new FakeParts(SPIN);
        PersonalComputer pc = machine(parts);
        pc.start();
        FakeBackend better = new FakeBackend(SPIN);
        parts.parts.backends.add(better, Map.of("cpu", "amdv", "service.ranking", 5));
        pc.partsChanged();
        assertThat(better.cpus()).as("a better part that comes disturbs nobody").isEmpty();
        parts.parts.backends.remove(parts.backend);
        pc.partsChanged();
        assertThat(pc.state()).isEqualTo(State.RUNNING);
        assertThat(pc.statistics().backend()).isEqualTo("amdv");
        assertThat(parts.backend.cpus()).allMatch(FakeCpu::isClosed);
    }

    @Test
    void standsStillWithoutABackendAndGoesOnWithTheNext() throws Exception {
        FakeParts parts = new FakeParts(SPIN);
        PersonalComputer pc = machine(parts);
        pc.start();
        FakeCpu before = parts.backend.cpus().getFirst();
        parts.parts.backends.remove(parts.backend);
        pc.partsChanged();
        assertThat(pc.state()).isEqualTo(State.PAUSED);
        assertThat(pc.problem()).startsWith("test: paused, because its CPU backend vtx");
        assertThat(before.isClosed()).isTrue();
        FakeBackend next = new FakeBackend(SPIN);
        parts.parts.backends.add(next, Map.of("cpu", "amdv"));
        pc.partsChanged();
        assertThat(pc.state()).isEqualTo(State.RUNNING);
        assertThat(pc.problem()).isEmpty();
        assertThat(next.cpus().getFirst().state()).isSameAs(before.state());
    }

    @Test
    void rebuildsItsTablesWhenThePagingGoes() throws Exception {
        FakeParts parts = new FakeParts(SPIN);
        FakePaging other = new FakePaging();
        PersonalComputer pc = machine(parts);
        pc.start();
        parts.parts.pagings.add(other, Map.of("format", "ept"));
        parts.parts.pagings.remove(parts.paging);
        pc.partsChanged();
        assertThat(pc.state()).isEqualTo(State.RUNNING);
        assertThat(parts.paging.open()).isZero();
        assertThat(other.open()).isOne();
    }

    @Test
    void theBestRankedPartIsTaken() throws Exception {
        FakeParts parts = new FakeParts(SPIN);
        FakePaging better = new FakePaging();
        parts.parts.pagings.add(better, Map.of("format", "ept", "service.ranking", 1));
        machine(parts).start();
        assertThat(better.open()).isOne();
        assertThat(parts.paging.open()).isZero();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "memory|0|test: a memory of 0 bytes is not possible (expected a multiple of 4 KiB from 4 MiB to 512 GiB, for example 512M)",
                "cpus|0|test: 0 vCPUs are not possible (expected 1 to 64)",
                "cpus|65|test: 65 vCPUs are not possible (expected 1 to 64)",
                "cpu_model|z80|test: there is no CPU model z80 (expected one of: x86-64-v2)",
                "clock|sun|test: there is no clock sun (expected real or counted)",
                "kernel|''|test: no kernel is given (expected the path of a Linux bzImage or a Multiboot kernel)",
            })
    void aConfigurationThatMakesNoSenseIsNamed(String property, String value, String problem) throws Exception {
        properties.put(property, switch (property) {
            case "memory" -> (Object) Long.valueOf(value);
            case "cpus" -> Integer.valueOf(value);
            default -> value;
        });
        PersonalComputer pc = machine(new FakeParts(SLEEP));
        assertThat(pc.state()).isEqualTo(State.INCOMPLETE);
        assertThat(pc.problem()).isEqualTo(problem);
        assertThatIllegalStateException().isThrownBy(pc::start).withMessage(problem);
    }

    @Test
    void aCountedClockFollowsOneCpuOnly() throws Exception {
        properties.put("clock", "counted");
        properties.put("cpus", 2);
        assertThat(machine(new FakeParts(SLEEP)).problem())
                .isEqualTo("test: a counted clock follows one vCPU and there are 2: give one vCPU or the clock real");
    }

    @Test
    void aKernelThatIsNoneStopsTheStartAndLeavesNothingBehind() throws Exception {
        properties.put(
                "kernel",
                Images.write(folder, "text.txt", "not a kernel".getBytes(java.nio.charset.StandardCharsets.US_ASCII))
                        .toString());
        FakeParts parts = new FakeParts(SLEEP);
        PersonalComputer pc = machine(parts);
        assertThatIllegalStateException()
                .isThrownBy(pc::start)
                .withMessage(folder.resolve("text.txt")
                        + ": no Linux boot header (expected \"HdrS\" at 0x202) and no Multiboot 1 header in its first 8192 bytes");
        assertThat(pc.state()).isEqualTo(State.CREATED);
        assertThat(pc.problem()).startsWith(folder.resolve("text.txt") + ": no Linux boot header");
        assertThat(parts.paging.open()).isZero();
        assertThat(parts.device("serial16550").isClosed()).isTrue();
    }

    @Test
    void moreMemoryThanTheHostHasIsRefused() throws Exception {
        properties.put("memory", 1L << 30);
        assertThatIllegalStateException()
                .isThrownBy(machine(new FakeParts(SLEEP))::start)
                .withMessageContaining("host memory has no free range of 1024 MiB");
    }

    @Test
    void aRemovedMachineDoesNotStart() throws Exception {
        PersonalComputer pc = machine(new FakeParts(SLEEP));
        pc.close();
        assertThatIllegalStateException().isThrownBy(pc::start).withMessage("test has been removed");
    }
}
