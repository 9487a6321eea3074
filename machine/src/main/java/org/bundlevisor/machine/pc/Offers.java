package org.bundlevisor.machine.pc;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;

/** The services of one type that are there, told apart by a property; the best ranked first. Thread-safe. */
final class Offers<T> {
    private static final String RANKING = "service.ranking";
    private static final String ID = "service.id";

    private final String property;
    private final List<Offer<T>> offers = new ArrayList<>();

    private record Offer<T>(T service, String name, int ranking, long id) {}

    /** @param property the service property that names what is offered */
    Offers(String property) {
        this.property = property;
    }

    synchronized void add(T service, Map<String, ?> properties) {
        int ranking = properties.get(RANKING) instanceof Integer value ? value : 0;
        long id = properties.get(ID) instanceof Long value ? value : 0;
        offers.add(new Offer<>(service, String.valueOf(properties.get(property)), ranking, id));
        offers.sort(Comparator.comparingInt((Offer<T> offer) -> -offer.ranking()).thenComparingLong(Offer::id));
    }

    synchronized void remove(T service) {
        offers.removeIf(offer -> offer.service() == service);
    }

    synchronized boolean contains(Object service) {
        return offers.stream().anyMatch(offer -> offer.service() == service);
    }

    /** The best ranked service with a name. */
    synchronized Optional<T> best(String name) {
        return offers.stream().filter(offer -> offer.name().equals(name)).map(Offer::service).findFirst();
    }

    /** All services with a name. */
    synchronized List<T> all(String name) {
        return offers.stream().filter(offer -> offer.name().equals(name)).map(Offer::service).toList();
    }

    /** The names of what is there, best ranked first. */
    synchronized List<String> ranked() {
        return offers.stream().map(Offer::name).distinct().toList();
    }

    /** What is there, for messages: names, or "none". */
    synchronized String names() {
        TreeSet<String> names = new TreeSet<>();
        offers.forEach(offer -> names.add(offer.name()));
        return names.isEmpty() ? "none" : String.join(", ", names);
    }
}
