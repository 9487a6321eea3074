package org.bundlevisor.devices.test;

import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import org.bundlevisor.device.Console;
import org.jspecify.annotations.Nullable;

/** A console on which the test types, and which keeps what it was sent. */
public final class FakeConsole implements Console {
    private final List<String> writes = new ArrayList<>();
    private final Queue<Integer> input = new ArrayDeque<>();
    private @Nullable Runnable listener;

    @Override
    public void write(byte[] bytes, int offset, int length) {
        writes.add(new String(bytes, offset, length, StandardCharsets.ISO_8859_1));
    }

    @Override
    public int read() {
        Integer value = input.poll();
        return value == null ? -1 : value;
    }

    @Override
    public void onInput(@Nullable Runnable listener) {
        this.listener = listener;
    }

    /** Types characters, and calls the device if there were none before. */
    public void type(String text) {
        boolean first = input.isEmpty();
        text.chars().forEach(input::add);
        if (first && listener != null) {
            listener.run();
        }
    }

    /** What the device has sent, one string a call. */
    public List<String> writes() {
        return writes;
    }

    /** How many characters the device has not taken yet. */
    public int waiting() {
        return input.size();
    }

    /** Whether a device listens. */
    public boolean connected() {
        return listener != null;
    }
}
