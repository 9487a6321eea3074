package org.bundlevisor.itest.commandline;

import jakarta.json.Json;
import jakarta.json.JsonNumber;
import jakarta.json.JsonObject;
import jakarta.json.JsonReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;

/** The JSON object that {@code --stats} wrote. */
record Statistics(JsonObject json) {
    static Statistics read(Path file) throws IOException {
        try (JsonReader reader = Json.createReader(Files.newInputStream(file))) {
            return new Statistics(reader.readObject());
        }
    }

    long count(String field) {
        return json.getJsonNumber(field).longValueExact();
    }

    double seconds(String field) {
        return json.getJsonNumber(field).doubleValue();
    }

    /** Numbers of VM exits by their reasons. */
    Map<String, Long> exits() {
        Map<String, Long> exits = new TreeMap<>();
        json.getJsonObject("exits")
                .forEach((reason, count) -> exits.put(reason, ((JsonNumber) count).longValueExact()));
        return exits;
    }
}
