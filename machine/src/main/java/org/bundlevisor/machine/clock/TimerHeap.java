package org.bundlevisor.machine.clock;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** Armed timers, soonest first; those due at the same time in the order in which they were armed. Not thread-safe. */
final class TimerHeap {
    private static final int NOT_ARMED = -1;

    /** A timer's place in the heap; owned by the heap. */
    abstract static class Entry {
        private long due;
        private long order;
        private int index = NOT_ARMED;

        final long due() {
            return due;
        }

        final boolean armed() {
            return index != NOT_ARMED;
        }
    }

    private @Nullable Entry[] entries = new @Nullable Entry[16];
    private int size;
    private long armed;

    /** The soonest timer, or null. */
    @Nullable Entry first() {
        return size == 0 ? null : entries[0];
    }

    /** When the soonest timer is due; {@link Long#MAX_VALUE} when none is armed. */
    long firstDue() {
        Entry first = first();
        return first == null ? Long.MAX_VALUE : first.due;
    }

    void arm(Entry entry, long due) {
        remove(entry);
        if (size == entries.length) {
            entries = Arrays.copyOf(entries, 2 * size);
        }
        entry.due = due;
        entry.order = armed++;
        up(entry, size++);
    }

    void remove(Entry entry) {
        int hole = entry.index;
        if (hole == NOT_ARMED) {
            return;
        }
        entry.index = NOT_ARMED;
        Entry last = at(--size);
        entries[size] = null;
        if (last != entry) {
            up(last, hole);
            down(last, last.index);
        }
    }

    private void up(Entry entry, int index) {
        int place = index;
        while (place > 0) {
            Entry parent = at((place - 1) / 2);
            if (!before(entry, parent)) {
                break;
            }
            put(parent, place);
            place = (place - 1) / 2;
        }
        put(entry, place);
    }

    private void down(Entry entry, int index) {
        int place = index;
        while (true) {
            int child = 2 * place + 1;
            if (child >= size) {
                break;
            }
            if (child + 1 < size && before(at(child + 1), at(child))) {
                child++;
            }
            if (!before(at(child), entry)) {
                break;
            }
            put(at(child), place);
            place = child;
        }
        put(entry, place);
    }

    private Entry at(int index) {
        Entry entry = entries[index];
        if (entry == null) {
            throw new IllegalStateException("the timer heap has no entry " + index);
        }
        return entry;
    }

    private void put(Entry entry, int index) {
        entries[index] = entry;
        entry.index = index;
    }

    private static boolean before(Entry one, Entry other) {
        return one.due < other.due || one.due == other.due && one.order < other.order;
    }
}
