package org.bundlevisor.machine.pc;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.ReentrantLock;
import org.bundlevisor.cpu.ExitObserver;
import org.bundlevisor.cpu.VmExit;
import org.bundlevisor.machine.MachineConfiguration;
import org.bundlevisor.machine.MachineStatistics;
import org.bundlevisor.machine.Outcome;
import org.bundlevisor.machine.VirtualMachine;
import org.bundlevisor.machine.boot.BootException;
import org.bundlevisor.memory.HostMemory;
import org.bundlevisor.memory.HostMemoryExhaustedException;
import org.jspecify.annotations.Nullable;

/**
 * The life cycle of one virtual machine. A lock makes its steps follow each other; what the running guest asks for, a reset
 * or the end, is carried out by a thread of its own, because the vCPU that asks must stop first.
 */
final class PersonalComputer implements VirtualMachine, AutoCloseable {
    private final String name;
    private final @Nullable Settings settings;
    private final @Nullable Board board;
    private final boolean autostart;
    private final Parts parts;
    private final HostMemory hostMemory;
    private final Log log;

    private final ReentrantLock lock = new ReentrantLock();
    private volatile State state = State.INCOMPLETE;
    private volatile String problem;
    private volatile CompletableFuture<Outcome> outcome = new CompletableFuture<>();

    /** The machine while it runs or is paused, and after a failure, until it is started again. */
    private volatile @Nullable Run run;

    private volatile MachineStatistics lastStatistics = new MachineStatistics("", 0, 0, 0, List.of());
    private volatile List<ExitObserver> observers = List.of();
    private boolean hasRun;
    private boolean autostarted;
    private boolean closed;

    /** What the guest, or a part that failed, asks for. */
    private sealed interface Request {
        /** Reset and go on. */
        record Reset() implements Request {}

        /** End the run. */
        record End(Outcome outcome) implements Request {}
    }

    PersonalComputer(MachineConfiguration configuration, Parts parts, HostMemory hostMemory, Log log) {
        name = configuration.name();
        this.parts = parts;
        this.hostMemory = hostMemory;
        this.log = log;
        autostart = configuration.autostart();
        Settings valid = null;
        String complaint = "";
        try {
            valid = Settings.of(configuration);
        } catch (IllegalArgumentException e) {
            complaint = messageOf(e);
            log.error(complaint, null);
        }
        settings = valid;
        board = valid == null ? null : Board.pc(valid.memoryMap(), valid.model());
        problem = complaint;
    }

    // ---- what it is made of

    /** Services have come or gone: the machine may have become complete, or may have lost a part that it runs on. */
    void partsChanged() {
        boolean start;
        Runnable afterwards = () -> {};
        lock.lock();
        try {
            observers = parts.observers.all(name);
            Run current = run;
            if (current != null) {
                String lost = lostPart(current.pc.selection());
                if (!lost.isEmpty()) {
                    afterwards = lose(current, lost);
                } else if (current.seekingEngine || !isOffered(current.pc.selection().engine())) {
                    findEngine(current);
                }
            }
            assess();
            start = state == State.CREATED && autostart && !autostarted && !closed;
            autostarted |= start;
        } finally {
            lock.unlock();
        }
        // whoever waits for the outcome may do anything; this thread is in the middle of a service event
        Thread.startVirtualThread(afterwards);
        if (start) {
            Thread.ofPlatform().name(name + " start").daemon().start(this::startUnattended);
        }
    }

    private boolean isOffered(Parts.Engine engine) {
        return parts.backends.contains(engine.backend()) && parts.pagings.contains(engine.paging());
    }

