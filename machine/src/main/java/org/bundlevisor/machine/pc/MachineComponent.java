package org.bundlevisor.machine.pc;

import java.util.Hashtable;
import java.util.Map;
import org.bundlevisor.cpu.CpuBackend;
import org.bundlevisor.cpu.ExitObserver;
import org.bundlevisor.device.Console;
import org.bundlevisor.device.DeviceFactory;
import org.bundlevisor.machine.MachineConfiguration;
import org.bundlevisor.machine.VirtualMachine;
import org.bundlevisor.memory.HostMemory;
import org.bundlevisor.mmu.SecondLevelPaging;
import org.jspecify.annotations.Nullable;
import org.osgi.annotation.bundle.Capability;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.Constants;
import org.osgi.framework.ServiceRegistration;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.ConfigurationPolicy;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.component.annotations.ReferenceCardinality;
import org.osgi.service.component.annotations.ReferencePolicy;
import org.osgi.service.log.Logger;
import org.osgi.service.log.LoggerFactory;

/**
 * A factory configuration as a machine: follows the services that it can be made of, and registers the machine for as long
 * as the configuration exists, whether or not all parts are there.
 */
@Capability(
        namespace = "osgi.service",
        attribute = "objectClass:List<String>=\"org.bundlevisor.machine.VirtualMachine\"",
        effective = "active")
@Component(
        configurationPid = VirtualMachine.PID,
        configurationPolicy = ConfigurationPolicy.REQUIRE,
        immediate = true,
        service = {})
public final class MachineComponent {
    private final Parts parts = new Parts();
    private final PersonalComputer machine;
    private final BundleContext bundle;
    private @Nullable ServiceRegistration<VirtualMachine> registration;

    /** References are bound before {@link #activate}; until then their coming is not worth a look. */
    private volatile boolean active;

    @Activate
    public MachineComponent(
            MachineConfiguration configuration,
            BundleContext bundle,
            @Reference HostMemory memory,
            @Reference(service = LoggerFactory.class) Logger logger) {
        this.bundle = bundle;
        machine = new PersonalComputer(configuration, parts, memory, new Log() {
            @Override
            public void info(String message) {
                logger.info("{}", message);
            }

            @Override
            public void error(String message, @Nullable Throwable cause) {
                logger.error("{}", message, cause);
            }
        });
    }

    @Activate
    void activate() {
        Hashtable<String, Object> properties = new Hashtable<>();
        properties.put(VirtualMachine.NAME, machine.name());
        properties.put(Constants.SERVICE_DESCRIPTION, "The virtual machine " + machine.name());
        active = true;
        machine.partsChanged();
        registration = bundle.registerService(VirtualMachine.class, machine, properties);
    }

    @Deactivate
    void deactivate() {
        active = false;
        ServiceRegistration<VirtualMachine> registered = registration;
        if (registered != null) {
            registered.unregister();
        }
        machine.close();
    }

    @Reference(cardinality = ReferenceCardinality.MULTIPLE, policy = ReferencePolicy.DYNAMIC)
    void addBackend(CpuBackend backend, Map<String, Object> properties) {
        add(parts.backends, backend, properties);
    }

    void removeBackend(CpuBackend backend) {
        remove(parts.backends, backend);
    }

    @Reference(cardinality = ReferenceCardinality.MULTIPLE, policy = ReferencePolicy.DYNAMIC)
    void addPaging(SecondLevelPaging paging, Map<String, Object> properties) {
        add(parts.pagings, paging, properties);
    }

    void removePaging(SecondLevelPaging paging) {
        remove(parts.pagings, paging);
    }

    @Reference(cardinality = ReferenceCardinality.MULTIPLE, policy = ReferencePolicy.DYNAMIC)
    void addFactory(DeviceFactory factory, Map<String, Object> properties) {
        add(parts.factories, factory, properties);
    }

    void removeFactory(DeviceFactory factory) {
        remove(parts.factories, factory);
    }

    @Reference(cardinality = ReferenceCardinality.MULTIPLE, policy = ReferencePolicy.DYNAMIC)
    void addConsole(Console console, Map<String, Object> properties) {
        add(parts.consoles, console, properties);
    }

    void removeConsole(Console console) {
        remove(parts.consoles, console);
    }

    @Reference(cardinality = ReferenceCardinality.MULTIPLE, policy = ReferencePolicy.DYNAMIC)
    void addObserver(ExitObserver observer, Map<String, Object> properties) {
        add(parts.observers, observer, properties);
    }

    void removeObserver(ExitObserver observer) {
        remove(parts.observers, observer);
    }

    private <T> void add(Offers<T> offers, T service, Map<String, Object> properties) {
        offers.add(service, properties);
        if (active) {
            machine.partsChanged();
        }
    }

    private <T> void remove(Offers<T> offers, T service) {
        offers.remove(service);
        if (!active) {
            return;
        }
        if (isPlatformStopping()) {
            // the whole platform is on its way out, in whatever order: no part has failed
            machine.stop();
        }
        machine.partsChanged();
    }

    private boolean isPlatformStopping() {
        Bundle framework = bundle.getBundle(Constants.SYSTEM_BUNDLE_ID);
        return framework != null && framework.getState() == Bundle.STOPPING;
    }
}
