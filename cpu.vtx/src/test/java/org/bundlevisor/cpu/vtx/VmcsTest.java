package org.bundlevisor.cpu.vtx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.HashSet;
import java.util.Set;
import org.bundlevisor.cpu.vtx.VmcsField.Type;
import org.bundlevisor.cpu.vtx.VmcsField.Width;
import org.junit.jupiter.api.Test;

class VmcsTest {
    private static final Capabilities CAPABILITIES = Capabilities.of(40, 0);

    private int saves;
    private final Vmcs vmcs = new Vmcs(
            target -> {
                saves++;
                target.save(VmcsField.GUEST_RIP, 0x1234);
            },
            CAPABILITIES);

    /** SDM vol. 3D, appendix B: some of each of the tables. */
    @Test
    void encodingsAreThoseOfTheManual() {
        assertThat(VmcsField.VPID.encoding()).isEqualTo(0x0000);
        assertThat(VmcsField.GUEST_TR_SELECTOR.encoding()).isEqualTo(0x080e);
        assertThat(VmcsField.HOST_TR_SELECTOR.encoding()).isEqualTo(0x0c0c);
        assertThat(VmcsField.EPT_POINTER.encoding()).isEqualTo(0x201a);
        assertThat(VmcsField.GUEST_PHYSICAL_ADDRESS.encoding()).isEqualTo(0x2400);
        assertThat(VmcsField.GUEST_PDPTE3.encoding()).isEqualTo(0x2810);
        assertThat(VmcsField.HOST_EFER.encoding()).isEqualTo(0x2c02);
        assertThat(VmcsField.SECONDARY_CONTROLS.encoding()).isEqualTo(0x401e);
        assertThat(VmcsField.EXIT_INSTRUCTION_INFORMATION.encoding()).isEqualTo(0x440e);
        assertThat(VmcsField.GUEST_TR_ACCESS_RIGHTS.encoding()).isEqualTo(0x4822);
        assertThat(VmcsField.GUEST_ACTIVITY_STATE.encoding()).isEqualTo(0x4826);
        assertThat(VmcsField.PREEMPTION_TIMER_VALUE.encoding()).isEqualTo(0x482e);
        assertThat(VmcsField.HOST_SYSENTER_CS.encoding()).isEqualTo(0x4c00);
        assertThat(VmcsField.CR4_READ_SHADOW.encoding()).isEqualTo(0x6006);
        assertThat(VmcsField.GUEST_LINEAR_ADDRESS.encoding()).isEqualTo(0x640a);
        assertThat(VmcsField.GUEST_GDTR_BASE.encoding()).isEqualTo(0x6816);
        assertThat(VmcsField.GUEST_SYSENTER_EIP.encoding()).isEqualTo(0x6826);
        assertThat(VmcsField.HOST_RIP.encoding()).isEqualTo(0x6c16);
    }

    @Test
    void encodingsAreUniqueAndSayWidthTypeAndIndex() {
        Set<Integer> seen = new HashSet<>();
        for (VmcsField field : VmcsField.values()) {
            assertThat(seen.add(field.encoding())).as(field.name()).isTrue();
            assertThat(field.encoding())
                    .isEqualTo(field.width().ordinal() << 13 | field.type().ordinal() << 10 | field.index() << 1);
        }
        assertThat(VmcsField.GUEST_CR0.width()).isEqualTo(Width.NATURAL);
        assertThat(VmcsField.GUEST_CR0.type()).isEqualTo(Type.GUEST_STATE);
        assertThat(VmcsField.EXIT_REASON.type()).isEqualTo(Type.EXIT_INFORMATION);
        assertThat(VmcsField.TSC_OFFSET.width()).isEqualTo(Width.BITS_64);
        assertThat(VmcsField.HOST_CS_SELECTOR.width()).isEqualTo(Width.BITS_16);
        assertThat(VmcsField.HOST_CS_SELECTOR.type()).isEqualTo(Type.HOST_STATE);
    }

    @Test
    void writesAreTruncatedToTheFieldsWidth() {
        assertThat(vmcs.vmwrite(VmcsField.VPID.encoding(), 0x12345)).isTrue();
        assertThat(vmcs.vmread(VmcsField.VPID.encoding())).hasValue(0x2345);
        assertThat(vmcs.vmwrite(VmcsField.EXCEPTION_BITMAP.encoding(), -1)).isTrue();
        assertThat(vmcs.vmread(VmcsField.EXCEPTION_BITMAP.encoding())).hasValue(0xffff_ffffL);
        assertThat(vmcs.vmwrite(VmcsField.CR0_READ_SHADOW.encoding(), -1)).isTrue();
        assertThat(vmcs.vmread(VmcsField.CR0_READ_SHADOW.encoding())).hasValue(-1);
    }

