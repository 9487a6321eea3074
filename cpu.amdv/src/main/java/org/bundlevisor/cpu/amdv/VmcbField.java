package org.bundlevisor.cpu.amdv;

/** The fields of a VMCB with their offsets, APM vol. 2, appendix B, tables B-1 and B-2. */
enum VmcbField {
    // control area
    INTERCEPT_CR(0x000, 4, Clean.INTERCEPTS),
    INTERCEPT_DR(0x004, 4, Clean.INTERCEPTS),
    INTERCEPT_EXCEPTIONS(0x008, 4, Clean.INTERCEPTS),
    INTERCEPT_3(0x00c, 4, Clean.INTERCEPTS),
    INTERCEPT_4(0x010, 4, Clean.INTERCEPTS),
    INTERCEPT_5(0x014, 4, Clean.INTERCEPTS),
    PAUSE_FILTER_THRESHOLD(0x03c, 2, Clean.INTERCEPTS),
    PAUSE_FILTER_COUNT(0x03e, 2, Clean.INTERCEPTS),
    IOPM_BASE(0x040, 8, Clean.PERMISSION_MAPS),
    MSRPM_BASE(0x048, 8, Clean.PERMISSION_MAPS),
    TSC_OFFSET(0x050, 8, Clean.INTERCEPTS),
    ASID(0x058, 4, Clean.ASID),
    TLB_CONTROL(0x05c, 1, Clean.NONE),
    /** V_TPR, V_IRQ and the other bits of {@link Controls.Interrupt}. */
    INTERRUPT_CONTROL(0x060, 4, Clean.INTERRUPT_CONTROL),
    INTERRUPT_VECTOR(0x064, 4, Clean.INTERRUPT_CONTROL),
    /** Bit 0 INTERRUPT_SHADOW, bit 1 GUEST_INTERRUPT_MASK. */
    INTERRUPT_STATE(0x068, 4, Clean.NONE),
    EXITCODE(0x070, 8, Clean.NONE),
    EXITINFO1(0x078, 8, Clean.NONE),
    EXITINFO2(0x080, 8, Clean.NONE),
    EXITINTINFO(0x088, 8, Clean.NONE),
    /** Bit 0 NP_ENABLE. */
    NESTED_CONTROL(0x090, 8, Clean.NESTED_PAGING),
    EVENTINJ(0x0a8, 8, Clean.NONE),
    N_CR3(0x0b0, 8, Clean.NESTED_PAGING),
    VIRTUALIZATION_EXTENSIONS(0x0b8, 8, Clean.LAST_BRANCH),
    CLEAN_BITS(0x0c0, 4, Clean.NONE),
    N_RIP(0x0c8, 8, Clean.NONE),

