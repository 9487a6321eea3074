package org.bundlevisor.cpu.core.decode;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Encodings that are easily decoded wrongly. Expected values are from SDM vol. 2 and from the assembler of binutils. */
class DecoderTest {
    private static final OpcodeTable TABLE = OpcodeTable.load();

    private final Decoder decoder = new Decoder(TABLE);

    private Instruction decode(CodeSize code, String hex) {
        byte[] bytes = HexFormat.of().parseHex(hex.replace(" ", ""));
        return Objects.requireNonNull(decoder.decode(bytes, 0, bytes.length, code, 0), "truncated");
    }

    private Instruction decode64(String hex) {
        return decode(CodeSize.BITS_64, hex);
    }

    /** The instruction's text at address 0x1000, and that all bytes are its own. */
    private void check(CodeSize code, String hex, String expected) {
        Instruction instruction = decode(code, hex);
        assertThat(IntelSyntax.of(instruction, code, 0x1000 + instruction.length)).isEqualTo(expected);
        assertThat((int) instruction.length).isEqualTo(hex.replace(" ", "").length() / 2);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        // sizes
        "89 c8|mov eax,ecx", "66 89 c8|mov ax,cx", "48 89 c8|mov rax,rcx", "66 48 89 c8|mov rax,rcx",
        "88 e0|mov al,ah", "40 88 e0|mov al,spl", "44 88 e0|mov al,r12b", "41 b4 01|mov r12b,0x1", "b4 01|mov ah,0x1",
        "40 b4 01|mov spl,0x1", "48 0f b6 c4|movzx rax,spl", "0f b6 c4|movzx eax,ah", "48 63 c8|movsxd rcx,eax",
        "66 63 c8|movsxd cx,ax",
        // a REX prefix counts directly before the opcode only
        "48 66 89 c8|mov ax,cx", "48 4c 89 c8|mov rax,r9", "48 64 8b 00|mov eax,DWORD PTR fs:[rax]",
        "f2 48 0f 2a c0|cvtsi2sd xmm0,rax", "48 f2 0f 2a c0|cvtsi2sd xmm0,eax",
        // immediates
        "48 b8 88 77 66 55 44 33 22 11|movabs rax,0x1122334455667788",
        "48 c7 c0 ff ff ff ff|mov rax,0xffffffffffffffff",
        "66 c7 00 34 12|mov WORD PTR [rax],0x1234", "6a ff|push 0xffffffffffffffff", "66 6a ff|pushw 0xffff",
        "68 00 00 00 80|push 0xffffffff80000000", "66 68 34 12|pushw 0x1234", "83 c0 80|add eax,0xffffff80",
        "66 83 c0 80|add ax,0xff80", "c8 10 00 03|enter 0x10,0x3", "c1 e0 85|shl eax,0x85", "d1 f0|shl eax,1",
        "69 c0 00 01 00 00|imul eax,eax,0x100", "f6 c8 80|test al,0x80", "cd 80|int 0x80",
        // addressing
        "8b 04 24|mov eax,DWORD PTR [rsp]", "41 8b 04 24|mov eax,DWORD PTR [r12]",
        "41 8b 45 00|mov eax,DWORD PTR [r13]",
        "8b 04 25 f0 ff ff ff|mov eax,DWORD PTR ds:0xfffffffffffffff0", "8b 04 65 00 00 00 00|mov eax,DWORD PTR ds:0x0",
        "42 8b 04 65 01 00 00 00|mov eax,DWORD PTR [r12*2+0x1]", "43 8b 44 a5 80|mov eax,DWORD PTR [r13+r12*4-0x80]",
        "8b 05 10 00 00 00|mov eax,DWORD PTR [rip+0x10]", "67 8b 05 10 00 00 00|mov eax,DWORD PTR [eip+0x10]",
        "67 8b 44 8b 7f|mov eax,DWORD PTR [ebx+ecx*4+0x7f]", "65 48 8b 04 25 28 00 00 00|mov rax,QWORD PTR gs:0x28",
        "a0 88 77 66 55 44 33 22 81|movabs al,ds:0x8122334455667788", "67 a1 00 00 00 f0|mov eax,ds:0xf0000000",
        // branches: 66 does nothing to near ones
        "66 e8 00 01 00 00|call 0x1106", "66 74 fe|je 0x1001", "ff d0|call rax", "66 ff d0|call rax",
        "ff 28|jmp FWORD PTR [rax]", "48 ff 18|call TBYTE PTR [rax]", "67 e3 00|jecxz 0x1003", "e3 00|jrcxz 0x1002",
        "c2 08 80|ret 0x8008", "48 cf|iretq", "cf|iret", "66 cf|iretw", "f2 ff e0|jmp rax",
        // stack
        "50|push rax", "66 50|push ax", "41 57|push r15", "8f 00|pop QWORD PTR [rax]", "0f a1|pop fs",
        // prefixes that choose an opcode
        "0f 10 c1|movups xmm0,xmm1", "66 0f 10 c1|movupd xmm0,xmm1", "f3 0f 10 c1|movss xmm0,xmm1",
        "f2 66 0f 10 c1|movsd xmm0,xmm1", "66 f2 f3 0f 10 c1|movss xmm0,xmm1", "0f 12 c1|movhlps xmm0,xmm1",
        "0f 12 01|movlps xmm0,QWORD PTR [rcx]", "0f 6e c1|movd mm0,ecx", "48 0f 6e c1|movq mm0,rcx",
        "66 0f 6e c1|movd xmm0,ecx", "66 4c 0f 6e c1|movq xmm8,rcx", "f3 0f 7e c1|movq xmm0,xmm1",
        "4f 0f 6f c1|movq mm0,mm1", "66 45 0f 6f c1|movdqa xmm8,xmm9",
        "f3 66 0f b8 c1|popcnt ax,cx", "0f 38 f0 08|movbe ecx,DWORD PTR [rax]",
        "66 0f 38 f1 08|movbe WORD PTR [rax],cx",
        "f2 0f 38 f0 c4|crc32 eax,ah", "66 f2 0f 38 f1 c1|crc32 eax,cx", "f2 48 0f 38 f1 c1|crc32 rax,rcx",
        "f2 48 0f 38 f0 c1|crc32 rax,cl", "66 48 0f 3a 16 c1 01|pextrq rcx,xmm0,0x1",
        "66 0f 3a 14 01 01|pextrb BYTE PTR [rcx],xmm0,0x1", "66 0f 3a 20 c4 01|pinsrb xmm0,esp,0x1",
        "66 0f 38 10 c1|pblendvb xmm0,xmm1,xmm0", "66 0f 73 d9 04|psrldq xmm1,0x4",
        "0f 60 08|punpcklbw mm1,DWORD PTR [rax]",
        // one opcode, many instructions
        "90|nop", "41 90|xchg r8d,eax", "f3 90|pause", "f3 41 90|pause", "87 c0|xchg eax,eax", "48 91|xchg rcx,rax",
        "0f c7 0f|cmpxchg8b QWORD PTR [rdi]", "48 0f c7 0f|cmpxchg16b OWORD PTR [rdi]", "0f c7 f0|rdrand eax",
        "66 0f c7 f0|rdrand ax", "0f c7 30|vmptrld QWORD PTR [rax]", "66 0f c7 30|vmclear QWORD PTR [rax]",
        "f3 0f c7 30|vmxon QWORD PTR [rax]", "0f c7 38|vmptrst QWORD PTR [rax]", "f3 0f c7 f8|rdpid rax",
        "0f ae e8|lfence", "0f ae ff|sfence", "0f ae 38|clflush BYTE PTR [rax]",
        "66 0f ae 38|clflushopt BYTE PTR [rax]",
        "f3 0f ae c1|rdfsbase ecx", "f3 48 0f ae d9|wrgsbase rcx", "48 0f ae 00|fxsave64 [rax]",
        "0f 01 c1|vmcall", "0f 01 d8|vmrun", "0f 01 f8|swapgs", "0f 01 f9|rdtscp", "0f 01 38|invlpg BYTE PTR [rax]",
        "0f 01 e0|smsw eax", "66 0f 01 e0|smsw ax", "48 0f 01 e0|smsw rax", "0f 01 20|smsw WORD PTR [rax]",
        "0f 01 f0|lmsw ax", "0f 78 c1|vmread rcx,rax", "66 0f 38 82 08|invpcid rcx,[rax]",
        "0f 02 c1|lar eax,ecx", "8c d8|mov eax,ds", "8c 18|mov WORD PTR [rax],ds", "44 8e d8|mov ds,eax",
        // mod is ignored
        "0f 20 00|mov rax,cr0", "44 0f 22 c0|mov cr8,rax", "66 0f 23 f8|mov dr7,rax",
        // x87
        "d8 c1|fadd st,st(1)", "dc c1|fadd st(1),st", "dc e1|fsubr st(1),st", "dc e9|fsub st(1),st",
        "de c9|fmulp st(1),st",
        "db 28|fld TBYTE PTR [rax]", "df 28|fild QWORD PTR [rax]", "df e0|fnstsw ax", "41 d9 c1|fld st(1)",
        "da e9|fucompp",
        "dd 08|fisttp QWORD PTR [rax]", "9b|fwait",
        // hints
        "f3 0f 1e fa|endbr64", "f3 0f 1e fb|endbr32", "0f 1e fa|nop edx", "66 0f 1f 44 00 00|nop WORD PTR [rax+rax*1]",
        "0f 18 08|prefetcht0 BYTE PTR [rax]", "0f 0d 08|prefetchw BYTE PTR [rax]", "0f 19 c0|nop eax",
        // without BMI, F3 does nothing to BSF and BSR
        "f3 0f bc c1|bsf eax,ecx", "f3 0f bd c1|bsr eax,ecx",
        // strings
        "a4|movs BYTE PTR es:[rdi],BYTE PTR ds:[rsi]", "f3 48 a5|movs QWORD PTR es:[rdi],QWORD PTR ds:[rsi]",
        "67 65 ac|lods al,BYTE PTR gs:[esi]", "48 6f|outs dx,DWORD PTR ds:[rsi]"})
    void decodes64BitCode(String hex, String expected) {
        check(CodeSize.BITS_64, hex, expected);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {"40|inc eax", "4f|dec edi", "66 40|inc ax",
        "67 8b 00|mov eax,DWORD PTR [bx+si]",
        "8b 05 10 00 00 00|mov eax,DWORD PTR ds:0x10", "62 08|bound ecx,QWORD PTR [eax]",
        "c4 08|les ecx,FWORD PTR [eax]", "c5 08|lds ecx,FWORD PTR [eax]", "63 c8|arpl ax,cx", "06|push es", "60|pusha",
        "9a 78 56 34 12 08 00|call 0x8:0x12345678", "66 ea 34 12 08 00|jmp 0x8:0x1234", "66 e9 00 00|jmpw 0x1004",
        "e8 fb ff ff ff|call 0x1000", "d4 0a|aam 0xa", "a1 44 33 22 f1|mov eax,ds:0xf1223344",
        "82 c0 ff|add al,0xff",
        "0f 20 c0|mov eax,cr0", "cf|iret", "f2 0f 2a c0|cvtsi2sd xmm0,eax", "d6|salc", "0f 05|syscall"})
    void decodes32BitCode(String hex, String expected) {
        check(CodeSize.BITS_32, hex, expected);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {"8b 00|mov ax,WORD PTR [bx+si]", "66 8b 00|mov eax,DWORD PTR [bx+si]",
        "8b 06 34 82|mov ax,WORD PTR ds:0x8234", "8b 46 fe|mov ax,WORD PTR [bp-0x2]",
        "8b 83 fe ff|mov ax,WORD PTR [bp+di-0x2]",
        "8a 87 00 80|mov al,BYTE PTR [bx-0x8000]", "67 8b 04 24|mov ax,WORD PTR [esp]", "b8 34 12|mov ax,0x1234",
        "66 b8 78 56 34 12|mov eax,0x12345678", "ea 00 00 00 f0|jmp 0xf000:0x0", "e8 00 10|call 0x2003",
        "66 0f 01 16 00 70|lgdtd ds:0x7000", "2e 8b 07|mov ax,WORD PTR cs:[bx]", "e3 00|jcxz 0x1002",
        "67 e3 00|jecxz 0x1003",
        "c5 07|lds ax,DWORD PTR [bx]", "66 cf|iretd", "f2 0f 38 f1 c1|crc32 eax,cx",
        "66 f2 0f 38 f1 c1|crc32 eax,ecx", "66 0f 38 f0 07|movbe eax,DWORD PTR [bx]", "0f 20 c0|mov eax,cr0",
        "f3 66 a5|movs DWORD PTR es:[di],DWORD PTR ds:[si]"})
    void decodes16BitCode(String hex, String expected) {
        check(CodeSize.BITS_16, hex, expected);
    }

    @ParameterizedTest
    @CsvSource({"64, f0 89 c8", "64, f0 8b 08", "64, f0 38 08", "64, f0 0f a3 08", "64, f0 0f 20 c0", "64, f0 90",
        "64, f0 ff 10",
        "32, f0 40", "64, f0 a4"})
    void lockIsInvalidWhereItIsNotAllowed(int bits, String hex) {
        assertThat(decode(CodeSize.valueOf("BITS_" + bits), hex).mnemonic()).isEqualTo(Mnemonic.INVALID);
    }

    @ParameterizedTest
    @CsvSource({"f0 01 08", "f0 0f c7 08", "f0 48 0f c7 08", "f0 87 08", "f0 f7 18", "f0 fe 00", "f0 0f ba 28 01",
        "f2 f0 0f c1 08"})
    void lockIsAllowed(String hex) {
        Instruction instruction = decode64(hex);
        assertThat(instruction.mnemonic()).isNotEqualTo(Mnemonic.INVALID);
        assertThat(instruction.lock).isTrue();
    }

    @ParameterizedTest
    @CsvSource({
        // not in 64-bit mode; VEX and EVEX
        "64, 06", "64, 27", "64, 60", "64, 82 c0 01", "64, 9a 00 00 00 00 08 00", "64, c4 e2 78 f2 c1", "64, c5 f8 77",
        "64, 62 f1 7c 48 10 06",
        "64, ce", "64, d4 0a", "64, d6", "64, ea", "32, c4 e2 78 f2 c1", "32, c5 f8 77", "32, 62 f1 7c 48 10 06",
        "16, c5 c0",
        // only in 64-bit mode
        "32, 0f 01 f8", "32, f3 0f ae c0",
        // registers that are not there
        "64, 0f 20 c8", "64, 0f 22 e8", "64, 44 0f 22 c8", "64, 44 0f 21 c0", "64, 8c f0", "64, 8e c8", "64, 8e f8",
        // forms that are not there
        "64, 8d c0", "64, 0f c7 c8", "64, c6 c8 01", "64, ff f8", "64, 0f ba c0 01", "64, 0f 01 c0", "64, 0f 01 cf",
        "64, fe d0", "64, 8f c8",
        "64, 66 0f 13 c0", "64, d9 d1", "64, db e5", "64, 0f 0a", "64, 0f 24 c0", "64, 0f 0f c1 9e", "32, 0f b2 c0",
        // prefixes that are not there
        "64, f3 0f 28 c1", "64, f3 0f 14 c1", "64, f3 66 0f 28 c1", "64, f2 0f c7 f0", "64, 66 0f c3 08",
        "64, f3 0f 38 00 c1", "64, 0f 6c c1", "64, 0f 38 10 c1", "64, 66 0f 52 c1", "64, f3 0f ae e0"})
    void isInvalid(int bits, String hex) {
        Instruction instruction = decode(CodeSize.valueOf("BITS_" + bits), hex);
        assertThat(instruction.mnemonic()).isEqualTo(Mnemonic.INVALID);
        assertThat(instruction.endsTrace()).isTrue();
    }

    @Test
    void theLengthLimitIsFifteenBytes() {
        check(CodeSize.BITS_64, "66 ".repeat(13) + "89 c8", "mov ax,cx");
        assertThat(decode64("66 ".repeat(14) + "89 c8").mnemonic()).isEqualTo(Mnemonic.TOO_LONG);
        assertThat(decode64("66 ".repeat(40)).mnemonic()).isEqualTo(Mnemonic.TOO_LONG);
        assertThat((int) decode64("66 ".repeat(14) + "89 c8").length).isEqualTo(15);
        byte[] prefixes = new byte[14];
        Arrays.fill(prefixes, (byte) 0x66);
        assertThat(decoder.decode(prefixes, 0, 14, CodeSize.BITS_64, 0)).isNull();
    }

    @ParameterizedTest
    @CsvSource({"48 b8 88 77 66 55 44 33 22 11", "f0 81 84 24 00 00 00 00 00 00 00 00", "66 0f 3a 16 44 24 08 01",
        "f3 0f 1e fa",
        "a1 00 00 00 00 00 00 00 00", "c8 00 00 00", "0f 84 00 00 00 00", "66 41 0f 38 00 04 25 00 00 00 00"})
    void everyBeginningIsTruncated(String hex) {
        byte[] bytes = HexFormat.of().parseHex(hex.replace(" ", ""));
        for (int limit = 0; limit < bytes.length; limit++) {
            assertThat(decoder.decode(bytes, 0, limit, CodeSize.BITS_64, 0)).as("%d bytes of %s", limit, hex).isNull();
        }
        Instruction whole = Objects.requireNonNull(decoder.decode(bytes, 0, bytes.length, CodeSize.BITS_64, 0));
        assertThat((int) whole.length).isEqualTo(bytes.length);
        assertThat(whole.mnemonic()).isNotEqualTo(Mnemonic.INVALID);
    }

    @Test
    void nothingBehindTheLimitIsRead() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment memory = arena.allocate(4);
            memory.copyFrom(MemorySegment.ofArray(new byte[] {(byte) 0x90, (byte) 0x48, (byte) 0x89, (byte) 0xc8}));
            Instruction nop = Objects.requireNonNull(decoder.decode(memory, 0, 4, CodeSize.BITS_64, 7));
            assertThat(nop.mnemonic()).isEqualTo(Mnemonic.NOP);
            assertThat(nop.offset).isEqualTo(7);
            Instruction move = Objects.requireNonNull(decoder.decode(memory, 1, 4, CodeSize.BITS_64, 8));
            assertThat(move.mnemonic()).isEqualTo(Mnemonic.MOV);
            assertThat((int) move.length).isEqualTo(3);
            assertThat(decoder.decode(memory, 1, 3, CodeSize.BITS_64, 8)).isNull();
            assertThatThrownBy(() -> decoder.decode(memory, 1, 5, CodeSize.BITS_64, 0))
                    .isInstanceOf(IndexOutOfBoundsException.class);
        }
    }

    @ParameterizedTest
    @CsvSource({
        // the base chooses between DS and SS, the index does not; R12 and R13 are not rSP and rBP
        "64, 8b 04 24, SS", "64, 8b 45 00, SS", "64, 41 8b 04 24, DS", "64, 41 8b 45 00, DS", "64, 8b 04 28, DS",
        "64, 8b 04 6d 00 00 00 00, DS",
        "64, 8b 05 00 00 00 00, DS", "32, 8b 04 2c, SS", "16, 8b 02, SS", "16, 8b 46 00, SS", "16, 8b 06 00 00, DS",
        "16, 8b 00, DS",
        // overrides: the last one; in 64-bit mode FS and GS only, and the others do not cancel them
        "32, 3e 8b 45 00, DS", "32, 64 26 8b 00, ES", "64, 26 8b 04 24, SS", "64, 64 8b 04 24, FS",
        "64, 64 2e 8b 00, FS", "64, 64 65 8b 00, GS",
        "16, 2e a4, CS", "16, a4, DS", "16, 36 a1 00 00, SS", "32, 65 d7, GS", "32, 64 0f f7 c1, FS"})
    void findsTheSegment(int bits, String hex, String segment) {
        Instruction instruction = decode(CodeSize.valueOf("BITS_" + bits), hex);
        String[] names = {"ES", "CS", "SS", "DS", "FS", "GS"};
        assertThat(names[instruction.segment]).isEqualTo(segment);
    }

    @Test
    void anAddressIsBasePlusScaledIndexPlusDisplacement() {
        Instruction both = decode64("43 8b 84 a5 00 00 00 80");
        assertThat(both.memory).isTrue();
        assertThat(both.base).isEqualTo((byte) 13);
        assertThat(both.index).isEqualTo((byte) 12);
        assertThat(both.scale).isEqualTo((byte) 2);
        assertThat(both.displacement).isEqualTo(-0x8000_0000L);

        Instruction offset = decode64("a3 88 77 66 55 44 33 22 f1");
        assertThat(offset.memory).isTrue();
        assertThat(offset.base).isEqualTo((byte) Instruction.NONE);
        assertThat(offset.index).isEqualTo((byte) Instruction.NONE);
        assertThat(offset.displacement).isEqualTo(0xf122_3344_5566_7788L);

        Instruction relative = decode64("c7 05 f8 ff ff ff 01 00 00 00");
        assertThat(relative.base).isEqualTo((byte) Instruction.RIP);
        assertThat(relative.displacement).isEqualTo(relative.length - 8);
        assertThat(relative.immediate).isEqualTo(1);

        Instruction register = decode64("8b c1");
        assertThat(register.memory).isFalse();
        assertThat(register.rm).isEqualTo((byte) 1);
    }

    @Test
    void byteRegistersWithoutRexHaveNumbersOfTheirOwn() {
        assertThat(decode64("88 e7").reg).isEqualTo((byte) Instruction.AH);
        assertThat(decode64("88 e7").rm).isEqualTo((byte) Instruction.BH);
        assertThat(decode64("40 88 e7").reg).isEqualTo((byte) 4);
        assertThat(decode64("b6 00").rm).isEqualTo((byte) Instruction.DH);
        assertThat(decode64("0f b6 e5").reg).isEqualTo((byte) 4);
        assertThat(decode64("0f b6 e5").rm).isEqualTo((byte) Instruction.CH);
        assertThat(decode(CodeSize.BITS_32, "0f 94 c7").rm).isEqualTo((byte) Instruction.BH);
    }

    @Test
    void sizesBelongToTheOperands() {
        Instruction extend = decode64("48 0f b7 08");
        assertThat(extend.size(0)).isEqualTo(8);
        assertThat(extend.size(1)).isEqualTo(2);
        assertThat(decode64("8c 18").size(0)).isEqualTo(2);
        assertThat(decode64("48 8c d8").size(0)).isEqualTo(8);
        assertThat(decode64("48 ed").size(0)).isEqualTo(4);
        assertThat(decode64("66 0f 38 22 00").size(1)).isEqualTo(2);
        assertThat(decode64("f2 0f 5a c1").size(1)).isEqualTo(8);
        assertThat(decode64("66 f2 0f 2a c1").size(1)).isEqualTo(4);
        assertThat(decode64("db 28").size(0)).isEqualTo(10);
    }

    @Test
    void tracesEndWhereFlowMayLeaveThem() {
        for (String hex : new String[] {"74 00", "c3", "cd 80", "0f 05", "0f 30", "0f 22 d8", "fb", "f4", "ec", "8e d8",
            "0f 0b", "0f 01 38",
            "f3 a4", "6c", "0f a2", "ff e0"}) {
            assertThat(decode64(hex).endsTrace()).as(hex).isTrue();
        }
        for (String hex : new String[] {"89 c8", "a4", "fa", "90", "0f 44 c1", "50", "0f 58 c1", "f3 0f 58 c1",
            "f0 01 08"}) {
            assertThat(decode64(hex).endsTrace()).as(hex).isFalse();
        }
    }

    @Test
    void theLastRepeatPrefixCounts() {
        assertThat(decode64("f2 f3 a6").rep()).isEqualTo(Instruction.REPE);
        assertThat(decode64("f3 f2 a6").rep()).isEqualTo(Instruction.REPNE);
        assertThat(decode64("a6").rep()).isEqualTo(Instruction.NO_REP);
    }

    @Test
    void theConditionIsInTheOpcode() {
        assertThat(decode64("0f 8e 00 00 00 00").opcode.code & 15).isEqualTo(14);
        assertThat(decode64("7e 00").opcode.code & 15).isEqualTo(14);
        assertThat(decode64("0f 4e c1").mnemonic()).isEqualTo(Mnemonic.CMOVLE);
    }
}
