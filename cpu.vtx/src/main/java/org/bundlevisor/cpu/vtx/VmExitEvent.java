package org.bundlevisor.cpu.vtx;

import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Enabled;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;

/** A VM exit in a JDK Flight Recorder recording; off unless a recording asks for it. */
@Name("org.bundlevisor.vtx.VmExit")
@Label("VM exit")
@Description("A VM exit of the VT-x backend as SDM vol. 3C describes it")
@Category({"Bundlevisor", "VT-x"})
@StackTrace(false)
@Enabled(false)
final class VmExitEvent extends Event {
    @Label("vCPU")
    int cpu;

    @Label("Exit reason")
    String reason = "";

    @Label("Exit qualification")
    long qualification;

    @Label("Guest-physical address")
    long guestPhysicalAddress;

    @Label("Guest RIP")
    long rip;

    @Label("Instructions executed")
    long instructions;
}
