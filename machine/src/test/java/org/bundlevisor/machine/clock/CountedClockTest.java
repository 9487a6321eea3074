package org.bundlevisor.machine.clock;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.bundlevisor.cpu.CpuHost;
import org.bundlevisor.cpu.VirtualCpu.RunResult;
import org.bundlevisor.device.Clock;
import org.bundlevisor.machine.test.FakeConsole;
import org.bundlevisor.machine.test.FakeCpu;
import org.bundlevisor.machine.test.NoHost;
import org.junit.jupiter.api.Test;

class CountedClockTest {
    private static final CpuHost HOST = new NoHost();

    private final AtomicLong host = new AtomicLong();
    private final CountedClock clock = new CountedClock(host::get);
    private final FakeCpu cpu = new FakeCpu(0, HOST, running -> null);
    private final List<String> expired = new ArrayList<>();

    private CountedClock entered() {
        clock.attach(cpu, () -> expired.add("attention"));
        clock.go();
        clock.enter();
        return clock;
    }

    @Test
    void timersExpireAfterAnExactNumberOfInstructions() {
        entered();
        clock.timer(() -> expired.add("late at " + cpu.instructions())).arm(2000);
        clock.timer(() -> expired.add("soon at " + cpu.instructions())).arm(1000);
        clock.expire();
        assertThat(expired).isEmpty();
        assertThat(cpu.run()).isEqualTo(RunResult.LIMIT_REACHED);
        clock.expire();
        assertThat(cpu.run()).isEqualTo(RunResult.LIMIT_REACHED);
        clock.expire();
        assertThat(expired).containsExactly("soon at 1000", "late at 2000");
        assertThat(clock.nanoseconds()).isEqualTo(2000);
    }

    @Test
    void armingFromWithinAnInstructionTakesEffectInTheSameRun() {
        Clock.Timer timer = clock.timer(() -> expired.add("at " + cpu(clock)));
        FakeCpu arming = new FakeCpu(0, HOST, running -> {
            if (running.instructions() == 10) {
                timer.arm(clock.nanoseconds() + 5);
            }
            return null;
        });
        clock.attach(arming, () -> expired.add("attention"));
        clock.enter();
        clock.expire();
        assertThat(arming.run()).isEqualTo(RunResult.LIMIT_REACHED);
        clock.expire();
        assertThat(expired).containsExactly("at 15");
    }

    private static long cpu(CountedClock clock) {
        return clock.nanoseconds();
    }

    @Test
    void aHaltedCpuSkipsToTheNextTimer() {
        entered();
        assertThat(clock.skip()).isFalse();
        clock.timer(() -> expired.add("at " + clock.nanoseconds())).arm(1_000_000);
        assertThat(clock.skip()).isTrue();
        clock.expire();
        assertThat(expired).containsExactly("at 1000000");
        clock.timer(() -> expired.add("then at " + cpu.instructions())).arm(1_000_100);
        clock.expire();
        cpu.run();
        clock.expire();
        assertThat(expired).containsExactly("at 1000000", "then at 100");
    }

    @Test
    void anIdleGuestIsAheadOfTheHostUntilTheHostHasCaughtUp() {
        entered();
        clock.timer(() -> {}).arm(5000);
        host.set(1000);
        assertThat(clock.lead()).isEqualTo(4000);
        host.set(6000);
        assertThat(clock.lead()).isNegative();
    }

    @Test
    void timeGoesOnWhereItWasOnAnotherCpu() {
        entered();
        cpu.setInstructionLimit(500);
        cpu.run();
        clock.leave();
        assertThat(clock.nanoseconds()).isEqualTo(500);
        FakeCpu fresh = new FakeCpu(0, HOST, running -> null);
        clock.attach(fresh, () -> expired.add("attention"));
        clock.enter();
        assertThat(clock.nanoseconds()).isEqualTo(500);
        fresh.setInstructionLimit(7);
        fresh.run();
        assertThat(clock.nanoseconds()).isEqualTo(507);
    }

    @Test
    void armingFromAnotherThreadAsksForAttention() throws Exception {
        entered();
        Clock.Timer timer = clock.timer(() -> expired.add("expired"));
        Thread other = Thread.ofPlatform().start(() -> timer.arm(0));
        other.join();
        clock.expire();
        assertThat(expired).containsExactly("attention", "expired");
    }

    @Test
    void everyRunBeginsAtTheSameMoment() {
        assertThat(clock.epochSeconds()).isEqualTo(1_735_689_600L);
        assertThat(clock.nanoseconds()).isZero();
    }

    @Test
    void consoleInputArrivesAtFixedStepsOfGuestTime() {
        entered();
        FakeConsole real = new FakeConsole();
        PolledConsole polled = new PolledConsole(real, clock);
        polled.onInput(() -> expired.add("input at " + clock.nanoseconds()));
        real.type("ab");
        assertThat(polled.read()).isEqualTo(-1);
        clock.skip();
        clock.expire();
        assertThat(expired).containsExactly("input at 5000000");
        real.type("c");
        assertThat(polled.read()).isEqualTo('a');
        assertThat(polled.read()).isEqualTo('b');
        assertThat(polled.read()).isEqualTo(-1);
        clock.skip();
        clock.expire();
        assertThat(expired).containsExactly("input at 5000000", "input at 10000000");
        assertThat(polled.read()).isEqualTo('c');
        assertThat(polled.ended()).isTrue();
        polled.close();
        assertThat(clock.skip()).isFalse();
        polled.write(new byte[] {'x', 'y'}, 1, 1);
        assertThat(real.output()).isEqualTo("y");
        assertThat(real.listener()).isNull();
    }
}
