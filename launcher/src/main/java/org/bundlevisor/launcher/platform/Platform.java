package org.bundlevisor.launcher.platform;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.ServiceLoader;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.BundleException;
import org.osgi.framework.Constants;
import org.osgi.framework.launch.Framework;
import org.osgi.framework.launch.FrameworkFactory;
import org.osgi.framework.startlevel.BundleStartLevel;
import org.osgi.framework.wiring.BundleRevision;

/**
 * The OSGi framework with the bundles of the distribution. Its storage is a temporary folder of its own, so that any
 * number of platforms run side by side, each from a clean start.
 */
public final class Platform implements AutoCloseable {
    /** Start level at which a machine can run. */
    public static final int MACHINE = 1;

    /** Start level at which there is a shell as well. */
    public static final int SHELL = 2;

    /** Start level at which files configure machines and bundles are deployed from a folder. */
    public static final int SERVICES = 3;

    private static final String REQUEST_PACKAGE = "org.bundlevisor.launcher.request;version=\"1.0.0\"";
    private static final long STOP_MILLISECONDS = 10_000;

    private final Framework framework;
    private final Path storage;

    private Platform(Framework framework, Path storage) {
        this.framework = framework;
        this.storage = storage;
    }

    /**
     * Starts the framework and every bundle of a folder up to a start level.
     *
     * @param bundles folder of the bundles
     * @param startLevel one of {@link #MACHINE}, {@link #SHELL} and {@link #SERVICES}
     * @param properties further framework properties, which bundles can read
     * @throws PlatformException in one sentence, when there are no bundles or the framework does not start
     */
    public static Platform start(Path bundles, int startLevel, Map<String, String> properties)
            throws PlatformException {
        List<Path> jars = jars(bundles);
        Platform platform = null;
        try {
            Path storage = Files.createTempDirectory("bundlevisor-");
            Map<String, String> configuration = new HashMap<>(properties);
            configuration.put(Constants.FRAMEWORK_STORAGE, storage.toString());
            configuration.put(Constants.FRAMEWORK_SYSTEMPACKAGES_EXTRA, REQUEST_PACKAGE);
            configuration.put(Constants.FRAMEWORK_BEGINNING_STARTLEVEL, Integer.toString(startLevel));
            // Felix's own log goes to standard output; what matters of it comes back as an exception
            // Flight Recorder weaves calls of its event writer into event classes, also into those of bundles
            configuration.put(Constants.FRAMEWORK_BOOTDELEGATION, "jdk.jfr.internal.event");
            configuration.put("felix.log.level", "0");
            Framework framework = ServiceLoader.load(FrameworkFactory.class).findFirst()
                    .orElseThrow(() -> new PlatformException("no OSGi framework is on the class path; build again"))
                    .newFramework(configuration);
            platform = new Platform(framework, storage);
            framework.init();
            platform.install(jars);
            framework.start();
            platform.requireActive(startLevel);
            return platform;
        } catch (IOException e) {
            throw failed(platform, "the platform's storage cannot be made: " + e.getMessage(), e);
        } catch (BundleException e) {
            throw failed(platform, "the platform does not start: " + e.getMessage(), e);
        } catch (PlatformException e) {
            throw failed(platform, String.valueOf(e.getMessage()), e);
        }
    }

    private static PlatformException failed(@Nullable Platform platform, String sentence,
            Exception cause) {
        if (platform != null) platform.close();
        return new PlatformException(sentence, cause);
    }

    /** What bundles of the framework see of it. */
    public BundleContext context() {
        return framework.getBundleContext();
    }

    /** Stops all bundles, the last started first, and removes the storage. */
    @Override
    public void close() {
        try {
            framework.stop();
            framework.waitForStop(STOP_MILLISECONDS);
        } catch (BundleException e) {
            System.err.println("bundlevisor: the platform did not stop in order: " + e.getMessage());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        remove(storage);
    }

    private void install(List<Path> jars) throws BundleException {
        BundleContext context = framework.getBundleContext();
        for (Path jar : jars) {
            Bundle bundle = context.installBundle("reference:" + jar.toUri());
            boolean isFragment = (bundle.adapt(BundleRevision.class).getTypes() & BundleRevision.TYPE_FRAGMENT) != 0;
            bundle.adapt(BundleStartLevel.class).setStartLevel(startLevel(bundle.getSymbolicName()));
            if (!isFragment) bundle.start(Bundle.START_ACTIVATION_POLICY);
        }
    }

    /** The framework starts bundles on a thread that keeps their failures to itself. */
    private void requireActive(int startLevel) throws PlatformException {
        for (Bundle bundle : context().getBundles()) {
            boolean isDue = bundle.adapt(BundleStartLevel.class).getStartLevel() <= startLevel;
            boolean isFragment = (bundle.adapt(BundleRevision.class).getTypes() & BundleRevision.TYPE_FRAGMENT) != 0;
            if (isDue && !isFragment && (bundle.getState() & (Bundle.ACTIVE | Bundle.STARTING)) == 0) {
                try {
                    bundle.start(Bundle.START_ACTIVATION_POLICY);
                } catch (BundleException e) {
                    String reason = String.valueOf(e.getMessage()).lines().findFirst().orElse("");
                    throw new PlatformException(
                            "bundle %s does not start: %s".formatted(bundle.getSymbolicName(), reason),
                            e);
                }
            }
        }
    }

    /** A run of one machine is on its way sooner without what only the platform's owner needs. */
    private static int startLevel(String symbolicName) {
        if (symbolicName.startsWith("org.apache.felix.gogo.")) return SHELL;
        return switch (symbolicName) {
            case "org.apache.felix.configurator", "org.apache.felix.fileinstall", "org.apache.felix.metatype" ->
                    SERVICES;
            default -> MACHINE;
        };
    }

    private static List<Path> jars(Path bundles) throws PlatformException {
        try (Stream<Path> files = Files.list(bundles)) {
            List<Path> jars = files.filter(file -> file.toString().endsWith(".jar")).sorted().toList();
            if (jars.isEmpty()) throw new PlatformException(bundles + " holds no bundles; build again");
            return jars;
        } catch (IOException | UncheckedIOException e) {
            throw new PlatformException("the folder of bundles %s cannot be read; build again".formatted(bundles), e);
        }
    }

    private static void remove(Path folder) {
        try (Stream<Path> files = Files.walk(folder)) {
            for (Path file : new ArrayList<>(files.sorted(Comparator.reverseOrder()).toList())) {
                Files.deleteIfExists(file);
            }
        } catch (IOException | UncheckedIOException e) {
            System.err.println("bundlevisor: the temporary folder %s could not be removed: %s"
                    .formatted(folder, e.getMessage()));
        }
    }
}
