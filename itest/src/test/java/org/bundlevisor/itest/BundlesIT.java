package org.bundlevisor.itest;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.FrameworkUtil;

/** The bundles of the workspace work as bundles, not only as jars on a class path. */
@ExtendWith(OsgiContainer.class)
class BundlesIT {
    @Test
    void testRunsInsideTheFramework() {
        assertThat(FrameworkUtil.getBundle(BundlesIT.class)).isNotNull();
    }

    @Test
    void everyBundleStarts(BundleContext context) {
        assertThat(context.getBundles())
                .extracting(Bundle::getSymbolicName)
                .contains("api", "cpu.core", "cpu.vtx", "cpu.amdv", "mmu.ept", "devices.bundle", "machine");
        assertThat(Arrays.stream(context.getBundles()).filter(b -> b.getState() != Bundle.ACTIVE)).isEmpty();
    }
}
