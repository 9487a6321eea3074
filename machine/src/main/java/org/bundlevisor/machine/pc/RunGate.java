package org.bundlevisor.machine.pc;

import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/** Where vCPU threads wait until they may execute the guest, and where others wait until none does. */
final class RunGate {
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private volatile boolean open;
    private boolean ended;
    private int inside;

    /** Waits until the gate is open. @return false when there will be no more running */
    boolean enter() {
        lock.lock();
        try {
            while (!open && !ended) {
                changed.awaitUninterruptibly();
            }
            if (!ended) {
                inside++;
            }
            return !ended;
        } finally {
            lock.unlock();
        }
    }

    void leave() {
        lock.lock();
        try {
            inside--;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** Whether those who are inside may stay; polled between runs. */
    boolean isOpen() {
        return open;
    }

    void open() {
        lock.lock();
        try {
            open = !ended;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** Asks those inside to leave. From any thread, also from one of theirs. */
    void close() {
        open = false;
    }

    /** Sends everybody away for good. */
    void end() {
        lock.lock();
        try {
            open = false;
            ended = true;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** Waits until nobody is inside. */
    void awaitEmpty() {
        lock.lock();
        try {
            while (inside > 0) {
                changed.awaitUninterruptibly();
            }
        } finally {
            lock.unlock();
        }
    }
}