    /**
     * The machine's backend or paging has gone: it moves to the best that is left. With nothing left it stands still, its
     * vCPUs' state kept, until something comes.
     */
    private void findEngine(Run current) {
        Settings valid = settings;
        if (valid == null || state != State.RUNNING && state != State.PAUSED) {
            return;
        }
        boolean resumes = current.seekingEngine ? current.resumesWithEngine : state == State.RUNNING;
        Optional<Parts.Engine> engine = parts.anyEngine(valid);
        if (engine.isPresent() && move(current, engine.get(), resumes)) {
            current.seekingEngine = false;
            problem = "";
            state = resumes ? State.RUNNING : State.PAUSED;
        } else if (!current.seekingEngine) {
            current.pc.park();
            current.seekingEngine = true;
            current.resumesWithEngine = resumes;
            state = State.PAUSED;
            problem = name + ": paused, because its CPU backend " + current.pc.selection().engine().name()
                    + " or the paging that this needs went away and there is no other: start a bundle that offers one, and the"
                    + " machine goes on";
            log.error(problem, null);
        }
    }

    /** Moves to an engine; a refusal is logged. @return whether it was done */
    private boolean move(Run current, Parts.Engine engine, boolean running) {
        try {
            swap(current, engine, running);
            return true;
        } catch (IllegalStateException e) {
            log.error(messageOf(e), null);
            return false;
        }
    }

    private void swap(Run current, Parts.Engine engine, boolean running) {
        String from = current.pc.selection().engine().name();
        try {
            long pause = current.pc.move(engine, running ? current::goUnlessAsked : () -> {});
            log.info("%s: moved from %s to %s in %d us".formatted(name, from, engine.name(), pause / 1000));
        } catch (HostMemoryExhaustedException | IllegalArgumentException e) {
            throw new IllegalStateException(
                    name + ": cannot move from " + from + " to " + engine.name() + ": " + messageOf(e), e);
        }
    }

    /** Which part of a selection, but for its engine, is not offered any more; empty when all are. */
    private String lostPart(Parts.Selection selection) {
        for (var factory : selection.factories().entrySet()) {
            if (!parts.factories.contains(factory.getValue())) {
                return "the device " + factory.getKey();
            }
        }
        return selection.console().filter(console -> !parts.consoles.contains(console)).isPresent()
                ? "its console"
                : "";
    }

    private Runnable lose(Run current, String lost) {
        if (state == State.RUNNING || state == State.PAUSED) {
            Runnable afterwards = finish(
                    current,
                    new Outcome.Failed(name + ": " + lost
                            + " went away while the machine ran: install its bundle again and start the machine anew"));
            dispose();
            return afterwards;
        }
        dispose();
        return () -> {};
    }

    /** Finds out whether a machine that does not run could. */
    private void assess() {
        Settings valid = settings;
        Board complete = board;
        if (state == State.RUNNING || state == State.PAUSED || valid == null || complete == null) {
            return;
        }
        try {
            parts.select(valid, complete);
            problem = "";
            state = hasRun ? State.STOPPED : State.CREATED;
        } catch (Parts.MissingPartException e) {
            problem = messageOf(e);
            state = State.INCOMPLETE;
        }
    }

    private void startUnattended() {
        try {
            start();
        } catch (IllegalStateException e) {
            log.error(messageOf(e), null);
        }
    }

    // ---- life cycle

    @Override
    public String name() {
        return name;
    }

    @Override
    public State state() {
        return state;
    }

    @Override
    public String problem() {
        return problem;
    }

    @Override
    public void start() {
        lock.lock();
        try {
            if (state == State.RUNNING || state == State.PAUSED) {
                throw new IllegalStateException(name + " is " + (state == State.RUNNING ? "running" : "paused")
                        + " already: stop it first, or reset it");
            }
            assess();
            Settings valid = settings;
            Board complete = board;
            if (closed || state == State.INCOMPLETE || valid == null || complete == null) {
                throw new IllegalStateException(closed ? name + " has been removed" : problem);
            }
            dispose();
            powerOn(valid, complete);
        } finally {
            lock.unlock();
        }
    }

