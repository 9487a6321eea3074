package org.bundlevisor.machine.pc;

import java.util.ArrayList;
import java.util.List;
import org.bundlevisor.device.InterruptLine;

/** An output of a device, which is handed out before it is known where it leads. */
final class OutputLine implements InterruptLine {
    private InterruptLine[] targets = {};

    /** Says where the line leads; before any device runs. */
    void connect(List<InterruptLine> ends) {
        List<InterruptLine> all = new ArrayList<>(List.of(targets));
        all.addAll(ends);
        targets = all.toArray(InterruptLine[]::new);
    }

    @Override
    public void set(boolean asserted) {
        for (InterruptLine target : targets) {
            target.set(asserted);
        }
    }
}
