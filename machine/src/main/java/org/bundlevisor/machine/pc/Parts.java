package org.bundlevisor.machine.pc;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.bundlevisor.cpu.CpuBackend;
import org.bundlevisor.cpu.ExitObserver;
import org.bundlevisor.device.Console;
import org.bundlevisor.device.DeviceFactory;
import org.bundlevisor.machine.VirtualMachine;
import org.bundlevisor.mmu.SecondLevelPaging;

/** The services that a machine can be made of, as they come and go. Thread-safe. */
final class Parts {
    final Offers<CpuBackend> backends = new Offers<>(CpuBackend.CPU);
    final Offers<SecondLevelPaging> pagings = new Offers<>(SecondLevelPaging.FORMAT);
    final Offers<DeviceFactory> factories = new Offers<>(DeviceFactory.DEVICE);
    final Offers<Console> consoles = new Offers<>(Console.CONSOLE);
    final Offers<ExitObserver> observers = new Offers<>(VirtualMachine.NAME);

    /** Says in one sentence which part is missing and what to do. */
    static final class MissingPartException extends Exception {
        private static final long serialVersionUID = 1L;

        MissingPartException(String message) {
            super(message);
        }
    }

    /**
     * Parts that make a machine complete.
     *
     * @param factories a factory for each kind of device on the board
     */
    record Selection(Engine engine, Map<String, DeviceFactory> factories, Optional<Console> console) {
        Selection with(Engine other) {
            return new Selection(other, factories, console);
        }
    }

    /** What executes the vCPUs. */
    record Engine(String name, CpuBackend backend, SecondLevelPaging paging) {}

    /** A CPU backend by its name, with the paging that it needs. */
    Engine engine(Settings settings, String name) throws MissingPartException {
        CpuBackend backend = backends.best(name).orElseThrow(() -> missingBackend(settings, name));
        SecondLevelPaging paging = pagings.best(backend.pagingFormat())
                .orElseThrow(() -> missing(
                        settings,
                        "no second-level paging in the format " + backend.pagingFormat()
                                + " is there, which the CPU backend "
                                + name + " needs",
                        pagings.names(),
                        "install the bundle that offers it, for example mmu.ept"));
        return new Engine(name, backend, paging);
    }

    /** The best engine there is: of those that the configuration names, in its order, else of all, best ranked first. */
    Optional<Engine> anyEngine(Settings settings) {
        for (String name : Stream.concat(settings.backends().stream(), backends.ranked().stream()).toList()) {
            try {
                return Optional.of(engine(settings, name));
            } catch (MissingPartException e) {
                // the next one may be complete; if none is, the caller says what is missing
                continue;
            }
        }
        return Optional.empty();
    }

    private MissingPartException missingBackend(Settings settings, String names) {
        return missing(
                settings,
                "no CPU backend " + names + " is there",
                backends.names(),
                "install the bundle that offers it, for example cpu.vtx, or ask for another");
    }

    Selection select(Settings settings, Board board) throws MissingPartException {
        String backendName = settings.backends().stream()
                .filter(name -> backends.best(name).isPresent())
                .findFirst()
                .orElseThrow(() -> missingBackend(settings, String.join(" or ", settings.backends())));
        Engine engine = engine(settings, backendName);
        Map<String, DeviceFactory> chosen = new LinkedHashMap<>();
        for (Slot slot : board.slots()) {
            chosen.put(
                    slot.kind(),
                    factories.best(slot.kind())
                            .orElseThrow(() -> missing(
                                    settings,
                                    "no device " + slot.kind() + " is there",
                                    factories.names(),
                                    "install the bundle that offers it, for example devices.bundle")));
        }
        Optional<Console> console = Optional.empty();
        if (settings.console().isPresent()) {
            String name = settings.console().get();
            console = Optional.of(consoles.best(name)
                    .orElseThrow(() -> missing(
                            settings,
                            "no console " + name + " is there",
                            consoles.names(),
                            "register it or leave the machine's property console empty")));
        }
        return new Selection(engine, chosen, console);
    }

    private static MissingPartException missing(Settings settings, String what, String found, String remedy) {
        return new MissingPartException(settings.name() + ": " + what + " (found: " + found + "): " + remedy);
    }
}
