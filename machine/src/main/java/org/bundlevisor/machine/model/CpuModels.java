package org.bundlevisor.machine.model;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.IntFunction;
import org.bundlevisor.cpu.CpuModel;

/** The CPU models by name. */
public final class CpuModels {
    private static final Map<String, IntFunction<CpuModel>> MODELS = new TreeMap<>(
            Map.of(X8664V2.NAME, X8664V2::create));

    private CpuModels() {}

    /** Names of all models, sorted. */
    public static List<String> names() {
        return List.copyOf(MODELS.keySet());
    }

    /**
     * The model with a name.
     *
     * @param cpus how many vCPUs the machine has, which the topology leaves tell
     * @throws IllegalArgumentException in one sentence, when there is none
     */
    public static CpuModel named(String name, int cpus) {
        IntFunction<CpuModel> model = MODELS.get(name);
        if (model == null) {
            throw new IllegalArgumentException(
                    "there is no CPU model " + name + " (expected one of: " + String.join(", ", names()) + ")");
        }
        return model.apply(cpus);
    }
}
