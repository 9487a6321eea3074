package org.bundlevisor.cpu.vtx;

import org.jspecify.annotations.Nullable;

/**
 * The fields of a VMCS with their architected encodings, SDM vol. 3D, appendix B. Fields of features that this processor
 * does not have (tertiary controls, CET, PKS, user interrupts and what came after) do not exist.
 *
 * <p>An encoding tells, SDM vol. 3C, 25.11.2, table 25-21: bit 0 access type, 9:1 index, 11:10 type, 14:13 width.
 */
enum VmcsField {
    // 16-bit control fields
    VPID(0x0000, "Virtual-processor identifier"),
    POSTED_INTERRUPT_NOTIFICATION_VECTOR(0x0002, "Posted-interrupt notification vector"),
    EPTP_INDEX(0x0004, "EPTP index"),
    // 16-bit guest-state fields
    GUEST_ES_SELECTOR(0x0800, "Guest ES selector"),
    GUEST_CS_SELECTOR(0x0802, "Guest CS selector"),
    GUEST_SS_SELECTOR(0x0804, "Guest SS selector"),
    GUEST_DS_SELECTOR(0x0806, "Guest DS selector"),
    GUEST_FS_SELECTOR(0x0808, "Guest FS selector"),
    GUEST_GS_SELECTOR(0x080A, "Guest GS selector"),
    GUEST_LDTR_SELECTOR(0x080C, "Guest LDTR selector"),
    GUEST_TR_SELECTOR(0x080E, "Guest TR selector"),
    GUEST_INTERRUPT_STATUS(0x0810, "Guest interrupt status"),
    PML_INDEX(0x0812, "PML index"),
    // 16-bit host-state fields
    HOST_ES_SELECTOR(0x0C00, "Host ES selector"),
    HOST_CS_SELECTOR(0x0C02, "Host CS selector"),
    HOST_SS_SELECTOR(0x0C04, "Host SS selector"),
    HOST_DS_SELECTOR(0x0C06, "Host DS selector"),
    HOST_FS_SELECTOR(0x0C08, "Host FS selector"),
    HOST_GS_SELECTOR(0x0C0A, "Host GS selector"),
    HOST_TR_SELECTOR(0x0C0C, "Host TR selector"),
    // 64-bit control fields
    IO_BITMAP_A(0x2000, "Address of I/O bitmap A"),
    IO_BITMAP_B(0x2002, "Address of I/O bitmap B"),
    MSR_BITMAPS(0x2004, "Address of MSR bitmaps"),
    EXIT_MSR_STORE_ADDRESS(0x2006, "VM-exit MSR-store address"),
    EXIT_MSR_LOAD_ADDRESS(0x2008, "VM-exit MSR-load address"),
    ENTRY_MSR_LOAD_ADDRESS(0x200A, "VM-entry MSR-load address"),
    EXECUTIVE_VMCS_POINTER(0x200C, "Executive-VMCS pointer"),
    PML_ADDRESS(0x200E, "PML address"),
    TSC_OFFSET(0x2010, "TSC offset"),
    VIRTUAL_APIC_ADDRESS(0x2012, "Virtual-APIC address"),
    APIC_ACCESS_ADDRESS(0x2014, "APIC-access address"),
    POSTED_INTERRUPT_DESCRIPTOR_ADDRESS(0x2016, "Posted-interrupt descriptor address"),
    VM_FUNCTION_CONTROLS(0x2018, "VM-function controls"),
    EPT_POINTER(0x201A, "EPT pointer"),
    EOI_EXIT_BITMAP_0(0x201C, "EOI-exit bitmap 0"),
    EOI_EXIT_BITMAP_1(0x201E, "EOI-exit bitmap 1"),
    EOI_EXIT_BITMAP_2(0x2020, "EOI-exit bitmap 2"),
    EOI_EXIT_BITMAP_3(0x2022, "EOI-exit bitmap 3"),
    EPTP_LIST_ADDRESS(0x2024, "EPTP-list address"),
    VMREAD_BITMAP_ADDRESS(0x2026, "VMREAD-bitmap address"),
    VMWRITE_BITMAP_ADDRESS(0x2028, "VMWRITE-bitmap address"),
    VIRTUALIZATION_EXCEPTION_ADDRESS(0x202A, "Virtualization-exception information address"),
    XSS_EXITING_BITMAP(0x202C, "XSS-exiting bitmap"),
    TSC_MULTIPLIER(0x2032, "TSC multiplier"),
    // 64-bit read-only data field
    GUEST_PHYSICAL_ADDRESS(0x2400, "Guest-physical address"),
    // 64-bit guest-state fields
    VMCS_LINK_POINTER(0x2800, "VMCS link pointer"),
    GUEST_DEBUGCTL(0x2802, "Guest IA32_DEBUGCTL"),
    GUEST_PAT(0x2804, "Guest IA32_PAT"),
    GUEST_EFER(0x2806, "Guest IA32_EFER"),
    GUEST_PERF_GLOBAL_CTRL(0x2808, "Guest IA32_PERF_GLOBAL_CTRL"),
    GUEST_PDPTE0(0x280A, "Guest PDPTE0"),
    GUEST_PDPTE1(0x280C, "Guest PDPTE1"),
    GUEST_PDPTE2(0x280E, "Guest PDPTE2"),
    GUEST_PDPTE3(0x2810, "Guest PDPTE3"),
    // 64-bit host-state fields
    HOST_PAT(0x2C00, "Host IA32_PAT"),
    HOST_EFER(0x2C02, "Host IA32_EFER"),
    HOST_PERF_GLOBAL_CTRL(0x2C04, "Host IA32_PERF_GLOBAL_CTRL"),
    // 32-bit control fields
    PIN_BASED_CONTROLS(0x4000, "Pin-based VM-execution controls"),
    PRIMARY_CONTROLS(0x4002, "Primary processor-based VM-execution controls"),
    EXCEPTION_BITMAP(0x4004, "Exception bitmap"),
    PAGE_FAULT_ERROR_CODE_MASK(0x4006, "Page-fault error-code mask"),
    PAGE_FAULT_ERROR_CODE_MATCH(0x4008, "Page-fault error-code match"),
    CR3_TARGET_COUNT(0x400A, "CR3-target count"),
    EXIT_CONTROLS(0x400C, "Primary VM-exit controls"),
    EXIT_MSR_STORE_COUNT(0x400E, "VM-exit MSR-store count"),
    EXIT_MSR_LOAD_COUNT(0x4010, "VM-exit MSR-load count"),
    ENTRY_CONTROLS(0x4012, "VM-entry controls"),
    ENTRY_MSR_LOAD_COUNT(0x4014, "VM-entry MSR-load count"),
    ENTRY_INTERRUPTION_INFORMATION(0x4016, "VM-entry interruption-information field"),
    ENTRY_EXCEPTION_ERROR_CODE(0x4018, "VM-entry exception error code"),
    ENTRY_INSTRUCTION_LENGTH(0x401A, "VM-entry instruction length"),
    TPR_THRESHOLD(0x401C, "TPR threshold"),
    SECONDARY_CONTROLS(0x401E, "Secondary processor-based VM-execution controls"),
    // 32-bit read-only data fields
    VM_INSTRUCTION_ERROR(0x4400, "VM-instruction error"),
    EXIT_REASON(0x4402, "Exit reason"),
    EXIT_INTERRUPTION_INFORMATION(0x4404, "VM-exit interruption information"),
    EXIT_INTERRUPTION_ERROR_CODE(0x4406, "VM-exit interruption error code"),
    IDT_VECTORING_INFORMATION(0x4408, "IDT-vectoring information field"),
    IDT_VECTORING_ERROR_CODE(0x440A, "IDT-vectoring error code"),
    EXIT_INSTRUCTION_LENGTH(0x440C, "VM-exit instruction length"),
    EXIT_INSTRUCTION_INFORMATION(0x440E, "VM-exit instruction information"),
    // 32-bit guest-state fields
    GUEST_ES_LIMIT(0x4800, "Guest ES limit"),
    GUEST_CS_LIMIT(0x4802, "Guest CS limit"),
    GUEST_SS_LIMIT(0x4804, "Guest SS limit"),
    GUEST_DS_LIMIT(0x4806, "Guest DS limit"),
    GUEST_FS_LIMIT(0x4808, "Guest FS limit"),
    GUEST_GS_LIMIT(0x480A, "Guest GS limit"),
    GUEST_LDTR_LIMIT(0x480C, "Guest LDTR limit"),
    GUEST_TR_LIMIT(0x480E, "Guest TR limit"),
    GUEST_GDTR_LIMIT(0x4810, "Guest GDTR limit"),
    GUEST_IDTR_LIMIT(0x4812, "Guest IDTR limit"),
    GUEST_ES_ACCESS_RIGHTS(0x4814, "Guest ES access rights"),
    GUEST_CS_ACCESS_RIGHTS(0x4816, "Guest CS access rights"),
    GUEST_SS_ACCESS_RIGHTS(0x4818, "Guest SS access rights"),
    GUEST_DS_ACCESS_RIGHTS(0x481A, "Guest DS access rights"),
    GUEST_FS_ACCESS_RIGHTS(0x481C, "Guest FS access rights"),
    GUEST_GS_ACCESS_RIGHTS(0x481E, "Guest GS access rights"),
    GUEST_LDTR_ACCESS_RIGHTS(0x4820, "Guest LDTR access rights"),
    GUEST_TR_ACCESS_RIGHTS(0x4822, "Guest TR access rights"),
    GUEST_INTERRUPTIBILITY_STATE(0x4824, "Guest interruptibility state"),
    GUEST_ACTIVITY_STATE(0x4826, "Guest activity state"),
    GUEST_SMBASE(0x4828, "Guest SMBASE"),
    GUEST_SYSENTER_CS(0x482A, "Guest IA32_SYSENTER_CS"),
    PREEMPTION_TIMER_VALUE(0x482E, "VMX-preemption timer value"),
    // 32-bit host-state field
    HOST_SYSENTER_CS(0x4C00, "Host IA32_SYSENTER_CS"),
    // Natural-width control fields
    CR0_GUEST_HOST_MASK(0x6000, "CR0 guest/host mask"),
    CR4_GUEST_HOST_MASK(0x6002, "CR4 guest/host mask"),
    CR0_READ_SHADOW(0x6004, "CR0 read shadow"),
    CR4_READ_SHADOW(0x6006, "CR4 read shadow"),
    CR3_TARGET_VALUE_0(0x6008, "CR3-target value 0"),
    CR3_TARGET_VALUE_1(0x600A, "CR3-target value 1"),
    CR3_TARGET_VALUE_2(0x600C, "CR3-target value 2"),
    CR3_TARGET_VALUE_3(0x600E, "CR3-target value 3"),
    // Natural-width read-only data fields
    EXIT_QUALIFICATION(0x6400, "Exit qualification"),
    IO_RCX(0x6402, "I/O RCX"),
    IO_RSI(0x6404, "I/O RSI"),
    IO_RDI(0x6406, "I/O RDI"),
    IO_RIP(0x6408, "I/O RIP"),
    GUEST_LINEAR_ADDRESS(0x640A, "Guest-linear address"),
    // Natural-width guest-state fields
    GUEST_CR0(0x6800, "Guest CR0"),
    GUEST_CR3(0x6802, "Guest CR3"),
    GUEST_CR4(0x6804, "Guest CR4"),
    GUEST_ES_BASE(0x6806, "Guest ES base"),
    GUEST_CS_BASE(0x6808, "Guest CS base"),
    GUEST_SS_BASE(0x680A, "Guest SS base"),
    GUEST_DS_BASE(0x680C, "Guest DS base"),
    GUEST_FS_BASE(0x680E, "Guest FS base"),
    GUEST_GS_BASE(0x6810, "Guest GS base"),
    GUEST_LDTR_BASE(0x6812, "Guest LDTR base"),
    GUEST_TR_BASE(0x6814, "Guest TR base"),
    GUEST_GDTR_BASE(0x6816, "Guest GDTR base"),
    GUEST_IDTR_BASE(0x6818, "Guest IDTR base"),
    GUEST_DR7(0x681A, "Guest DR7"),
    GUEST_RSP(0x681C, "Guest RSP"),
    GUEST_RIP(0x681E, "Guest RIP"),
    GUEST_RFLAGS(0x6820, "Guest RFLAGS"),
    GUEST_PENDING_DEBUG_EXCEPTIONS(0x6822, "Guest pending debug exceptions"),
    GUEST_SYSENTER_ESP(0x6824, "Guest IA32_SYSENTER_ESP"),
    GUEST_SYSENTER_EIP(0x6826, "Guest IA32_SYSENTER_EIP"),
    // Natural-width host-state fields
    HOST_CR0(0x6C00, "Host CR0"),
    HOST_CR3(0x6C02, "Host CR3"),
    HOST_CR4(0x6C04, "Host CR4"),
    HOST_FS_BASE(0x6C06, "Host FS base"),
    HOST_GS_BASE(0x6C08, "Host GS base"),
    HOST_TR_BASE(0x6C0A, "Host TR base"),
    HOST_GDTR_BASE(0x6C0C, "Host GDTR base"),
    HOST_IDTR_BASE(0x6C0E, "Host IDTR base"),
    HOST_SYSENTER_ESP(0x6C10, "Host IA32_SYSENTER_ESP"),
    HOST_SYSENTER_EIP(0x6C12, "Host IA32_SYSENTER_EIP"),
    HOST_RSP(0x6C14, "Host RSP"),
    HOST_RIP(0x6C16, "Host RIP");

