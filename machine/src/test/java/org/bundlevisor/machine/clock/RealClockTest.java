package org.bundlevisor.machine.clock;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicLong;
import org.bundlevisor.device.Clock;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class RealClockTest {
    private final AtomicLong host = new AtomicLong(1000);
    private final BlockingQueue<RuntimeException> failures = new LinkedBlockingQueue<>();
    private final BlockingQueue<String> expired = new LinkedBlockingQueue<>();

    /** On a host clock that the test moves. */
    private final RealClock clock = new RealClock("test", 77, host::get, failures::add);

    @AfterEach
    void close() {
        clock.close();
    }

    @Test
    void startsAtZeroAndStandsStillWhilePaused() {
        assertThat(clock.nanoseconds()).isZero();
        host.set(5000);
        assertThat(clock.nanoseconds()).isZero();
        clock.go();
        host.set(5100);
        assertThat(clock.nanoseconds()).isEqualTo(100);
        clock.halt();
        host.set(9000);
        assertThat(clock.nanoseconds()).isEqualTo(100);
        clock.go();
        host.set(9001);
        assertThat(clock.nanoseconds()).isEqualTo(101);
        assertThat(clock.epochSeconds()).isEqualTo(77);
    }

    @Test
    void expiresInTheOrderOfDueTimesOnItsOwnThread() throws Exception {
        clock.timer(() -> expired.add("late " + Thread.currentThread().getName())).arm(30);
        clock.timer(() -> expired.add("soon")).arm(10);
        Clock.Timer disarmed = clock.timer(() -> expired.add("never"));
        disarmed.arm(20);
        disarmed.disarm();
        host.addAndGet(30);
        clock.go();
        host.addAndGet(30);
        assertThat(expired.take()).isEqualTo("soon");
        assertThat(expired.take()).isEqualTo("late test timers");
        assertThat(expired).isEmpty();
    }

    @Test
    void aTimeThatHasPassedExpiresAtOnce() throws Exception {
        clock.go();
        clock.timer(() -> expired.add("past")).arm(-5);
        assertThat(expired.take()).isEqualTo("past");
    }

    @Test
    void aSoonerTimerWakesTheWaitingLoop() throws Exception {
        RealClock real = new RealClock("test", 0, System::nanoTime, failures::add);
        real.go();
        real.timer(() -> expired.add("in an hour")).arm(3_600_000_000_000L);
        Clock.Timer again = real.timer(() -> expired.add("soon"));
        again.arm(1_000_000);
        assertThat(expired.take()).isEqualTo("soon");
        assertThat(real.nanoseconds()).isGreaterThanOrEqualTo(1_000_000);
        again.arm(2_000_000);
        assertThat(expired.take()).isEqualTo("soon");
        assertThat(real.nanoseconds()).isGreaterThanOrEqualTo(2_000_000);
        real.close();
    }

    @Test
    void aCallBackMayArmItsOwnTimer() throws Exception {
        Clock.Timer[] periodic = new Clock.Timer[1];
        periodic[0] = clock.timer(() -> {
            expired.add("tick");
            if (expired.size() < 3) {
                periodic[0].arm(clock.nanoseconds());
            } else {
                expired.add("done");
            }
        });
        periodic[0].arm(0);
        clock.go();
        while (!expired.contains("done")) {
            Thread.onSpinWait();
        }
        assertThat(expired).containsExactly("tick", "tick", "tick", "done");
    }

    @Test
    void haltWaitsForTheCallBackThatIsUnderWay() throws Exception {
        BlockingQueue<String> steps = new LinkedBlockingQueue<>();
        clock.timer(() -> {
            expired.add("running");
            while (clock.nanoseconds() != 50) {
                Thread.onSpinWait();
            }
            steps.add("call-back over");
        })
                .arm(0);
        clock.go();
        expired.take();
        host.addAndGet(50);
        clock.halt();
        steps.add("halted");
        assertThat(steps).containsExactly("call-back over", "halted");
    }

    @Test
    void reportsACallBackThatThrowsAndGoesOn() throws Exception {
        clock.timer(() -> {
            throw new IllegalStateException("broken device");
        })
                .arm(0);
        clock.timer(() -> expired.add("next")).arm(0);
        clock.go();
        assertThat(failures.take()).hasMessage("broken device");
        assertThat(expired.take()).isEqualTo("next");
    }
}
