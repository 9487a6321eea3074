package org.bundlevisor.machine.test;

import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import org.bundlevisor.device.Console;
import org.jspecify.annotations.Nullable;

/** A console that a test types at. */
public final class FakeConsole implements Console {
    private final ArrayDeque<Integer> input = new ArrayDeque<>();
    private final StringBuilder output = new StringBuilder();
    private @Nullable Runnable listener;
    private boolean ended = true;

    public void type(String text) {
        for (byte value : text.getBytes(StandardCharsets.US_ASCII)) {
            input.add(value & 0xff);
        }
        if (listener != null) {
            listener.run();
        }
    }

    public String output() {
        return output.toString();
    }

    public @Nullable Runnable listener() {
        return listener;
    }

    @Override
    public void write(byte[] bytes, int offset, int length) {
        output.append(new String(bytes, offset, length, StandardCharsets.US_ASCII));
    }

    @Override
    public int read() {
        Integer value = input.poll();
        return value == null ? -1 : value;
    }

    @Override
    public boolean ended() {
        return ended;
    }

    public void setEnded(boolean value) {
        ended = value;
    }

    @Override
    public void onInput(@Nullable Runnable newListener) {
        listener = newListener;
    }
}
