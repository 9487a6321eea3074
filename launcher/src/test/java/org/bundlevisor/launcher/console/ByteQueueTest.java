package org.bundlevisor.launcher.console;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

class ByteQueueTest {
    @Test
    void givesBackWhatWasPutInAcrossTheEndOfTheRing() throws Exception {
        ByteQueue queue = new ByteQueue(8);
        byte[] into = new byte[16];

        for (int round = 0; round < 20; round++) {
            assertThat(queue.offer("abcde".getBytes(StandardCharsets.US_ASCII), 0, 5)).isEqualTo(5);
            assertThat(queue.poll()).isEqualTo('a');
            assertThat(queue.take(into)).isEqualTo(4);
            assertThat(new String(into, 0, 4, StandardCharsets.US_ASCII)).isEqualTo("bcde");
        }
        assertThat(queue.poll()).isEqualTo(-1);
    }

    @Test
    void dropsWhatHasNoRoom() throws Exception {
        ByteQueue queue = new ByteQueue(3);

        assertThat(queue.offer(new byte[] {1, 2, 3, 4}, 0, 4)).isEqualTo(3);
        assertThat(queue.offer(new byte[] {5}, 0, 1)).isZero();
        assertThat(queue.take(new byte[8])).isEqualTo(3);
    }

    @Test
    void saysWhenItWasEmpty() throws Exception {
        ByteQueue queue = new ByteQueue(3);

        assertThat(queue.put((byte) 0xff)).isTrue();
        assertThat(queue.put((byte) 1)).isFalse();
        assertThat(queue.poll()).isEqualTo(0xff);
    }

    @Test
    void whoeverPutsWaitsForRoom() throws Exception {
        ByteQueue queue = new ByteQueue(1);
        queue.put((byte) 1);
        CompletableFuture<Void> second = CompletableFuture.runAsync(() -> putUninterrupted(queue, 2));

        assertThat(queue.poll()).isEqualTo(1);
        second.join();
        assertThat(queue.poll()).isEqualTo(2);
    }

    @Test
    void whatIsLeftCanBeTakenAfterTheEnd() throws Exception {
        ByteQueue queue = new ByteQueue(4);
        queue.put((byte) 1);
        queue.end();

        assertThat(queue.put((byte) 2)).isFalse();
        assertThat(queue.take(new byte[4])).isEqualTo(1);
        assertThat(queue.take(new byte[4])).isEqualTo(-1);
    }

    private static void putUninterrupted(ByteQueue queue, int value) {
        try {
            queue.put((byte) value);
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }
}
