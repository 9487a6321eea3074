package org.bundlevisor.machine.pc;

import org.jspecify.annotations.Nullable;

/** Where a machine writes what its owner may want to know later. */
interface Log {
    void info(String message);

    void error(String message, @Nullable Throwable cause);
}
