package org.bundlevisor.launcher.trace;

import java.util.Hashtable;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import jdk.jfr.FlightRecorder;
import org.bundlevisor.cpu.ExitObserver;
import org.bundlevisor.machine.VirtualMachine;
import org.osgi.framework.BundleContext;
import org.osgi.framework.ServiceRegistration;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.component.annotations.ReferenceCardinality;
import org.osgi.service.component.annotations.ReferencePolicy;

/** Puts the VM exits of every machine that reports them into a flight recording, when one is running. */
@Component
public final class FlightRecording {
    private final BundleContext context;
    private final Map<VirtualMachine, ServiceRegistration<ExitObserver>> observers = new ConcurrentHashMap<>();

    @Activate
    public FlightRecording(BundleContext context) {
        this.context = context;
    }

    @Reference(cardinality = ReferenceCardinality.MULTIPLE, policy = ReferencePolicy.DYNAMIC)
    void addMachine(VirtualMachine machine, Map<String, Object> properties) {
        String name = String.valueOf(properties.get(VirtualMachine.NAME));
        observers.put(machine, context.registerService(ExitObserver.class, exit -> record(name, exit),
                new Hashtable<>(Map.of(VirtualMachine.NAME, name))));
    }

    void removeMachine(VirtualMachine machine) {
        ServiceRegistration<ExitObserver> observer = observers.remove(machine);
        if (observer != null) observer.unregister();
    }

    private static void record(String machine, org.bundlevisor.cpu.VmExit exit) {
        if (!FlightRecorder.isInitialized()) return;
        VmExitEvent event = new VmExitEvent(machine, exit);
        event.commit();
    }
}