    /** Bits 14:13 of the encoding. */
    enum Width {
        BITS_16(0xffffL),
        BITS_64(-1L),
        BITS_32(0xffff_ffffL),
        NATURAL(-1L);

        private final long mask;

        Width(long mask) {
            this.mask = mask;
        }

        long mask() {
            return mask;
        }
    }

    /** Bits 11:10 of the encoding. */
    enum Type {
        CONTROL,
        EXIT_INFORMATION,
        GUEST_STATE,
        HOST_STATE
    }

    private static final VmcsField[] FIELDS = values();
    private static final Width[] WIDTHS = Width.values();
    private static final Type[] TYPES = Type.values();

    private final int encoding;
    private final String title;

    VmcsField(int encoding, String title) {
        this.encoding = encoding;
        this.title = title;
    }

    /** The encoding for full access. */
    int encoding() {
        return encoding;
    }

    Width width() {
        return WIDTHS[encoding >> 13 & 3];
    }

    Type type() {
        return TYPES[encoding >> 10 & 3];
    }

    /** Bits 9:1 of the encoding, which tell fields of the same width and type apart. */
    int index() {
        return encoding >> 1 & 0x1ff;
    }

    /** The field that an encoding names, for full or for high access; null when there is none. */
    static @Nullable VmcsField of(long encoding) {
        for (VmcsField field : FIELDS) {
            boolean high = encoding == field.encoding + 1L && field.width() == Width.BITS_64;
            if (encoding == field.encoding || high) {
                return field;
            }
        }
        return null;
    }

    /**
     * The n-th field behind this one in a row of its kind: counted from the one of ES, the fields of CS, SS, DS, FS, GS, LDTR
     * and TR are 1 to 7.
     */
    VmcsField at(int n) {
        return FIELDS[ordinal() + n];
    }

    /** The manual's name. */
    @Override
    public String toString() {
        return title;
    }
}
