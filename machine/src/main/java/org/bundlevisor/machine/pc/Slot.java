package org.bundlevisor.machine.pc;

import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;

/**
 * One device of a board: its kind, its configuration, where its register blocks lie and where its lines lead. The device
 * itself knows none of this.
 *
 * @param kind as in {@code DeviceFactory.DEVICE}
 * @param name in the machine
 * @param ports I/O port of each port region by name
 * @param memory guest-physical address of each memory region by name
 * @param lines where each output line leads by name
 * @param usesConsole whether it is connected to the machine's console
 */
record Slot(
        String kind,
        String name,
        Map<String, Object> properties,
        Map<String, Integer> ports,
        Map<String, Long> memory,
        Map<String, Destination> lines,
        boolean usesConsole) {
    Slot {
        properties = Map.copyOf(properties);
        ports = Map.copyOf(ports);
        memory = Map.copyOf(memory);
        lines = Map.copyOf(lines);
    }

    /** The end of an interrupt line. */
    sealed interface Destination {
        /** An interrupt of the ISA bus: the inputs of both interrupt controllers that have its number. */
        record Isa(int interrupt) implements Destination {}

        /** An input of the I/O APIC alone, by its global system interrupt. */
        record Global(int interrupt) implements Destination {}

        /**
         * An input of another device of the board, which passes the line on to an interrupt of the ISA bus.
         *
         * @param interrupt what it is to the guest
         */
        record Through(String slot, int input, int interrupt) implements Destination {}

        /** A local interrupt pin of every vCPU's local APIC, LINT0 or LINT1. */
        record LocalPins(int pin) implements Destination {}
    }

    static Slot of(String kind, String name) {
        return new Slot(kind, name, Map.of(), Map.of(), Map.of(), Map.of(), false);
    }

    Slot property(String key, Object value) {
        return new Slot(kind, name, with(properties, key, value), ports, memory, lines, usesConsole);
    }

    Slot port(int port, String region) {
        return new Slot(kind, name, properties, with(ports, region, port), memory, lines, usesConsole);
    }

    Slot memory(long address, String region) {
        return new Slot(kind, name, properties, ports, with(memory, region, address), lines, usesConsole);
    }

    Slot line(String line, Destination destination) {
        return new Slot(kind, name, properties, ports, memory, with(lines, line, destination), usesConsole);
    }

    Slot console() {
        return new Slot(kind, name, properties, ports, memory, lines, true);
    }

    /** For people: the kind and where it lies. */
    String describe() {
        StringBuilder text = new StringBuilder(kind);
        new TreeMap<>(ports).forEach((region, port) -> text.append(", %s at port 0x%x".formatted(region, port)));
        new TreeMap<>(memory).forEach((region, address) -> text.append(", %s at 0x%x".formatted(region, address)));
        return text.toString();
    }

    private static <V> Map<String, V> with(Map<String, V> map, String key, V value) {
        Map<String, V> result = new HashMap<>(map);
        result.put(key, value);
        return result;
    }
}
