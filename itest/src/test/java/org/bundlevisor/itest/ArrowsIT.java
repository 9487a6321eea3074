package org.bundlevisor.itest;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.jar.Attributes;
import java.util.jar.JarFile;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * Arrows point down only: no bundle imports a package from a bundle above or beside it. The manifests of the packed
 * bundles tell, which bnd writes from the class files.
 */
class ArrowsIT {
    /** Each bundle, and the bundles below it that it may know. */
    private static final Map<String, Set<String>> KNOWS = Map.of(
            "api", Set.of(),
            "cpu.core", Set.of("api"),
            "cpu.vtx", Set.of("api", "cpu.core"),
            "cpu.amdv", Set.of("api", "cpu.core"),
            "mmu.ept", Set.of("api"),
            "devices.bundle", Set.of("api"),
            "machine", Set.of("api"),
            "guests", Set.of(),
            "launcher", Set.of("api", "machine", "guests"));

    private static final Map<String, Attributes> MANIFESTS = new HashMap<>();

    @BeforeAll
    static void readManifests() throws IOException {
        for (String path : System.getProperty("java.class.path").split(File.pathSeparator)) {
            if (!path.endsWith(".jar")) continue;
            try (var jar = new JarFile(path)) {
                if (jar.getManifest() == null) continue;
                Attributes headers = jar.getManifest().getMainAttributes();
                if ("Bundlevisor".equals(headers.getValue("Bundle-Vendor"))) {
                    MANIFESTS.put(headers.getValue("Bundle-SymbolicName"), headers);
                }
            }
        }
    }

    @Test
    void everyBundleIsLookedAt() {
        assertThat(MANIFESTS.keySet()).isEqualTo(KNOWS.keySet());
    }

    @Test
    void noBundleImportsFromAboveOrBeside() {
        Map<String, String> exporters = new HashMap<>();
        MANIFESTS.forEach((name, headers) -> packages(headers.getValue("Export-Package"))
                .forEach(p -> exporters.put(p, name)));

        MANIFESTS.forEach((name, headers) -> {
            Set<String> known = new HashSet<>();
            for (String imported : packages(headers.getValue("Import-Package"))) {
                if (!imported.startsWith("org.bundlevisor.")) continue;
                assertThat(exporters).as("what %s imports is exported by a bundle", name).containsKey(imported);
                known.add(exporters.get(imported));
            }
            known.remove(name);
            assertThat(KNOWS.get(name)).as("what %s may know", name).containsAll(known);
        });
    }

    @Test
    void apiNeedsNothingAtRunTimeButTheFramework() {
        assertThat(packages(MANIFESTS.get("api").getValue("Import-Package")))
                .filteredOn(p -> !p.startsWith("java."))
                .allMatch(p -> p.startsWith("org.bundlevisor.")
                        || p.startsWith("org.osgi.")
                        || p.equals("org.jspecify.annotations"));
    }

    /** The package names of an OSGi header, without attributes and directives. */
    private static Set<String> packages(@Nullable String header) {
        Set<String> names = new HashSet<>();
        if (header == null) return names;
        for (String clause : header.replaceAll("\"[^\"]*\"", "").split(",")) {
            Arrays.stream(clause.split(";")).filter(part -> !part.contains("=")).map(String::strip).forEach(names::add);
        }
        return names;
    }
}
