package org.bundlevisor.launcher.console;

import java.io.IOException;
import java.io.OutputStream;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;

/** Carries bytes to a stream on a thread of its own, so that whoever sends them never waits for the stream. */
final class OutputPump implements AutoCloseable {
    private static final int CAPACITY = 1 << 20;
    private static final int CHUNK = 1 << 13;
    private static final long DRAIN_MILLISECONDS = 5_000;

    private final ByteQueue queue = new ByteQueue(CAPACITY);
    private final OutputStream stream;
    private final Consumer<IOException> broken;
    private final Thread thread;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition released = lock.newCondition();
    private boolean held;

    /** @param broken is told once, on the pump's thread, when the stream takes no more */
    OutputPump(String name, OutputStream stream, Consumer<IOException> broken) {
        this.stream = stream;
        this.broken = broken;
        thread = Thread.ofPlatform().name(name).daemon().unstarted(this::pump);
        thread.start();
    }

    /** Sends bytes, or drops them when a megabyte waits already. */
    void send(byte[] bytes, int offset, int length) {
        queue.offer(bytes, offset, length);
    }

    /** Keeps back what is sent from now on, or lets it go. */
    void hold(boolean hold) {
        lock.lock();
        try {
            held = hold;
            released.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** Sends what is left, unless the stream stands still. */
    @Override
    public void close() {
        hold(false);
        queue.end();
        try {
            thread.join(DRAIN_MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void pump() {
        byte[] chunk = new byte[CHUNK];
        try {
            for (int length = queue.take(chunk); length >= 0; length = queue.take(chunk)) {
                awaitRelease();
                stream.write(chunk, 0, length);
                stream.flush();
            }
        } catch (IOException e) {
            queue.end();
            broken.accept(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void awaitRelease() throws InterruptedException {
        lock.lock();
        try {
            while (held) released.await();
        } finally {
            lock.unlock();
        }
    }
}
