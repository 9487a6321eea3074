package org.bundlevisor.launcher.shell;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.bundlevisor.launcher.FakeMachine;
import org.bundlevisor.machine.VirtualMachine;
import org.junit.jupiter.api.Test;

class VmCommandsTest {
    private final FakeMachine machine = new FakeMachine("debian");
    private final VmCommands commands = new VmCommands(List.of(machine, new FakeMachine("another") {
        @Override
        public State state() {
            return State.INCOMPLETE;
        }

        @Override
        public String problem() {
            return "no CPU backend \"amdv\"";
        }
    }));

    @Test
    void listShowsStatesAndWhatIsWrong() {
        assertThat(commands.list()).isEqualTo("""
            another          incomplete: no CPU backend "amdv"
            debian           created""");
        assertThat(new VmCommands(List.of()).list()).contains("conf/vms");
    }

    @Test
    void aMachineIsLedThroughItsLife() {
        assertThat(commands.start("debian")).isEqualTo("debian is running");
        assertThat(commands.pause("debian")).isEqualTo("debian is paused");
        assertThat(machine.state()).isEqualTo(VirtualMachine.State.PAUSED);
        assertThat(commands.resume("debian")).isEqualTo("debian is running");
        assertThat(commands.stop("debian")).isEqualTo("debian is stopped");
    }

    @Test
    void infoShowsPartsAndStatistics() {
        assertThat(commands.info("debian").lines().map(line -> line.replaceAll(" +", " "))).containsExactly(
                "debian created", "cpu fake", "memory 64 MiB", "wall time 2.000 s", "guest time 1.500 s", "swaps 0",
                "instructions 2000000");
    }

    @Test
    void exitsOfAllCpusAreAddedUpTheMostFrequentFirst() {
        assertThat(commands.exits("debian").lines().map(String::strip)).containsExactly("80  EPT violation", "6  HLT");
    }

    @Test
    void anUnknownMachineIsNamed() {
        assertThatThrownBy(() -> commands.start("plan9"))
                .hasMessage("no virtual machine is named \"plan9\"; vm:list shows all");
    }
}
