package org.bundlevisor.machine.pc;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
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
    record Selection(
            String backendName,
            CpuBackend backend,
            SecondLevelPaging paging,
            Map<String, DeviceFactory> factories,
            Optional<Console> console) {}

    Selection select(Settings settings, Board board) throws MissingPartException {
        String backendName = settings.backends().stream()
                .filter(name -> backends.best(name).isPresent())
                .findFirst()
                .orElseThrow(() -> missing(
                        settings,
                        "no CPU backend " + String.join(" or ", settings.backends()) + " is there",
                        backends.names(),
                        "install the bundle that offers it, for example cpu.vtx, or ask for another"));
        CpuBackend backend = backends.best(backendName).orElseThrow();
        SecondLevelPaging paging = pagings.best(backend.pagingFormat())
                .orElseThrow(() -> missing(
                        settings,
                        "no second-level paging in the format " + backend.pagingFormat()
                                + " is there, which the CPU backend "
                                + backendName + " needs",
                        pagings.names(),
                        "install the bundle that offers it, for example mmu.ept"));
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
        return new Selection(backendName, backend, paging, chosen, console);
    }

    private static MissingPartException missing(Settings settings, String what, String found, String remedy) {
        return new MissingPartException(settings.name() + ": " + what + " (found: " + found + "): " + remedy);
    }
}
