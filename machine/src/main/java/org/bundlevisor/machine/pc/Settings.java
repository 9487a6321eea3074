package org.bundlevisor.machine.pc;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.bundlevisor.cpu.CpuModel;
import org.bundlevisor.machine.MachineConfiguration;
import org.bundlevisor.machine.boot.BootRequest;
import org.bundlevisor.machine.memory.MemoryMap;
import org.bundlevisor.machine.model.CpuModels;

/**
 * A configuration that has been found to make sense.
 *
 * @param backends names of CPU backends, best first
 * @param counted whether time follows instructions
 * @param console name of the console service for the first serial port, if any
 */
record Settings(
        String name,
        MemoryMap memoryMap,
        int cpus,
        List<String> backends,
        CpuModel model,
        boolean counted,
        BootRequest boot,
        Optional<String> console,
        boolean traceExits,
        boolean autostart) {
    private static final int MOST_CPUS = 64;

    /** @throws IllegalArgumentException in one sentence, when the configuration makes no sense */
    static Settings of(MachineConfiguration configuration) {
        String name = configuration.name();
        try {
            if (configuration.cpus() < 1 || configuration.cpus() > MOST_CPUS) {
                throw new IllegalArgumentException(configuration.cpus() + " vCPUs are not possible (expected 1 to "
                        + MOST_CPUS + ")");
            }
            if (configuration.kernel().isEmpty()) {
                throw new IllegalArgumentException(
                        "no kernel is given (expected the path of a Linux bzImage or a Multiboot kernel)");
            }
            return new Settings(
                    name,
                    new MemoryMap(configuration.memory()),
                    configuration.cpus(),
                    List.of(configuration.cpu()),
                    CpuModels.named(configuration.cpu_model(), configuration.cpus()),
                    isCounted(configuration),
                    new BootRequest(
                            Path.of(configuration.kernel()),
                            unlessEmpty(configuration.initrd()).map(Path::of),
                            configuration.append()),
                    unlessEmpty(configuration.console()),
                    configuration.trace_exits(),
                    configuration.autostart());
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException(name + ": " + e.getMessage(), e);
        }
    }

    private static boolean isCounted(MachineConfiguration configuration) {
        return switch (configuration.clock()) {
            case "real" -> false;
            case "counted" -> {
                if (configuration.cpus() != 1) {
                    throw new IllegalArgumentException("a counted clock follows one vCPU and there are "
                            + configuration.cpus() + ": give one vCPU or the clock real");
                }
                yield true;
            }
            default -> throw new IllegalArgumentException(
                    "there is no clock " + configuration.clock() + " (expected real or counted)");
        };
    }

    private static Optional<String> unlessEmpty(String value) {
        return value.isEmpty() ? Optional.empty() : Optional.of(value);
    }
}
