package org.bundlevisor.devices;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.math.BigInteger;
import java.util.Random;
import org.junit.jupiter.api.Test;

class RateTest {
    @Test
    void countsAsExactArithmeticDoes() {
        Random random = new Random(1);
        for (int i = 0; i < 10_000; i++) {
            Rate rate = new Rate(1 + random.nextLong(9_000_000_000L), 1 + random.nextLong(1_000_000_000));
            long time = random.nextLong(1L << random.nextInt(10, 59));
            BigInteger exact = BigInteger.valueOf(time)
                    .multiply(BigInteger.valueOf(rate.ticks()))
                    .divide(BigInteger.valueOf(rate.nanoseconds()));
            if (exact.bitLength() < 63) {
                assertThat(rate.ticksAt(time)).isEqualTo(exact.longValue());
            }
        }
    }

    @Test
    void namesTheFirstNanosecondOfATick() {
        Random random = new Random(2);
        for (int i = 0; i < 10_000; i++) {
            Rate rate = Rate.hertz(1_000_000 + random.nextLong(8_000_000_000L));
            long tick = 1 + random.nextLong(1L << random.nextInt(10, 55));
            long time = rate.timeOf(tick);
            assertThat(rate.ticksAt(time)).isGreaterThanOrEqualTo(tick);
            assertThat(rate.ticksAt(time - 1)).isLessThan(tick);
        }
    }

    @Test
    void saturatesWhereTimeEnds() {
        assertThat(Rate.hertz(1_000_000).timeOf(Long.MAX_VALUE)).isEqualTo(Long.MAX_VALUE);
    }

    @Test
    void refusesWhatItCouldNotComputeExactly() {
        assertThatThrownBy(() -> Rate.hertz(9_000_000_001L)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> Rate.hertz(0)).isInstanceOf(IllegalArgumentException.class);
    }
}
