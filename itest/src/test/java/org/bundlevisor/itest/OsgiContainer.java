package org.bundlevisor.itest;

import static org.ops4j.pax.exam.CoreOptions.bootDelegationPackages;
import static org.ops4j.pax.exam.CoreOptions.bundle;
import static org.ops4j.pax.exam.CoreOptions.cleanCaches;
import static org.ops4j.pax.exam.CoreOptions.frameworkProperty;
import static org.ops4j.pax.exam.CoreOptions.options;

import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ExtensionContext.Namespace;
import org.junit.jupiter.api.extension.InvocationInterceptor;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolver;
import org.junit.jupiter.api.extension.ReflectiveInvocationContext;
import org.ops4j.pax.exam.ExamSystem;
import org.ops4j.pax.exam.Option;
import org.ops4j.pax.exam.TestProbeBuilder;
import org.ops4j.pax.exam.nat.internal.NativeTestContainer;
import org.ops4j.pax.exam.spi.DefaultExamSystem;
import org.ops4j.pax.exam.spi.PaxExamRuntime;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;

/**
 * Runs a Jupiter test class inside Felix, with every bundle of {@code target/bundle} started. There is one framework per
 * test class.
 *
 * <p>Pax Exam packs the class into a probe bundle. Each test method is invoked on a copy of the class that the probe's own
 * loader defines, so that it sees the bundles' packages through OSGi wiring. JUnit and AssertJ come from the class path
 * of the test JVM, so that results and assertions are shared with the host. A parameter of type {@link BundleContext}
 * receives the probe's context.
 *
 * <p>A test class is packed without its outer and sibling classes: what it needs must be nested in it.
 */
public final class OsgiContainer
        implements BeforeAllCallback, AfterAllCallback, ParameterResolver, InvocationInterceptor {
    private static final Namespace NAMESPACE = Namespace.create(OsgiContainer.class);

    /** @param copies the objects inside the framework, by the objects that JUnit made outside */
    private record Running(NativeTestContainer container, Bundle probe, Map<Object, Object> copies) {}

    @Override
    public void beforeAll(ExtensionContext context) throws Exception {
        ExamSystem system = DefaultExamSystem.create(options(containerOptions()));
        var container = (NativeTestContainer) PaxExamRuntime.createContainer(system).start();
        Class<?> test = context.getRequiredTestClass();
        TestProbeBuilder probe = system.createProbe();
        for (Method method : test.getDeclaredMethods()) {
            probe.addTest(test, method.getName());
        }
        probe.setHeader("DynamicImport-Package", "*");
        long id = container.installProbe(probe.build().getStream());
        Bundle bundle = container.getSystemBundle().getBundleContext().getBundle(id);
        context.getStore(NAMESPACE).put(Running.class, new Running(container, bundle, new IdentityHashMap<>()));
    }

    private static Option[] containerOptions() throws IOException {
        List<Option> options = new ArrayList<>();
        try (var bundles = Files.list(Path.of("target/bundle"))) {
            bundles.sorted().forEach(jar -> options.add(bundle(jar.toUri().toString())));
        }
        options.add(bootDelegationPackages("org.junit.*", "org.opentest4j.*", "org.assertj.*"));
        options.add(frameworkProperty("org.osgi.framework.bundle.parent").value("app"));
        options.add(cleanCaches());
        return options.toArray(Option[]::new);
    }

    @Override
    public void afterAll(ExtensionContext context) {
        Running running = context.getStore(NAMESPACE).remove(Running.class, Running.class);
        if (running != null) {
            running.container().stop();
        }
    }

    @Override
    public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
        return parameter.getParameter().getType() == BundleContext.class;
    }

    @Override
    public Object resolveParameter(ParameterContext parameter, ExtensionContext context) {
        return running(context).probe().getBundleContext();
    }

    @Override
    public void interceptTestMethod(Invocation<@Nullable Void> invocation, ReflectiveInvocationContext<Method> method,
            ExtensionContext context) throws Throwable {
        invokeInside(invocation, method, context);
    }

    @Override
    public void interceptTestTemplateMethod(Invocation<@Nullable Void> invocation,
            ReflectiveInvocationContext<Method> method, ExtensionContext context) throws Throwable {
        invokeInside(invocation, method, context);
    }

    @Override
    public void interceptBeforeEachMethod(Invocation<@Nullable Void> invocation,
            ReflectiveInvocationContext<Method> method, ExtensionContext context) throws Throwable {
        invokeInside(invocation, method, context);
    }

    @Override
    public void interceptAfterEachMethod(Invocation<@Nullable Void> invocation,
            ReflectiveInvocationContext<Method> method, ExtensionContext context) throws Throwable {
        invokeInside(invocation, method, context);
    }

    private static Running running(ExtensionContext context) {
        return Objects.requireNonNull(context.getStore(NAMESPACE).get(Running.class, Running.class));
    }

    private static void invokeInside(Invocation<@Nullable Void> invocation, ReflectiveInvocationContext<Method> method,
            ExtensionContext context) throws Throwable {
        invocation.skip();
        Running running = running(context);
        Class<?> inside = running.probe().loadClass(method.getExecutable().getDeclaringClass().getName());
        Object outer = method.getTarget().orElseThrow();
        Object copy = running.copies().get(outer);
        if (copy == null) {
            var constructor = inside.getDeclaredConstructor();
            constructor.setAccessible(true);
            copy = constructor.newInstance();
            running.copies().put(outer, copy);
        }
        Method same = inside.getDeclaredMethod(method.getExecutable().getName(),
                method.getExecutable().getParameterTypes());
        same.setAccessible(true);
        Thread thread = Thread.currentThread();
        ClassLoader before = thread.getContextClassLoader();
        thread.setContextClassLoader(inside.getClassLoader());
        try {
            same.invoke(copy, method.getArguments().toArray());
        } catch (InvocationTargetException e) {
            throw e.getCause();
        } finally {
            thread.setContextClassLoader(before);
        }
    }
}
