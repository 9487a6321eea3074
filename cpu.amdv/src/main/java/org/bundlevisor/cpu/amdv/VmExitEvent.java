package org.bundlevisor.cpu.amdv;

import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Enabled;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;

/** A #VMEXIT in a JDK Flight Recorder recording; off unless a recording asks for it. */
@Name("org.bundlevisor.amdv.VmExit")
@Label("#VMEXIT")
@Description("A #VMEXIT of the AMD-V backend as APM vol. 2 describes it")
@Category({"Bundlevisor", "AMD-V"})
@StackTrace(false)
@Enabled(false)
final class VmExitEvent extends Event {
    @Label("vCPU")
    int cpu;

    @Label("Exit code")
    String code = "";

    @Label("EXITINFO1")
    long information1;

    @Label("EXITINFO2")
    long information2;

    @Label("Guest RIP")
    long rip;

    @Label("Instructions executed")
    long instructions;
}
