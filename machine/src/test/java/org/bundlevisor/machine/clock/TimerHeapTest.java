package org.bundlevisor.machine.clock;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class TimerHeapTest {
    private final TimerHeap heap = new TimerHeap();

    private static final class Entry extends TimerHeap.Entry {}

    @Test
    void tellsTheSoonestAfterAnyMixOfArmingAndDisarming() {
        Random random = new Random(7);
        List<Entry> armed = new ArrayList<>();
        List<Entry> all = new ArrayList<>();
        for (int index = 0; index < 100; index++) {
            all.add(new Entry());
        }
        for (int step = 0; step < 20_000; step++) {
            Entry entry = all.get(random.nextInt(all.size()));
            armed.remove(entry);
            if (random.nextInt(3) == 0) {
                heap.remove(entry);
            } else {
                heap.arm(entry, random.nextInt(50));
                armed.add(entry);
            }
            // min is stable: of equals the one that was armed first
            assertThat(heap.first())
                    .isSameAs(armed.stream().min(Comparator.comparingLong(Entry::due)).orElse(null));
            assertThat(entry.armed()).isEqualTo(armed.contains(entry));
        }
    }

    @Test
    void isEmptyAtFirst() {
        assertThat(heap.first()).isNull();
        assertThat(heap.firstDue()).isEqualTo(Long.MAX_VALUE);
        heap.remove(new Entry());
    }
}
