package org.bundlevisor.devices.legacy;

/** A queue of up to 16 bytes. When it is full, what comes further is lost. */
final class ByteQueue {
    private final byte[] ring = new byte[16];
    private int head;
    private int count;

    void add(int value) {
        if (count < ring.length) {
            ring[(head + count) % ring.length] = (byte) value;
            count++;
        }
    }

    boolean isEmpty() {
        return count == 0;
    }

    /** Takes the oldest byte, 0 to 255; the queue must not be empty. */
    int take() {
        int value = ring[head] & 0xFF;
        head = (head + 1) % ring.length;
        count--;
        return value;
    }

    void clear() {
        count = 0;
    }

    byte[] save() {
        byte[] bytes = new byte[count];
        for (int index = 0; index < count; index++) {
            bytes[index] = ring[(head + index) % ring.length];
        }
        return bytes;
    }

    void restore(byte[] bytes) {
        clear();
        for (byte value : bytes) {
            add(value);
        }
    }
}