    @Test
    void theHighHalfOfA64BitFieldHasAnEncodingOfItsOwn() {
        long full = VmcsField.TSC_OFFSET.encoding();
        vmcs.vmwrite(full, 0x1111_2222_3333_4444L);
        assertThat(vmcs.vmread(full + 1)).hasValue(0x1111_2222L);
        vmcs.vmwrite(full + 1, 0x9999_5555_6666L);
        assertThat(vmcs.vmread(full)).hasValue(0x5555_6666_3333_4444L);
    }

    @Test
    void otherFieldsHaveNoHighHalf() {
        assertThat(vmcs.vmread(VmcsField.EXCEPTION_BITMAP.encoding() + 1)).isEmpty();
        assertThat(vmcs.read(VmcsField.VM_INSTRUCTION_ERROR)).isEqualTo(12);
        assertThat(vmcs.vmwrite(VmcsField.GUEST_RIP.encoding() + 1, 0)).isFalse();
        assertThat(vmcs.vmread(0x7ffe)).isEmpty();
    }

    @Test
    void exitInformationIsReadOnly() {
        assertThat(vmcs.vmwrite(VmcsField.EXIT_REASON.encoding(), 1)).isFalse();
        assertThat(vmcs.read(VmcsField.VM_INSTRUCTION_ERROR)).isEqualTo(13);
        assertThat(vmcs.vmread(VmcsField.EXIT_REASON.encoding())).hasValue(0);
        assertThatThrownBy(() -> vmcs.write(VmcsField.EXIT_REASON, 1)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void guestStateStaysInTheProcessorUntilItIsAskedFor() {
        vmcs.guestStateLeft();
        vmcs.read(VmcsField.EXIT_REASON);
        vmcs.write(VmcsField.TSC_OFFSET, 5);
        assertThat(saves).isZero();
        assertThat(vmcs.read(VmcsField.GUEST_RIP)).isEqualTo(0x1234);
        assertThat(vmcs.read(VmcsField.GUEST_RSP)).isZero();
        assertThat(saves).isEqualTo(1);
        vmcs.guestStateLeft();
        vmcs.write(VmcsField.GUEST_RSP, 8);
        assertThat(saves).isEqualTo(2);
        assertThat(vmcs.read(VmcsField.GUEST_RIP)).isEqualTo(0x1234);
    }

    @Test
    void capabilityMsrsDescribeWhatTheChecksAccept() {
        assertThat(CAPABILITIES.msr(0x480) >>> 32 & 0x1fff).isEqualTo(4096);
        assertThat(CAPABILITIES.msr(0x480) >>> 55 & 1).isEqualTo(1);
        // Without the TRUE MSRs, CR3 exiting and the debug controls must be 1.
        assertThat(CAPABILITIES.msr(0x482) & 0x0401_e172L).isEqualTo(0x0401_e172L);
        assertThat(CAPABILITIES.msr(0x48e) & 0xffff_ffffL).isEqualTo(0x0400_6172L);
        assertThat(CAPABILITIES.msr(0x481) & 0xffff_ffffL).isEqualTo(0x16);
        assertThat(CAPABILITIES.msr(0x483) & 0xffff_ffffL).isEqualTo(0x3_6dff);
        assertThat(CAPABILITIES.msr(0x484) & 0xffff_ffffL).isEqualTo(0x11ff);
        assertThat(CAPABILITIES.msr(0x486)).isEqualTo(0x8000_0021L);
        assertThat(CAPABILITIES.msr(0x488)).isEqualTo(0x2000);
        // the highest index in use is that of EXIT_INSTRUCTION_INFORMATION's neighbours: TSC multiplier, 19H
        assertThat(CAPABILITIES.msr(0x48a) >> 1).isEqualTo(0x19);
        // EPT: execute-only, four levels, UC and WB, 2 MiB and 1 GiB, accessed and dirty
        assertThat(CAPABILITIES.msr(0x48c) & 0x23_4141L).isEqualTo(0x23_4141L);
        for (int index = 0x480; index <= 0x491; index++) {
            CAPABILITIES.msr(index);
        }
        assertThatThrownBy(() -> CAPABILITIES.msr(0x492)).isInstanceOf(IllegalArgumentException.class);
    }
}
