package org.bundlevisor.machine.clock;

import org.bundlevisor.device.Clock;

/** A machine's clock as the machine sees it: it can be let run and be stopped. */
public sealed interface MachineClock extends Clock, AutoCloseable permits RealClock, CountedClock {
    /** Lets time go on. Does nothing when it does already. */
    void go();

    /** Stops time. When this returns, no timer's call-back runs any more, unless it is called from one. */
    void halt();

    /** Gives up the clock's thread. */
    @Override
    void close();
}
