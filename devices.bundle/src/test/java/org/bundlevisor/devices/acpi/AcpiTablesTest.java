package org.bundlevisor.devices.acpi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.bundlevisor.device.DeviceFactory;
import org.bundlevisor.device.FirmwareTables;
import org.bundlevisor.device.MachineLayout;
import org.bundlevisor.device.MachineLayout.PlacedLine;
import org.bundlevisor.device.MachineLayout.PlacedRegion;
import org.bundlevisor.device.MachineLayout.Space;
import org.bundlevisor.devices.test.DeviceContract;
import org.bundlevisor.devices.test.FakeContext;
import org.bundlevisor.devices.test.FakeMemory;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Against ACPI 5.2, "ACPI System Description Tables", and the ACPI component architecture's own disassembler. */
class AcpiTablesTest {
    private static final long TABLES = 0xE0000;
    private static final long SIZE = 0x10000;

    private final FakeMemory memory = new FakeMemory(1 << 20);

    private static PlacedRegion port(String kind, String device, String region, long address, long length) {
        return new PlacedRegion(kind, device, region, Space.PORT, address, length);
    }

    private static MachineLayout pc(int cpuCount) {
        return new MachineLayout(
                cpuCount,
                TABLES,
                SIZE,
                List.of(
                        port("serial16550", "com1", "registers", 0x3F8, 8),
                        port("serial16550", "com2", "registers", 0x2F8, 8),
                        port("rtc146818", "rtc", "registers", 0x70, 2),
                        port("i8042", "keyboard", "data", 0x60, 1),
                        port("i8042", "keyboard", "command", 0x64, 1),
                        port("pic8259", "pic", "master", 0x20, 2),
                        port("acpi-pm", "pm", "pm1-event", 0x600, 4),
                        port("acpi-pm", "pm", "pm1-control", 0x604, 2),
                        port("acpi-pm", "pm", "reset", 0x606, 1),
                        port("acpi-pm", "pm", "pm-timer", 0x608, 4),
                        port("acpi-pm", "pm", "gpe0", 0x60C, 4),
                        new PlacedRegion("ioapic", "ioapic", "registers", Space.MEMORY, 0xFEC00000L, 0x1000),
                        new PlacedRegion("hpet", "hpet", "registers", Space.MEMORY, 0xFED00000L, 0x1000)),
                List.of(
                        new PlacedLine("hpet", "hpet", "irq0", 0),
                        new PlacedLine("hpet", "hpet", "irq8", 8),
                        new PlacedLine("serial16550", "com1", "irq", 4),
                        new PlacedLine("serial16550", "com2", "irq", 3),
                        new PlacedLine("i8042", "keyboard", "irq1", 1),
                        new PlacedLine("i8042", "keyboard", "irq12", 12),
                        new PlacedLine("acpi-pm", "pm", "sci", 9)));
    }

    private static MachineLayout bare() {
        return new MachineLayout(1, TABLES, SIZE, List.of(), List.of());
    }

    private long install(MachineLayout layout) {
        return ((FirmwareTables) new AcpiTablesFactory().create(new FakeContext())).install(layout, memory);
    }

    private byte[] bytes(long address, long length) {
        return memory.bytes().asSlice(address, length).toArray(ValueLayout.JAVA_BYTE);
    }

    private static ByteBuffer little(byte[] bytes) {
        return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }

    private static int sum(byte[] bytes) {
        int sum = 0;
        for (byte value : bytes) {
            sum += value;
        }
        return sum & 0xFF;
    }

    private ByteBuffer tableAt(long address) {
        int length = little(bytes(address, 8)).getInt(4);
        return little(bytes(address, length));
    }

    private static String signature(ByteBuffer table) {
        return new String(table.array(), 0, 4, StandardCharsets.US_ASCII);
    }

    /** All tables by signature, found as an operating system finds them; with their checksums verified. */
    private Map<String, ByteBuffer> tables(long rsdp) {
        byte[] root = bytes(rsdp, 36);
        assertThat(new String(root, 0, 8, StandardCharsets.US_ASCII)).isEqualTo("RSD PTR ");
        assertThat(sum(bytes(rsdp, 20))).isZero();
        assertThat(sum(root)).isZero();
        assertThat(root[15]).isEqualTo((byte) 2);
        Map<String, ByteBuffer> tables = new LinkedHashMap<>();
        ByteBuffer xsdt = tableAt(little(root).getLong(24));
        tables.put(signature(xsdt), xsdt);
        for (int entry = 36; entry < xsdt.capacity(); entry += 8) {
            ByteBuffer table = tableAt(xsdt.getLong(entry));
            tables.put(signature(table), table);
        }
        ByteBuffer dsdt = tableAt(tables.get("FACP").getLong(140));
        tables.put(signature(dsdt), dsdt);
        tables.forEach((name, table) -> assertThat(sum(table.array())).as(name).isZero());
        return tables;
    }