    private void powerOn(Settings valid, Board complete) {
        Run next = new Run();
        try {
            next.powerOn(Pc.powerOn(
                    valid,
                    complete,
                    parts.select(valid, complete),
                    hostMemory,
                    valid.traceExits() ? this::tell : null,
                    next));
        } catch (BootException
                | HostMemoryExhaustedException
                | IllegalArgumentException
                | Parts.MissingPartException e) {
            problem = messageOf(e);
            throw new IllegalStateException(problem, e);
        }
        run = next;
        problem = "";
        hasRun = true;
        if (outcome.isDone()) {
            outcome = new CompletableFuture<>();
        }
        state = State.RUNNING;
        log.info(name + ": started");
        next.pc.go();
    }

    private void tell(VmExit exit) {
        for (ExitObserver observer : observers) {
            observer.exited(exit);
        }
    }

    @Override
    public void pause() {
        lock.lock();
        try {
            Run current = run;
            if (state == State.RUNNING && current != null) {
                current.pc.halt();
                state = State.PAUSED;
            }
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void resume() {
        lock.lock();
        try {
            Run current = run;
            if (state == State.PAUSED && current != null && current.seekingEngine) {
                current.resumesWithEngine = true;
            } else if (state == State.PAUSED && current != null) {
                state = State.RUNNING;
                current.goUnlessAsked();
            }
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void swap(String backend) {
        lock.lock();
        try {
            Run current = run;
            Settings valid = settings;
            boolean alive = state == State.RUNNING || state == State.PAUSED;
            if (!alive || current == null || valid == null || current.seekingEngine) {
                throw new IllegalStateException(
                        name + " cannot be moved to " + backend + ": it is neither running nor paused");
            }
            swap(current, parts.engine(valid, backend), state == State.RUNNING);
        } catch (Parts.MissingPartException e) {
            throw new IllegalStateException(messageOf(e), e);
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void reset() {
        Runnable afterwards = () -> {};
        lock.lock();
        try {
            Run current = run;
            boolean alive = state == State.RUNNING || state == State.PAUSED;
            if (alive && current != null && !current.seekingEngine) {
                afterwards = reset(current);
            }
        } finally {
            lock.unlock();
        }
        afterwards.run();
    }

    private Runnable reset(Run current) {
        current.pc.halt();
        try {
            current.pc.reset();
        } catch (BootException | HostMemoryExhaustedException | RuntimeException e) {
            log.error(name + ": could not be reset", e);
            return finish(current, new Outcome.Failed(name + ": could not be reset: " + messageOf(e)));
        }
        log.info(name + ": reset");
        if (state == State.RUNNING) {
            current.goUnlessAsked();
        }
        return () -> {};
    }

    @Override
    public void stop() {
        end(new Outcome.Stopped());
    }

    private void end(Outcome how) {
        Runnable afterwards = () -> {};
        lock.lock();
        try {
            Run current = run;
            if ((state == State.RUNNING || state == State.PAUSED) && current != null) {
                afterwards = finish(current, how);
            }
        } finally {
            lock.unlock();
        }
        afterwards.run();
    }

    /**
     * Ends the run; the machine of a failed one is kept, so that its state can be looked at.
     *
     * @return what tells those who wait for the outcome, to be called without the lock
     */
    private Runnable finish(Run current, Outcome how) {
        current.pc.halt();
        lastStatistics = current.statistics();
        state = State.STOPPED;
        if (how instanceof Outcome.Failed(String reason)) {
            problem = reason;
            log.error(reason, null);
        } else {
            dispose();
            log.info(name + ": " + how);
        }
        CompletableFuture<Outcome> ended = outcome;
        return () -> ended.complete(how);
    }

    private void dispose() {
        Run old = run;
        run = null;
        if (old != null) {
            old.pc.close();
        }
    }

    @Override
    public CompletionStage<Outcome> outcome() {
        return outcome.minimalCompletionStage();
    }

    /** The configuration is gone, and so is the machine. */
    @Override
    public void close() {
        stop();
        lock.lock();
        try {
            closed = true;
            dispose();
        } finally {
            lock.unlock();
        }
    }

    // ---- what can be seen from outside

    @Override
    public Map<String, String> parts() {
        Settings valid = settings;
        Board complete = board;
        Map<String, String> description = new LinkedHashMap<>();
        if (valid == null || complete == null) {
            return description;
        }
        Run current = run;
        Optional<Parts.Selection> selection = current != null
                ? Optional.of(current.pc.selection())
                : trySelect(valid, complete);
        description.put(
                "cpu backend",
                selection.map(chosen -> chosen.engine().name())
                        .orElse("missing: " + String.join(" or ", valid.backends())));
        selection.ifPresent(
                chosen -> description.put("paging", chosen.engine().backend().pagingFormat()));
        description.put("cpu model", valid.model().name());
        description.put("vCPUs", Integer.toString(valid.cpus()));
        description.put("memory", (valid.memoryMap().size() >> 20) + " MiB");
        description.put("clock", valid.counted() ? "counted" : "real");
        description.put("console", valid.console().orElse("none"));
        complete.slots().forEach(slot -> description.put(slot.name(), slot.describe()));
        return description;
    }

    private Optional<Parts.Selection> trySelect(Settings valid, Board complete) {
        try {
            return Optional.of(parts.select(valid, complete));
        } catch (Parts.MissingPartException e) {
            return Optional.empty();
        }
    }

    @Override
    public MachineStatistics statistics() {
        Run current = run;
        return current != null && (state == State.RUNNING || state == State.PAUSED)
                ? current.statistics()
                : lastStatistics;
    }

    private static String messageOf(Exception e) {
        String message = e.getMessage();
        return message == null ? e.toString() : message;
    }

    /** One run: the machine and what it asks for. */
    private final class Run implements Supervisor {
        private final long started = System.nanoTime();
        private final AtomicReference<@Nullable Request> asked = new AtomicReference<>();

        @SuppressWarnings("NullAway.Init") // set by powerOn, before anybody else sees this object
        private volatile Pc pc;

        /** There is no engine: the vCPUs are parked. Guarded by the lock. */
        private boolean seekingEngine;

        /** Whether the guest ran, or is wanted to run, when an engine comes. Guarded by the lock. */
        private boolean resumesWithEngine;

        void powerOn(Pc made) {
            pc = made;
        }

        MachineStatistics statistics() {
            return new MachineStatistics(
                    pc.selection().engine().name(),
                    (System.nanoTime() - started) / 1e9,
                    pc.guestNanoseconds() / 1e9,
                    pc.swaps(),
                    pc.statistics());
        }

        void goUnlessAsked() {
            if (asked.get() == null) {
                pc.go();
            }
        }

        private void ask(Request request) {
            if (asked.compareAndSet(null, request)) {
                pc.ask();
                Thread.ofPlatform().name(name + " control").daemon().start(() -> carryOut(request));
            }
        }

        private void carryOut(Request request) {
            Runnable afterwards = () -> {};
            lock.lock();
            try {
                asked.set(null);
                if (run == this && (state == State.RUNNING || state == State.PAUSED)) {
                    afterwards = switch (request) {
                        case Request.Reset() -> PersonalComputer.this.reset(this);
                        case Request.End(Outcome how) -> finish(this, how);
                    };
                }
            } finally {
                lock.unlock();
            }
            afterwards.run();
        }

        @Override
        public void reset() {
            ask(new Request.Reset());
        }

        @Override
        public void powerOff() {
            ask(new Request.End(new Outcome.PoweredOff()));
        }

        @Override
        public void exit(int status) {
            ask(new Request.End(new Outcome.Exited(status)));
        }

        @Override
        public void fail(String reason) {
            ask(new Request.End(new Outcome.Failed(name + ": " + reason)));
        }

        @Override
        public void fail(String doing, Throwable cause) {
            log.error(name + ": a part of the platform failed while " + doing, cause);
            fail("a part of the platform failed while " + doing + ": " + cause
                    + "; please report it with the log's trace");
        }
    }
}
