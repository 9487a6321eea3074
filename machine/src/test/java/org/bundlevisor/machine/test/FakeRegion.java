package org.bundlevisor.machine.test;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.bundlevisor.device.IoRegion;

/** Registers that read as their own offset, from a base value up, and remember what is written. */
public final class FakeRegion implements IoRegion {
    private final String name;
    private final long length;
    private final int base;
    private final Runnable onWrite;
    private final List<String> writes = Collections.synchronizedList(new ArrayList<>());

    public FakeRegion(String name, long length, int base) {
        this(name, length, base, () -> {});
    }

    public FakeRegion(String name, long length, int base, Runnable onWrite) {
        this.name = name;
        this.length = length;
        this.base = base;
        this.onWrite = onWrite;
    }

    /** What was written, as {@code size@offset=value}. */
    public List<String> writes() {
        return List.copyOf(writes);
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public long length() {
        return length;
    }

    @Override
    public long read(long offset, int size) {
        long value = 0;
        for (int index = 0; index < size; index++) {
            value |= (base + offset + index & 0xff) << 8 * index;
        }
        return value;
    }

    @Override
    public void write(long offset, int size, long value) {
        writes.add("%d@%d=0x%x".formatted(size, offset, value));
        onWrite.run();
    }
}
