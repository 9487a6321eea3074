package org.bundlevisor.itest.commandline;

import static org.junit.jupiter.api.Assertions.fail;
import static org.junit.jupiter.api.Assumptions.abort;

import org.bundlevisor.guests.Guest;
import org.bundlevisor.guests.GuestException;
import org.bundlevisor.guests.GuestStore;

/** Guests that must be fetched before they can be run. */
final class Guests {
    private Guests() {}

    /** Fetches a guest. Where that cannot be, skips the test on a developer's machine and fails it in CI. */
    static Guest require(String name) {
        try {
            return GuestStore.ofUser(System.getenv(), System.out::println).fetch(name);
        } catch (GuestException e) {
            String sentence = String.valueOf(e.getMessage());
            return "true".equals(System.getenv("CI")) ? fail(sentence) : abort(sentence);
        }
    }
}
