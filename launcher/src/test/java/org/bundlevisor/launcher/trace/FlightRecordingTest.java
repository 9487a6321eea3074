package org.bundlevisor.launcher.trace;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.Map;
import java.util.ServiceLoader;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;
import org.bundlevisor.cpu.ExitObserver;
import org.bundlevisor.cpu.VmExit;
import org.bundlevisor.launcher.FakeMachine;
import org.bundlevisor.machine.VirtualMachine;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.osgi.framework.BundleContext;
import org.osgi.framework.Constants;
import org.osgi.framework.ServiceReference;
import org.osgi.framework.launch.Framework;
import org.osgi.framework.launch.FrameworkFactory;

class FlightRecordingTest {
    @TempDir
    Path folder;

    @Test
    void exitsOfEachMachineAreEventsWhileItIsThere() throws Exception {
        Framework framework = ServiceLoader.load(FrameworkFactory.class).findFirst().orElseThrow()
                .newFramework(Map.of(Constants.FRAMEWORK_STORAGE, folder.resolve("storage").toString()));
        framework.start();
        try (Recording recording = new Recording()) {
            recording.enable("org.bundlevisor.VmExit");
            recording.start();
            BundleContext context = framework.getBundleContext();
            FlightRecording flightRecording = new FlightRecording(context);
            FakeMachine machine = new FakeMachine("debian");

            flightRecording.addMachine(machine, Map.of(VirtualMachine.NAME, "debian"));
            ServiceReference<ExitObserver> observer = context
                    .getServiceReferences(ExitObserver.class, "(vm.name=debian)").iterator().next();
            context.getService(observer).exited(new VmExit(1, 77, 0xfff0, "EPT violation", "qualification=0x181"));
            flightRecording.removeMachine(machine);

            assertThat(context.getServiceReferences(ExitObserver.class, null)).isEmpty();
            recording.stop();
            Path file = folder.resolve("recording.jfr");
            recording.dump(file);
            RecordedEvent event = RecordingFile.readAllEvents(file).stream()
                    .filter(recorded -> recorded.getEventType().getName().equals("org.bundlevisor.VmExit")).findFirst()
                    .orElseThrow();
            assertThat(event.getString("machine")).isEqualTo("debian");
            assertThat(event.getInt("cpu")).isEqualTo(1);
            assertThat(event.getLong("instructions")).isEqualTo(77);
            assertThat(event.getLong("rip")).isEqualTo(0xfff0);
            assertThat(event.getString("reason")).isEqualTo("EPT violation");
            assertThat(event.getString("information")).isEqualTo("qualification=0x181");
        } finally {
            framework.stop();
            framework.waitForStop(0);
        }
    }
}