    private static List<String> structures(ByteBuffer madt) {
        List<String> structures = new ArrayList<>();
        for (int at = 44; at < madt.capacity(); at += madt.get(at + 1)) {
            StringBuilder text = new StringBuilder();
            for (int index = 0; index < madt.get(at + 1); index++) {
                text.append("%02x".formatted(madt.get(at + index)));
            }
            structures.add(text.toString());
        }
        return structures;
    }

    @Test
    void pointsToAllTables() {
        long rsdp = install(pc(2));
        assertThat(rsdp % 16).as("where scanners look").isZero();
        assertThat(rsdp).isBetween(TABLES, TABLES + SIZE);
        assertThat(tables(rsdp)).containsOnlyKeys("XSDT", "FACP", "APIC", "HPET", "DSDT");
    }

    @Test
    void describesTheFixedHardware() {
        ByteBuffer fadt = tables(install(pc(1))).get("FACP");
        assertThat(fadt.capacity()).isEqualTo(276);
        assertThat(fadt.get(8)).as("revision").isEqualTo((byte) 6);
        assertThat(fadt.getInt(40)).as("both pointers to the DSDT agree").isEqualTo((int) fadt.getLong(140));
        assertThat(fadt.getShort(46)).as("SCI").isEqualTo((short) 9);
        assertThat(fadt.getInt(48)).as("no SMI command port: always in ACPI mode").isZero();
        assertThat(fadt.getInt(56)).isEqualTo(0x600);
        assertThat(fadt.getInt(64)).isEqualTo(0x604);
        assertThat(fadt.getInt(76)).isEqualTo(0x608);
        assertThat(fadt.getInt(80)).isEqualTo(0x60C);
        assertThat(fadt.get(88)).isEqualTo((byte) 4);
        assertThat(fadt.get(89)).isEqualTo((byte) 2);
        assertThat(fadt.get(91)).isEqualTo((byte) 4);
        assertThat(fadt.get(92)).isEqualTo((byte) 4);
        assertThat(fadt.get(108)).as("century").isEqualTo((byte) 0x32);
        assertThat(fadt.getShort(109)).as("legacy devices, 8042, no VGA").isEqualTo((short) 0x0007);
        // WBINVD, C1, no fixed buttons and RTC wake, 32-bit timer, reset register
        assertThat(fadt.getInt(112)).isEqualTo(1 | 1 << 2 | 1 << 4 | 1 << 5 | 1 << 6 | 1 << 8 | 1 << 10);
        assertThat(fadt.get(116)).as("reset register in I/O space").isEqualTo((byte) 1);
        assertThat(fadt.getLong(120)).isEqualTo(0x606);
        assertThat(fadt.get(128)).isEqualTo((byte) 6);
        assertThat(fadt.getLong(152)).isEqualTo(0x600);
        assertThat(fadt.get(149)).as("width in bits").isEqualTo((byte) 32);
        assertThat(fadt.getLong(176)).isEqualTo(0x604);
        assertThat(fadt.getLong(212)).isEqualTo(0x608);
        assertThat(fadt.getLong(224)).isEqualTo(0x60C);
        ByteBuffer facs = tableAt(fadt.getInt(36));
        assertThat(signature(facs)).isEqualTo("FACS");
        assertThat(facs.capacity()).isEqualTo(64);
        assertThat(fadt.getInt(36) % 64).isZero();
    }

    @Test
    void saysWhatIsNotThere() {
        Map<String, ByteBuffer> tables = tables(install(bare()));
        assertThat(tables).containsOnlyKeys("XSDT", "FACP", "APIC", "DSDT");
        ByteBuffer fadt = tables.get("FACP");
        assertThat(fadt.getInt(112) & 1 << 20).as("hardware-reduced ACPI").isNotZero();
        assertThat(fadt.getInt(112) & 1 << 10).as("reset register").isZero();
        assertThat(fadt.getShort(109)).as("no VGA, no RTC").isEqualTo((short) 0x0024);
        assertThat(fadt.getInt(56)).isZero();
        assertThat(fadt.get(108)).isZero();
        assertThat(structures(tables.get("APIC"))).containsExactly("0008000001000000", "0406ff000001");
    }

    @Test
    void saysThatTheTimerHas24Bits() {
        FirmwareTables narrow = (FirmwareTables) new AcpiTablesFactory()
                .create(new FakeContext().with("timer.bits", 24));
        assertThat(tables(narrow.install(pc(1), memory)).get("FACP").getInt(112) & 1 << 8).isZero();
    }

