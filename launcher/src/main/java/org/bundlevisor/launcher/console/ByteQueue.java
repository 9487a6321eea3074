package org.bundlevisor.launcher.console;

/** A bounded queue of bytes between two threads. */
final class ByteQueue {
    private final byte[] ring;
    private int head;
    private int count;
    private boolean ended;

    ByteQueue(int capacity) {
        ring = new byte[capacity];
    }

    /** Adds what there is room for. @return how many bytes that were */
    synchronized int offer(byte[] bytes, int offset, int length) {
        int added = ended ? 0 : Math.min(length, ring.length - count);
        int tail = (head + count) % ring.length;
        int first = Math.min(added, ring.length - tail);
        System.arraycopy(bytes, offset, ring, tail, first);
        System.arraycopy(bytes, offset + first, ring, 0, added - first);
        if (count == 0 && added > 0) notifyAll();
        count += added;
        return added;
    }

    /** Adds a byte, waiting for room. @return whether the queue was empty before */
    synchronized boolean put(byte value) throws InterruptedException {
        while (count == ring.length && !ended) wait();
        if (ended) return false;
        ring[(head + count) % ring.length] = value;
        return count++ == 0;
    }

    /** The oldest byte, 0 to 255, or -1 when there is none. */
    synchronized int poll() {
        if (count == 0) return -1;
        int value = Byte.toUnsignedInt(ring[head]);
        head = (head + 1) % ring.length;
        if (count-- == ring.length) notifyAll();
        return value;
    }

    /** Takes what there is, waiting for at least one byte. @return how many, or -1 after the end */
    synchronized int take(byte[] into) throws InterruptedException {
        while (count == 0 && !ended) wait();
        if (count == 0) return -1;
        int taken = Math.min(into.length, count);
        int first = Math.min(taken, ring.length - head);
        System.arraycopy(ring, head, into, 0, first);
        System.arraycopy(ring, 0, into, first, taken - first);
        head = (head + taken) % ring.length;
        count -= taken;
        return taken;
    }

    /** What is in the queue can still be taken; nothing is added any more. */
    synchronized void end() {
        ended = true;
        notifyAll();
    }
}
