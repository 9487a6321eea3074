package org.bundlevisor.machine.pc;

import java.security.SecureRandom;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.bundlevisor.cpu.CpuState;
import org.bundlevisor.cpu.CpuStatistics;
import org.bundlevisor.cpu.ExitObserver;
import org.bundlevisor.cpu.Partition;
import org.bundlevisor.cpu.PartitionConfiguration;
import org.bundlevisor.cpu.VirtualCpu;
import org.bundlevisor.device.Console;
import org.bundlevisor.device.LocalInterruptControllers.LocalInterruptController;
import org.bundlevisor.machine.boot.BootException;
import org.bundlevisor.machine.boot.BootRequest;
import org.bundlevisor.machine.clock.CountedClock;
import org.bundlevisor.machine.clock.MachineClock;
import org.bundlevisor.machine.clock.PolledConsole;
import org.bundlevisor.machine.clock.RealClock;
import org.bundlevisor.machine.memory.GuestRam;
import org.bundlevisor.memory.HostMemory;
import org.bundlevisor.memory.HostMemoryExhaustedException;
import org.bundlevisor.mmu.SecondLevelTables;
import org.jspecify.annotations.Nullable;

/**
 * One machine from power-on to power-off: RAM, second-level tables, devices, vCPUs with their threads, the clock. Its
 * methods are called by one thread at a time, never by one of its own; the statistics by any.
 *
 * <p>A reset makes new vCPUs on a new partition, so that nothing that a processor has cached of the guest's former life,
 * decoded code above all, survives it.
 */
final class Pc implements AutoCloseable {
    /** Any number does, as long as it is the same in every run. */
    private static final long COUNTED_SEED = 0x1bad_5eed;

    private final Settings settings;
    private volatile Parts.Selection selection;
    private final HostMemory hostMemory;
    private final @Nullable ExitObserver observer;

    /** What gives up that which has been made, last first. */
    private final Deque<Runnable> disposal;

    private final RunGate gate = new RunGate();
    private final MachineClock clock;
    private final @Nullable CountedClock counted;
    private final @Nullable PolledConsole polledConsole;
    private final GuestRam ram;
    private final List<CpuThread> threads;
    private final Wiring wiring;
    private final MachineBus bus;

    /** What executes the vCPUs now; null while the machine has no engine. */
    private @Nullable Seat seat;

    private volatile List<VirtualCpu> cpus = List.of();

    /** The vCPUs of a machine that has no engine. */
    private volatile List<CpuState> parked = List.of();

    private volatile long swaps;

    /** Counters of vCPUs that resets have replaced. */
    private volatile List<CpuStatistics> former = List.of();

    private Pc(
            Settings settings,
            Board board,
            Parts.Selection selection,
            HostMemory hostMemory,
            @Nullable ExitObserver observer,
            Supervisor supervisor,
            Deque<Runnable> disposal)
            throws BootException, HostMemoryExhaustedException {
        this.settings = settings;
        this.selection = selection;
        this.hostMemory = hostMemory;
        this.observer = observer;
        this.disposal = disposal;
        counted = settings.counted() ? new CountedClock(System::nanoTime) : null;
        clock = counted != null ? counted : realClock(settings, supervisor);
        disposal.push(clock::close);
        ram = new GuestRam(hostMemory, settings.memoryMap());
        disposal.push(ram::close);

        threads = IntStream.range(0, settings.cpus())
                .mapToObj(index -> new CpuThread(settings.name(), index, gate, counted, supervisor))
                .toList();
        polledConsole = selection.console().isPresent() && counted != null
                ? new PolledConsole(selection.console().get(), counted)
                : null;
        wiring = new Wiring(board, clock, ram, supervisor, threads);
        disposal.push(wiring::close);
        wiring.makeDevices(selection.factories(), consoleResources());
        wiring.connect();
        LocalInterruptController[] controllers = wiring.localControllers();
        threads.forEach(thread -> thread.attach(controllers[thread.index()]));
        bus = new MachineBus(
                wiring.portBus(),
                wiring.memoryBus(),
                ram,
                clock,
                settings.model().timeStampFrequency(),
                counted != null ? new SplittableRandom(COUNTED_SEED) : new SecureRandom(),
                controllers);
        disposal.push(this::leaveSeat);
        boot();
        threads.forEach(CpuThread::start);
        disposal.push(this::endThreads);
    }

