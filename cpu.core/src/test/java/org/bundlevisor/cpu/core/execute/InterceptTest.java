package org.bundlevisor.cpu.core.execute;

import static org.assertj.core.api.Assertions.assertThat;

import org.bundlevisor.cpu.CpuState.Injection;
import org.bundlevisor.cpu.core.Intercept;
import org.bundlevisor.cpu.core.ProcessorExit;
import org.bundlevisor.cpu.core.ProcessorExit.Kind;
import org.bundlevisor.mmu.SecondLevelTables;
import org.junit.jupiter.api.Test;

/** What stops the processor, and what it then tells: SDM vol. 3C, chapter 26. */
class InterceptTest {
    private static TestMachine machine() {
        return new TestMachine().longMode().handlers();
    }

    private static void stops(String code, Intercept intercept, int length) {
        try (TestMachine m = machine()) {
            m.intercepts.set(intercept, true);
            m.execute("90 " + code);
            assertThat(m.exit.kind).as(code).isEqualTo(Kind.INSTRUCTION);
            assertThat(m.exit.intercept).isEqualTo(intercept);
            assertThat(m.exit.instructionLength).isEqualTo(length);
            assertThat(m.exit.vectoring).isEqualTo(Injection.NONE);
            assertThat(m.cpu.rip).isEqualTo(TestMachine.CODE + 1);
            assertThat(m.cpu.instructions()).isEqualTo(1);
        }
    }

    @Test
    void instructions() {
        stops("0F A2", Intercept.CPUID, 2);
        stops("F4", Intercept.HLT, 1);
        stops("0F 31", Intercept.RDTSC, 2);
        stops("0F 01 F9", Intercept.RDTSCP, 3);
        stops("0F 09", Intercept.WBINVD, 2);
        stops("0F 01 3B", Intercept.INVLPG, 3);
        stops("F3 90", Intercept.PAUSE, 2);
        stops("0F C7 F0", Intercept.RDRAND, 3);
        stops("0F 01 C1", Intercept.VMX_INSTRUCTION, 3);
        stops("0F 01 D9", Intercept.SVM_INSTRUCTION, 3);
        stops("0F 01 03", Intercept.STORE_DESCRIPTOR_TABLE, 3);
        stops("0F 01 13", Intercept.LOAD_DESCRIPTOR_TABLE, 3);
        stops("0F 00 C0", Intercept.STORE_LOCAL_OR_TASK, 3);
        stops("0F 00 D0", Intercept.LOAD_LOCAL_OR_TASK, 3);
        stops("48 CF", Intercept.IRET, 2);
        stops("9C", Intercept.PUSHF, 1);
        stops("9D", Intercept.POPF, 1);
        stops("CD 80", Intercept.SOFTWARE_INTERRUPT, 2);
        stops("F1", Intercept.INT1, 1);
    }

    @Test
    void privilegeComesBeforeTheStop() {
        try (TestMachine m = machine().user()) {
            m.intercepts.set(Intercept.HLT, true);
            m.execute("");
            assertThat(m.exit.kind).isEqualTo(Kind.INSTRUCTION);
            // the handler's own HLT stopped, not the user's
            assertThat(m.cpu.rip).isEqualTo(TestMachine.HANDLERS + 13 * 16);
        }
    }

    @Test
    void descriptorTableLoadDescribesItsOperand() {
        try (TestMachine m = machine()) {
            m.intercepts.set(Intercept.LOAD_DESCRIPTOR_TABLE, true);
            // lidt [rbx+rcx*4+0x12]
            m.execute("0F 01 5C 8B 12");
            // table 28-11: scaling 4, 64-bit addresses, DS, index RCX, base RBX, LIDT
            int expected = 2 | 2 << 7 | 1 << 11 | 3 << 15 | 1 << 18 | 3 << 23 | 3 << 28;
            assertThat(m.exit.instructionInformation).isEqualTo(expected);
            assertThat(m.exit.displacement).isEqualTo(0x12);
        }
    }

    @Test
    void relativeDisplacementHasTheInstructionPointerAdded() {
        try (TestMachine m = machine()) {
            m.intercepts.set(Intercept.LOAD_DESCRIPTOR_TABLE, true);
            m.execute("90 0F 01 15 10 00 00 00");
            assertThat(m.exit.displacement).isEqualTo(TestMachine.CODE + 8 + 0x10);
        }
    }

