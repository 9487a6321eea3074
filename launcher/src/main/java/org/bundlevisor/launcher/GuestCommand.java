package org.bundlevisor.launcher;

import org.bundlevisor.guests.Guest;
import org.bundlevisor.guests.GuestException;
import org.bundlevisor.guests.GuestStore;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code bundlevisor guest}: the guests that can be run by name. */
@Command(name = "guest", description = "Lists and fetches guests.", mixinStandardHelpOptions = true,
        synopsisSubcommandLabel = "list|fetch")
final class GuestCommand implements Runnable {
    private final Main.Surroundings surroundings;

    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it before anything is called
    CommandSpec spec;

    GuestCommand(Main.Surroundings surroundings) {
        this.surroundings = surroundings;
    }

    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(), "\"guest\" needs to know what to do: list, or fetch NAME");
    }

    @Command(description = "Lists the guests that \"run\" knows by name.", mixinStandardHelpOptions = true)
    void list() {
        for (GuestStore.Offer offer : store().offers()) {
            surroundings.text().printf("%-10s %-12s %s%n", offer.name(), offer.fetched() ? "here" : "not fetched",
                    offer.description());
        }
    }

    @Command(description = "Fetches a guest into the user's cache folder, unless it is there.",
            mixinStandardHelpOptions = true)
    void fetch(@Parameters(paramLabel = "NAME", description = "a guest, see \"guest list\"") String name)
            throws Refusal {
        GuestStore store = store();
        boolean isKnown = store.offers().stream().anyMatch(offer -> offer.name().equals(name));
        try {
            Guest guest = store.fetch(name);
            surroundings.text().println("kernel    " + guest.kernel());
            guest.initramfs().ifPresent(file -> surroundings.text().println("initramfs " + file));
        } catch (GuestException e) {
            throw isKnown ? Refusal.failed(e) : Refusal.wrongUsage(String.valueOf(e.getMessage()));
        }
    }

    private GuestStore store() {
        return GuestStore.ofUser(surroundings.environment(),
                line -> surroundings.errors().println("bundlevisor: " + line));
    }
}
