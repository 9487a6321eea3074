package org.bundlevisor.launcher.trace;

import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;
import org.bundlevisor.cpu.VmExit;

/** A VM exit in a flight recording. */
@Name("org.bundlevisor.VmExit")
@Label("VM Exit")
@Category({"Bundlevisor", "CPU"})
@Description("The guest left VMX non-root operation")
@StackTrace(false)
final class VmExitEvent extends Event {
    @Label("Virtual Machine")
    final String machine;

    @Label("vCPU")
    final int cpu;

    @Label("Instructions Executed")
    final long instructions;

    @Label("Guest RIP")
    final long rip;

    @Label("Exit Reason")
    final String reason;

    @Label("Exit Information")
    final String information;

    VmExitEvent(String machine, VmExit exit) {
        this.machine = machine;
        cpu = exit.cpu();
        instructions = exit.instructions();
        rip = exit.rip();
        reason = exit.reason();
        information = exit.information();
    }
}
