package org.bundlevisor.cpu.vtx;

/** VM-instruction error numbers, SDM vol. 3C, 31.4 "VM Instruction Error Numbers": those that can occur here. */
enum VmInstructionError {
    INVALID_CONTROL_FIELDS(7, "VM entry with invalid control field(s)"),
    INVALID_HOST_STATE(8, "VM entry with invalid host-state field(s)"),
    UNSUPPORTED_COMPONENT(12, "VMREAD/VMWRITE from/to unsupported VMCS component"),
    READ_ONLY_COMPONENT(13, "VMWRITE to read-only VMCS component");

    private final int number;
    private final String title;

    VmInstructionError(int number, String title) {
        this.number = number;
        this.title = title;
    }

    int number() {
        return number;
    }

    /** The manual's name. */
    @Override
    public String toString() {
        return title;
    }
}