    /**
     * Composes a machine and loads what it is to boot; it stands still until {@link #go}.
     *
     * @param observer is told of each VM exit; null for none
     * @throws BootException in one sentence, when the kernel cannot be booted
     * @throws HostMemoryExhaustedException in one sentence, when the host's memory is not enough
     * @throws IllegalArgumentException in one sentence, when a part refuses or parts do not fit together
     */
    static Pc powerOn(
            Settings settings,
            Board board,
            Parts.Selection selection,
            HostMemory hostMemory,
            @Nullable ExitObserver observer,
            Supervisor supervisor)
            throws BootException, HostMemoryExhaustedException {
        Deque<Runnable> disposal = new ArrayDeque<>();
        try {
            return new Pc(settings, board, selection, hostMemory, observer, supervisor, disposal);
        } catch (BootException | HostMemoryExhaustedException | RuntimeException e) {
            disposal.forEach(Runnable::run);
            throw e;
        }
    }

    private static RealClock realClock(Settings settings, Supervisor supervisor) {
        return new RealClock(
                settings.name(),
                System.currentTimeMillis() / 1000,
                System::nanoTime,
                e -> supervisor.fail("a timer expired", e));
    }

    private Map<Class<?>, Object> consoleResources() {
        Map<Class<?>, Object> resources = new HashMap<>();
        selection.console()
                .ifPresent(console -> resources.put(Console.class, polledConsole != null ? polledConsole : console));
        return resources;
    }

    /** Makes vCPUs, resets everything and loads the kernel. */
    private void boot() throws BootException, HostMemoryExhaustedException {
        Seat fresh = prepare(selection.engine());
        take(fresh);
        wiring.reset();
        for (VirtualCpu cpu : fresh.cpus()) {
            cpu.restore(BootRequest.afterFirmware(cpu.state()));
        }
        long rootPointer = wiring.installTables();
        VirtualCpu first = fresh.cpus().getFirst();
        first.restore(settings.boot().load(ram, rootPointer, first.state()));
    }

    /** The vCPUs of this machine on one engine, with the second-level tables that lead them to its RAM. */
    private record Seat(SecondLevelTables tables, Partition partition, List<VirtualCpu> cpus) {
        void close() {
            partition.close();
            tables.close();
        }
    }

    /** Makes vCPUs and tables on an engine; the machine goes on as it was until {@link #take}. */
    private Seat prepare(Parts.Engine engine) throws HostMemoryExhaustedException {
        SecondLevelTables tables = engine.paging().create(hostMemory, settings.model().physicalAddressBits());
        Partition partition = null;
        try {
            ram.mapInto(tables);
            partition = engine.backend()
                    .createPartition(new PartitionConfiguration(
                            settings.name(), hostMemory, tables, settings.model(), bus, observer));
            List<VirtualCpu> fresh = new ArrayList<>();
            for (CpuThread thread : threads) {
                fresh.add(partition.createCpu(thread.index()));
            }
            return new Seat(tables, partition, List.copyOf(fresh));
        } catch (HostMemoryExhaustedException | RuntimeException e) {
            if (partition != null) {
                partition.close();
            }
            tables.close();
            throw e;
        }
    }

    /** Has the threads execute other vCPUs from now on. The machine is halted. */
    private void take(Seat next) {
        seat = next;
        cpus = next.cpus();
        ram.onWrite(next.partition()::memoryWritten);
        for (CpuThread thread : threads) {
            thread.attach(next.cpus().get(thread.index()));
        }
        if (counted != null) {
            counted.attach(next.cpus().getFirst(), threads.getFirst()::kick);
        }
    }