    @Test
    void describesTheInterruptControllers() {
        ByteBuffer madt = tables(install(pc(3))).get("APIC");
        assertThat(madt.getInt(36)).isEqualTo(0xFEE00000);
        assertThat(madt.getInt(40)).as("PC-AT compatible").isEqualTo(1);
        assertThat(structures(madt))
                .containsExactly(
                        "0008000001000000",
                        "0008010101000000",
                        "0008020201000000",
                        "010c00000000c0fe00000000",
                        "020a0000020000000000",
                        "020a0009090000000d00",
                        "0406ff000001");
    }

    @Test
    void describesTheEventTimer() {
        ByteBuffer hpet = tables(install(pc(1))).get("HPET");
        assertThat(hpet.capacity()).isEqualTo(56);
        assertThat(hpet.getLong(44)).isEqualTo(0xFED00000L);
    }

    @Test
    void writesTheSameTablesAfterEachReset() {
        long first = install(pc(2));
        byte[] before = bytes(TABLES, SIZE);
        memory.bytes().asSlice(TABLES, SIZE).fill((byte) 0);
        assertThat(install(pc(2))).isEqualTo(first);
        assertThat(bytes(TABLES, SIZE)).isEqualTo(before);
    }

    @Test
    void refusesAPlaceThatIsTooSmallOrNoRam() {
        MachineLayout pc = pc(1);
        assertThatThrownBy(() -> install(new MachineLayout(1, TABLES, 512, pc.regions(), pc.lines())))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage(
                        "the ACPI tables need more than the 512 bytes that are reserved at 0xe0000; reserve more memory");
        assertThatThrownBy(() -> install(new MachineLayout(1, 1 << 20, SIZE, pc.regions(), pc.lines())))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("do not lie in RAM at 0x100");
        assertThatThrownBy(() -> install(new MachineLayout(1, 1L << 32, SIZE, pc.regions(), pc.lines())))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("below 4 GiB");
    }

    @Test
    void isUnderstoodByTheDisassembler(@TempDir Path folder) throws IOException, InterruptedException {
        if (!"true".equals(System.getenv("CI"))) {
            assumeThat(hasDisassembler()).as("iasl of the package acpica-tools").isTrue();
        }
        Map<String, ByteBuffer> tables = tables(install(pc(16)));
        for (Map.Entry<String, ByteBuffer> table : tables.entrySet()) {
            Path file = folder.resolve(table.getKey() + ".aml");
            Files.write(file, table.getValue().array());
            String output = run(folder, "iasl", "-d", file.toString());
            assertThat(output).as(table.getKey()).doesNotContainIgnoringCase("error", "warning", "invalid", "unknown");
        }
        assertThat(Files.readString(folder.resolve("DSDT.dsl")))
                .contains("Device (COM2)")
                .contains("EisaId (\"PNP0501\")")
                .contains("EisaId (\"PNP0B00\")")
                .contains("EisaId (\"PNP0303\")")
                .contains("EisaId (\"PNP0F13\")")
                .contains("EisaId (\"PNP0103\")")
                .contains("Device (C00F)")
                .contains("Name (\\_S5, Package (0x04)")
                .as("the clock's interrupt, which passes through the HPET")
                .containsPattern("Device \\(RTC\\)[^}]*IO \\(Decode16,\\s+0x0070,[^}]*IRQNoFlags \\(\\)\\s*\\{8\\}");
        // what was taken apart can be put together again, without a remark
        assertThat(run(folder, "iasl", folder.resolve("DSDT.dsl").toString()))
                .contains("0 Errors, 0 Warnings");
    }

    private static boolean hasDisassembler() throws InterruptedException {
        try {
            return new ProcessBuilder("iasl", "-v").redirectErrorStream(true).start().waitFor() == 0;
        } catch (IOException e) {
            return false;
        }
    }

    private static String run(Path folder, String... command) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(command)
                .directory(folder.toFile())
                .redirectErrorStream(true)
                .start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(output).isZero();
        return output;
    }

    @Nested
    class Contract extends DeviceContract {
        @Override
        protected DeviceFactory factory() {
            return new AcpiTablesFactory();
        }
    }

    @Test
    void keepsToItsPlace() {
        memory.bytes().fill((byte) 0x5A);
        install(pc(64));
        MemorySegment all = memory.bytes();
        assertThat(all.asSlice(0, TABLES).toArray(ValueLayout.JAVA_BYTE)).containsOnly(0x5A);
        assertThat(all.asSlice(TABLES + SIZE).toArray(ValueLayout.JAVA_BYTE)).containsOnly(0x5A);
    }
}
