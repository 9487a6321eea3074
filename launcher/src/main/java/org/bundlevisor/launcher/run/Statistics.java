package org.bundlevisor.launcher.run;

import jakarta.json.Json;
import jakarta.json.JsonException;
import jakarta.json.JsonObjectBuilder;
import jakarta.json.JsonWriter;
import jakarta.json.stream.JsonGenerator;
import java.io.OutputStream;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.function.ToLongFunction;
import org.bundlevisor.cpu.CpuStatistics;
import org.bundlevisor.machine.MachineStatistics;

/** What {@code --stats} writes: one JSON object. */
final class Statistics {
    private Statistics() {}

    /** Writes and closes the stream. @param say is told in one sentence when that cannot be done */
    static void write(MachineStatistics machine, int status, OutputStream stream, Consumer<String> say) {
        try (JsonWriter writer = Json.createWriterFactory(Map.of(JsonGenerator.PRETTY_PRINTING, true))
                .createWriter(stream)) {
            writer.writeObject(json(machine, status).build());
        } catch (JsonException e) {
            say.accept("the statistics cannot be written: " + e.getMessage());
        }
    }

    private static JsonObjectBuilder json(MachineStatistics machine, int status) {
        Map<String, Long> exits = new TreeMap<>();
        machine.cpus().forEach(cpu -> cpu.exits().forEach((reason, count) -> exits.merge(reason, count, Long::sum)));
        JsonObjectBuilder exitsByReason = Json.createObjectBuilder();
        exits.forEach(exitsByReason::add);
        double seconds = machine.wallSeconds();
        return Json.createObjectBuilder()
                .add("backend", machine.backend())
                .add("status", status)
                .add("swaps", machine.swaps())
                .add("cpus", machine.cpus().size())
                .add("wallSeconds", seconds)
                .add("guestSeconds", machine.guestSeconds())
                .add("instructions", machine.instructions())
                .add("instructionsPerSecond", seconds > 0 ? Math.round(machine.instructions() / seconds) : 0)
                .add("exits", exitsByReason)
                .add("tlbMisses", sum(machine.cpus(), CpuStatistics::tlbMisses))
                .add("tracesDecoded", sum(machine.cpus(), CpuStatistics::tracesDecoded))
                .add("tracesInvalidated", sum(machine.cpus(), CpuStatistics::tracesInvalidated));
    }

    private static long sum(List<CpuStatistics> cpus, ToLongFunction<CpuStatistics> counter) {
        return cpus.stream().mapToLong(counter).sum();
    }
}