    /**
     * Moves the machine, running or halted, to another engine. What can be refused is refused with the machine as it was.
     *
     * @param goOn lets the guest run again if it is to; called also after a refusal
     * @return for how many nanoseconds the guest stood still
     * @throws IllegalArgumentException in one sentence, when the engine cannot carry the guest's state
     */
    long move(Parts.Engine engine, Runnable goOn) throws HostMemoryExhaustedException {
        Seat next = prepare(engine);
        long begin = System.nanoTime();
        halt();
        Seat old = seat;
        try {
            List<CpuState> states = old != null ? states(old) : parked;
            for (int i = 0; i < states.size(); i++) {
                next.cpus().get(i).restore(states.get(i));
            }
        } catch (IllegalArgumentException e) {
            if (old != null) {
                goOn.run();
            }
            next.close();
            throw e;
        }
        keepCounters();
        take(next);
        parked = List.of();
        selection = selection.with(engine);
        swaps++;
        goOn.run();
        long pause = System.nanoTime() - begin;
        if (old != null) {
            old.close();
        }
        return pause;
    }

    /** Takes the vCPUs off an engine that goes away with none to follow it. The machine stays halted until {@link #move}. */
    void park() {
        halt();
        Seat old = seat;
        if (old != null) {
            parked = states(old);
            keepCounters();
            leaveSeat();
        }
    }

    private static List<CpuState> states(Seat seat) {
        return seat.cpus().stream().map(VirtualCpu::state).toList();
    }

    /** The counters of vCPUs that are about to be replaced; instructions are carried in their state and go on counting. */
    private void keepCounters() {
        former = statistics().stream()
                .map(counters -> new CpuStatistics(
                        0,
                        counters.exits(),
                        counters.tlbMisses(),
                        counters.tracesDecoded(),
                        counters.tracesInvalidated()))
                .toList();
    }

    /** Lets the guest run. */
    void go() {
        if (polledConsole != null && counted != null && counted.nanoseconds() == 0) {
            polledConsole.awaitEnd();
        }
        clock.go();
        gate.open();
    }

    /** Asks the vCPUs to stop at the next instruction boundary. From any thread, also from theirs. */
    void ask() {
        gate.close();
        threads.forEach(CpuThread::kick);
    }

    /** Stops all vCPUs at instruction boundaries, and the clock. */
    void halt() {
        ask();
        gate.awaitEmpty();
        clock.halt();
    }

    /** Resets the halted machine and loads the kernel again. */
    void reset() throws BootException, HostMemoryExhaustedException {
        former = statistics();
        leaveSeat();
        parked = List.of();
        boot();
    }

    private void leaveSeat() {
        Seat old = seat;
        seat = null;
        ram.onWrite((gpa, size) -> {});
        cpus = List.of();
        if (old != null) {
            old.close();
        }
    }

    private void endThreads() {
        halt();
        gate.end();
        threads.forEach(CpuThread::join);
    }

    /** Counters of each vCPU since power-on. */
    List<CpuStatistics> statistics() {
        List<CpuStatistics> before = former;
        List<CpuStatistics> now = cpus.isEmpty()
                ? parked.stream()
                        .map(state -> new CpuStatistics(state.instructions(), Map.of(), 0, 0, 0))
                        .toList()
                : cpus.stream().map(VirtualCpu::statistics).toList();
        if (before.isEmpty() || now.isEmpty()) {
            return now.isEmpty() ? before : now;
        }
        return IntStream.range(0, now.size())
                .mapToObj(index -> sum(before.get(index), now.get(index)))
                .toList();
    }

    private static CpuStatistics sum(CpuStatistics one, CpuStatistics other) {
        Map<String, Long> exits = new LinkedHashMap<>(one.exits());
        other.exits().forEach((reason, count) -> exits.merge(reason, count, Long::sum));
        return new CpuStatistics(
                one.instructions() + other.instructions(),
                exits,
                one.tlbMisses() + other.tlbMisses(),
                one.tracesDecoded() + other.tracesDecoded(),
                one.tracesInvalidated() + other.tracesInvalidated());
    }

    /** How often the machine moved to another engine. */
    long swaps() {
        return swaps;
    }

    /** Guest time since power-on. */
    long guestNanoseconds() {
        return clock.nanoseconds();
    }

    Parts.Selection selection() {
        return selection;
    }

    /** Gives up everything. The machine may be running. */
    @Override
    public void close() {
        while (!disposal.isEmpty()) {
            disposal.pop().run();
        }
    }
}
