package org.bundlevisor.cpu;

import org.osgi.annotation.versioning.ProviderType;

/** Is told of each VM exit, for tracing. Called on the vCPU's thread; what it does delays that vCPU. */
@ProviderType
@FunctionalInterface
public interface ExitObserver {
    void exited(VmExit exit);
}