    @Test
    void controlRegisterBitsOfTheHost() {
        try (TestMachine m = machine()) {
            m.intercepts.setCr0(Bits.CR0_NE, 0);
            // mov rax, cr0; mov cr0, rax: reads the shadow, writes it back
            m.execute("0F 20 C0 0F 22 C0");
            assertThat(m.exit.kind).isEqualTo(Kind.IDLE);
            assertThat(m.cpu.gpr[Cpu.RAX] & Bits.CR0_NE).isZero();
            assertThat(m.cpu.cr0 & Bits.CR0_NE).isEqualTo(Bits.CR0_NE);
            // or al, 0x20; mov cr0, rax
            m.execute("0F 20 C0 0C 20 0F 22 C0");
            assertThat(m.exit.kind).isEqualTo(Kind.CONTROL_REGISTER);
            assertThat(m.exit.registerNumber).isZero();
            assertThat(m.exit.registerAccess).isEqualTo(ProcessorExit.MOV_TO_CR);
            assertThat(m.exit.generalRegister).isEqualTo(Cpu.RAX);
        }
    }

    @Test
    void clearTaskSwitchedStopsForTheHostsBitOnly() {
        try (TestMachine m = machine()) {
            m.cpu.cr0 |= Bits.CR0_TS;
            m.intercepts.setCr0(Bits.CR0_TS, 0);
            m.execute("0F 06");
            assertThat(m.exit.kind).isEqualTo(Kind.IDLE);
            assertThat(m.cpu.cr0 & Bits.CR0_TS).isEqualTo(Bits.CR0_TS);
            m.intercepts.setCr0(Bits.CR0_TS, Bits.CR0_TS);
            m.execute("0F 06");
            assertThat(m.exit.kind).isEqualTo(Kind.CONTROL_REGISTER);
            assertThat(m.exit.registerAccess).isEqualTo(ProcessorExit.CLTS);
        }
    }

    @Test
    void exceptionStopsBeforeAnythingChanges() {
        try (TestMachine m = machine()) {
            m.intercepts.setExceptions(1 << 14, 0, 0);
            m.execute("8B 04 25 00 00 00 7F");
            assertThat(m.exit.kind).isEqualTo(Kind.EXCEPTION);
            assertThat(m.exit.vector).isEqualTo(14);
            assertThat(m.exit.hasErrorCode).isTrue();
            assertThat(m.exit.exceptionAddress).isEqualTo(0x7F00_0000L);
            assertThat(m.cpu.cr2).isZero();
            assertThat(m.cpu.rip).isEqualTo(TestMachine.CODE);
        }
    }

    @Test
    void breakpointExceptionTellsItsLength() {
        try (TestMachine m = machine()) {
            m.intercepts.setExceptions(1 << 3, 0, 1);
            m.execute("CC");
            assertThat(m.exit.kind).isEqualTo(Kind.EXCEPTION);
            assertThat(m.exit.softwareException).isTrue();
            assertThat(m.exit.instructionLength).isEqualTo(1);
        }
    }

    @Test
    void exitInDeliveryTellsTheEventAndDeliveryBeginsAnew() {
        try (TestMachine m = machine()) {
            m.tables.protect(TestMachine.STACK - 0x1000, 0x1000, SecondLevelTables.READ);
            m.execute("0F 0B");
            assertThat(m.exit.kind).isEqualTo(Kind.SECOND_LEVEL);
            assertThat(m.exit.guestPhysicalAddress).isEqualTo(TestMachine.STACK - 8);
            assertThat(m.exit.vectoring)
                    .isEqualTo(new Injection(Injection.Kind.HARDWARE_EXCEPTION, 6, false, 0, 0));
            assertThat(m.cpu.gpr[Cpu.RSP]).isEqualTo(TestMachine.STACK);
            m.tables.protect(TestMachine.STACK - 0x1000, 0x1000, SecondLevelTables.ALL);
            m.cpu.paging.forgetSecondLevel();
            m.cpu.inject(m.exit.vectoring);
            m.resume();
            assertThat(m.exit.kind).isEqualTo(Kind.IDLE);
            assertThat(m.vectorTaken()).isEqualTo(6);
        }
    }

    @Test
    void injectedSoftwareInterruptReturnsBehindItsInstruction() {
        try (TestMachine m = machine()) {
            m.gate(0x80, TestMachine.HANDLERS);
            m.code(TestMachine.CODE, "CD 80 F4");
            m.cpu.rip = TestMachine.CODE;
            m.cpu.inject(new Injection(Injection.Kind.SOFTWARE_INTERRUPT, 0x80, false, 0, 2));
            m.resume();
            assertThat(m.read64(m.cpu.gpr[Cpu.RSP])).isEqualTo(TestMachine.CODE + 2);
        }
    }

