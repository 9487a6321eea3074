package org.bundlevisor.launcher.shell;

import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.bundlevisor.machine.MachineStatistics;
import org.bundlevisor.machine.VirtualMachine;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.component.annotations.ReferencePolicy;
import org.osgi.service.component.annotations.ReferencePolicyOption;

/** The shell's commands for virtual machines, {@code vm:list} and its like. Each answers with text. */
@Component(service = VmCommands.class, property = {"osgi.command.scope=vm", "osgi.command.function=list",
    "osgi.command.function=start", "osgi.command.function=stop", "osgi.command.function=pause",
    "osgi.command.function=resume", "osgi.command.function=swap", "osgi.command.function=info",
    "osgi.command.function=exits"})
public final class VmCommands {
    @Reference(policy = ReferencePolicy.DYNAMIC, policyOption = ReferencePolicyOption.GREEDY)
    private volatile List<VirtualMachine> machines = List.of();

    @Activate
    public VmCommands() {}

    VmCommands(List<VirtualMachine> machines) {
        this.machines = machines;
    }

    /** All machines and the state each is in. */
    public String list() {
        List<VirtualMachine> all = machines;
        if (all.isEmpty()) return "no virtual machines; a file in conf/vms makes one";
        return all.stream().sorted(Comparator.comparing(VirtualMachine::name))
                .map(machine -> "%-16s %s".formatted(machine.name(), state(machine))).collect(Collectors.joining("\n"));
    }

    public String start(String name) {
        return act(name, VirtualMachine::start);
    }

    public String stop(String name) {
        return act(name, VirtualMachine::stop);
    }

    public String pause(String name) {
        return act(name, VirtualMachine::pause);
    }

    public String resume(String name) {
        return act(name, VirtualMachine::resume);
    }

    /** Moves a machine to another CPU backend while its guest runs. */
    public String swap(String name, String backend) {
        return act(name, machine -> machine.swap(backend));
    }

    /** What a machine is made of and what it has done. */
    public String info(String name) {
        VirtualMachine machine = find(name);
        MachineStatistics statistics = machine.statistics();
        StringBuilder text = new StringBuilder("%-20s %s%n".formatted(machine.name(), state(machine)));
        new TreeMap<>(machine.parts()).forEach((part, what) -> text.append("%-20s %s%n".formatted(part, what)));
        text.append("%-20s %.3f s%n".formatted("wall time", statistics.wallSeconds()));
        text.append("%-20s %.3f s%n".formatted("guest time", statistics.guestSeconds()));
        text.append("%-20s %d%n".formatted("swaps", statistics.swaps()));
        text.append("%-20s %d".formatted("instructions", statistics.instructions()));
        return text.toString();
    }

    /** How often a machine left VMX non-root operation, by reason, the most frequent first. */
    public String exits(String name) {
        Map<String, Long> exits = new TreeMap<>();
        find(name).statistics().cpus()
                .forEach(cpu -> cpu.exits().forEach((reason, count) -> exits.merge(reason, count, Long::sum)));
        if (exits.isEmpty()) return "no VM exits yet";
        return exits.entrySet().stream().sorted(Map.Entry.<String, Long>comparingByValue().reversed())
                .map(exit -> "%12d  %s".formatted(exit.getValue(), exit.getKey())).collect(Collectors.joining("\n"));
    }

    /** A step in a machine's life. */
    private interface Action {
        void on(VirtualMachine machine);
    }

    private String act(String name, Action action) {
        VirtualMachine machine = find(name);
        action.on(machine);
        return "%s is %s".formatted(name, state(machine));
    }

    private VirtualMachine find(String name) {
        return machines.stream().filter(machine -> machine.name().equals(name)).findFirst()
                .orElseThrow(() -> new IllegalArgumentException(
                        "no virtual machine is named \"%s\"; vm:list shows all".formatted(name)));
    }

    private static String state(VirtualMachine machine) {
        String state = machine.state().name().toLowerCase(java.util.Locale.ROOT);
        String problem = machine.problem();
        return problem.isEmpty() ? state : state + ": " + problem;
    }
}
