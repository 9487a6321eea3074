package org.bundlevisor.devices.acpi;

/** What the fixed hardware and the tables that describe it must agree on. */
final class PowerManagement {
    static final String KIND = "acpi-pm";
    static final String PM1_EVENT = "pm1-event";
    static final String PM1_CONTROL = "pm1-control";
    static final String PM_TIMER = "pm-timer";
    static final String GPE0 = "gpe0";
    static final String RESET = "reset";
    static final String SYSTEM_CONTROL_INTERRUPT = "sci";

    /** SLP_TYPx of the soft-off state; 0 as in QEMU's chipsets, so that bare programs turn off both. */
    static final int SLEEP_TYPE_S5 = 0;

    /** What the reset register wants: as the PC chipsets' port CF9h does, bit 2 resets when it rises, bit 1 says how. */
    static final int RESET_VALUE = 0x06;

    static final int RESET_TRIGGER = 0x04;

    private PowerManagement() {}
}