    // state-save area
    ES_SELECTOR(0x400, 2, Clean.SEGMENTS), ES_ATTRIBUTES(0x402, 2, Clean.SEGMENTS),
    ES_LIMIT(0x404, 4, Clean.SEGMENTS), ES_BASE(0x408, 8, Clean.SEGMENTS),
    CS_SELECTOR(0x410, 2, Clean.SEGMENTS), CS_ATTRIBUTES(0x412, 2, Clean.SEGMENTS),
    CS_LIMIT(0x414, 4, Clean.SEGMENTS), CS_BASE(0x418, 8, Clean.SEGMENTS),
    SS_SELECTOR(0x420, 2, Clean.SEGMENTS), SS_ATTRIBUTES(0x422, 2, Clean.SEGMENTS),
    SS_LIMIT(0x424, 4, Clean.SEGMENTS), SS_BASE(0x428, 8, Clean.SEGMENTS),
    DS_SELECTOR(0x430, 2, Clean.SEGMENTS), DS_ATTRIBUTES(0x432, 2, Clean.SEGMENTS),
    DS_LIMIT(0x434, 4, Clean.SEGMENTS), DS_BASE(0x438, 8, Clean.SEGMENTS),
    FS_SELECTOR(0x440, 2, Clean.NONE), FS_ATTRIBUTES(0x442, 2, Clean.NONE),
    FS_LIMIT(0x444, 4, Clean.NONE), FS_BASE(0x448, 8, Clean.NONE),
    GS_SELECTOR(0x450, 2, Clean.NONE), GS_ATTRIBUTES(0x452, 2, Clean.NONE),
    GS_LIMIT(0x454, 4, Clean.NONE), GS_BASE(0x458, 8, Clean.NONE),
    GDTR_SELECTOR(0x460, 2, Clean.DESCRIPTOR_TABLES), GDTR_ATTRIBUTES(0x462, 2, Clean.DESCRIPTOR_TABLES),
    GDTR_LIMIT(0x464, 4, Clean.DESCRIPTOR_TABLES), GDTR_BASE(0x468, 8, Clean.DESCRIPTOR_TABLES),
    LDTR_SELECTOR(0x470, 2, Clean.NONE), LDTR_ATTRIBUTES(0x472, 2, Clean.NONE),
    LDTR_LIMIT(0x474, 4, Clean.NONE), LDTR_BASE(0x478, 8, Clean.NONE),
    IDTR_SELECTOR(0x480, 2, Clean.DESCRIPTOR_TABLES), IDTR_ATTRIBUTES(0x482, 2, Clean.DESCRIPTOR_TABLES),
    IDTR_LIMIT(0x484, 4, Clean.DESCRIPTOR_TABLES), IDTR_BASE(0x488, 8, Clean.DESCRIPTOR_TABLES),
    TR_SELECTOR(0x490, 2, Clean.NONE), TR_ATTRIBUTES(0x492, 2, Clean.NONE),
    TR_LIMIT(0x494, 4, Clean.NONE), TR_BASE(0x498, 8, Clean.NONE),
    CPL(0x4cb, 1, Clean.SEGMENTS),
    EFER(0x4d0, 8, Clean.CONTROL_REGISTERS),
    CR4(0x548, 8, Clean.CONTROL_REGISTERS),
    CR3(0x550, 8, Clean.CONTROL_REGISTERS),
    CR0(0x558, 8, Clean.CONTROL_REGISTERS),
    DR7(0x560, 8, Clean.DEBUG_REGISTERS),
    DR6(0x568, 8, Clean.DEBUG_REGISTERS),
    RFLAGS(0x570, 8, Clean.NONE),
    RIP(0x578, 8, Clean.NONE),
    RSP(0x5d8, 8, Clean.NONE),
    RAX(0x5f8, 8, Clean.NONE),
    STAR(0x600, 8, Clean.NONE),
    LSTAR(0x608, 8, Clean.NONE),
    CSTAR(0x610, 8, Clean.NONE),
    SFMASK(0x618, 8, Clean.NONE),
    KERNEL_GS_BASE(0x620, 8, Clean.NONE),
    SYSENTER_CS(0x628, 8, Clean.NONE),
    SYSENTER_ESP(0x630, 8, Clean.NONE),
    SYSENTER_EIP(0x638, 8, Clean.NONE),
    CR2(0x640, 8, Clean.CR2),
    G_PAT(0x668, 8, Clean.NESTED_PAGING),
    DBGCTL(0x670, 8, Clean.LAST_BRANCH);

    /** The bits of the VMCB clean field, 15.15.3; an enumerator's ordinal is its bit. */
    enum Clean {
        INTERCEPTS,
        PERMISSION_MAPS,
        ASID,
        INTERRUPT_CONTROL,
        NESTED_PAGING,
        CONTROL_REGISTERS,
        DEBUG_REGISTERS,
        DESCRIPTOR_TABLES,
        SEGMENTS,
        CR2,
        LAST_BRANCH,
        /** Fields that the processor never keeps from one VMRUN to the next. */
        NONE
    }

    /** Where the state-save area begins. */
    static final int STATE_SAVE_AREA = 0x400;

    private static final VmcbField[] FIELDS = values();

    private final int offset;
    private final int size;
    private final Clean clean;

    VmcbField(int offset, int size, Clean clean) {
        this.offset = offset;
        this.size = size;
        this.clean = clean;
    }

    /** From the start of the VMCB, in bytes. */
    int offset() {
        return offset;
    }

    /** 1, 2, 4 or 8 bytes. */
    int size() {
        return size;
    }

    Clean clean() {
        return clean;
    }

    boolean isGuestState() {
        return offset >= STATE_SAVE_AREA;
    }

    /** For a field of ES: the same field of the segment register or descriptor table that lies so many behind. */
    VmcbField ofSegment(int number) {
        return FIELDS[ordinal() + 4 * number];
    }
}