    @Test
    void injectedNmiBlocksOthersUntilTheReturn() {
        try (TestMachine m = machine()) {
            m.code(TestMachine.HANDLERS + 32, "90 48 CF");
            m.code(TestMachine.CODE, "90 F4");
            m.cpu.rip = TestMachine.CODE;
            m.cpu.inject(new Injection(Injection.Kind.NMI, 2, false, 0, 0));
            m.cpu.setInstructionLimit(1);
            m.resume();
            assertThat(m.cpu.nmiBlocked).isTrue();
            m.cpu.setInstructionLimit(100);
            m.resume();
            assertThat(m.exit.kind).isEqualTo(Kind.IDLE);
            assertThat(m.cpu.nmiBlocked).isFalse();
        }
    }

    @Test
    void interruptWindowOpensBehindTheShadowOfSti() {
        try (TestMachine m = machine()) {
            m.intercepts.set(Intercept.INTERRUPT_WINDOW, true);
            // sti; inc eax; inc eax
            m.execute("FB FF C0 FF C0");
            assertThat(m.exit.kind).isEqualTo(Kind.INTERRUPT_WINDOW);
            assertThat(m.cpu.rip).isEqualTo(TestMachine.CODE + 3);
        }
    }

    @Test
    void portsStopAndAreCompleted() {
        try (TestMachine m = machine()) {
            m.intercepts.setPorts(port -> port == 0x61);
            m.host.ports.put(0x60, 0x1234);
            // in al, 0x62; in ax, 0x60
            m.execute("E4 62 66 E5 60");
            assertThat(m.exit.kind).isEqualTo(Kind.PORT_IO);
            assertThat(m.exit.port).isEqualTo(0x60);
            assertThat(m.exit.portSize).isEqualTo(2);
            assertThat(m.exit.portInput).isTrue();
            assertThat(m.exit.portImmediate).isTrue();
            assertThat(m.engine.complete()).isTrue();
            assertThat(m.cpu.gpr[Cpu.RAX] & 0xFFFF).isEqualTo(0x1234);
            assertThat(m.cpu.rip).isEqualTo(TestMachine.CODE + 5);
        }
    }

    @Test
    void memoryMappedRegistersStopAndAreCompleted() {
        try (TestMachine m = machine()) {
            m.host.registers.put(TestHost.DEVICE + 8, 0x55L);
            // mov eax, [0xf00008]
            m.execute("8B 04 25 08 00 F0 00");
            assertThat(m.exit.kind).isEqualTo(Kind.SECOND_LEVEL);
            assertThat(m.exit.guestPhysicalAddress).isEqualTo(TestHost.DEVICE + 8);
            assertThat(m.engine.complete()).isTrue();
            assertThat(m.cpu.gpr[Cpu.RAX]).isEqualTo(0x55);
        }
    }

    @Test
    void repeatedOutputGoesElementByElement() {
        try (TestMachine m = machine()) {
            m.write32(TestMachine.DATA, 0x0403_0201);
            m.cpu.gpr[Cpu.RSI] = TestMachine.DATA;
            m.cpu.gpr[Cpu.RCX] = 4;
            m.cpu.gpr[Cpu.RDX] = 0x80;
            m.execute("F3 6E");
            assertThat(m.host.portWrites).containsExactly("80:1=1", "80:1=2", "80:1=3", "80:1=4");
            assertThat(m.cpu.gpr[Cpu.RCX]).isZero();
            assertThat(m.cpu.gpr[Cpu.RSI]).isEqualTo(TestMachine.DATA + 4);
        }
    }

    @Test
    void modelSpecificRegistersStop() {
        try (TestMachine m = machine()) {
            m.intercepts.setMsrs((index, write) -> index == 0x1B && write);
            m.host.msrs.put(0x1B, 0xFEE0_0900L);
            m.cpu.gpr[Cpu.RCX] = 0x1B;
            // rdmsr; wrmsr
            m.execute("0F 32 0F 30");
            assertThat(m.exit.kind).isEqualTo(Kind.MSR_WRITE);
            assertThat(m.exit.value).isEqualTo(0x1B);
            assertThat(m.cpu.gpr[Cpu.RAX]).isEqualTo(0xFEE0_0900L);
        }
    }

    @Test
    void unknownModelSpecificRegisterIsAProtectionFault() {
        try (TestMachine m = machine()) {
            m.cpu.gpr[Cpu.RCX] = 0xC001_0000L;
            m.execute("0F 32");
            assertThat(m.vectorTaken()).isEqualTo(Vectors.GENERAL_PROTECTION);
        }
    }
}
