; The guest "hello": a Multiboot 1 kernel that needs nothing but a serial port, a PIC, a PIT and ACPI power-off.
; It writes what its CPU says of itself, counts ten ticks of the timer and turns the machine off.
;
; Assembled with:  nasm -f elf32 hello.asm -o hello.o && ld -m elf_i386 -n -N -s -Ttext=0x100000 -o hello.elf hello.o
; The result is checked in as a resource of this module; HelloTest says when it is stale.

COM1            equ 0x3f8
PIC1            equ 0x20
PIC2            equ 0xa0
PIT             equ 0x40
PM1_CONTROL     equ 0x604                       ; ACPI PM1a_CNT_BLK of the board (and of QEMU's)
SLEEP_ENABLE    equ 1 << 13                     ; SLP_EN, with SLP_TYP of \_S5 = 0
TICKS           equ 10
DIVISOR         equ 59659                       ; 1193182 Hz / 59659 = 20 ticks a second

MULTIBOOT_MAGIC equ 0x1badb002
MULTIBOOT_FLAGS equ 1 << 1                      ; "memory information must be passed"

CODE            equ 8
DATA            equ 16

bits 32
section .text

                align 4
multiboot:      dd MULTIBOOT_MAGIC, MULTIBOOT_FLAGS, -(MULTIBOOT_MAGIC + MULTIBOOT_FLAGS)

global _start
_start:         cli
                cld
                mov esp, stack_top
                lgdt [gdt_pointer]              ; the boot loader's GDT may not be valid (Multiboot 0.6.96, 3.2)
                jmp CODE:.reload
.reload:        mov cx, DATA
                mov ds, cx
                mov es, cx
                mov ss, cx
                mov [information], ebx
                mov [magic], eax
                call serial_initialise
                mov esi, text_hello
                call write
                cmp dword [magic], 0x2badb002   ; what a Multiboot loader leaves in EAX
                mov esi, text_loader
                jne fail
                call show_cpu
                call show_mode
                call show_memory
                call show_boot_information
                call interrupts_initialise
                call timer_initialise
                mov esi, text_timer
                call write
                xor ebx, ebx                    ; ticks shown
.wait:          cli
                cmp ebx, [ticks]
                jne .tick
                sti                             ; takes effect after HLT has begun, so no tick is missed
                hlt
                jmp .wait
.tick:          inc ebx
                mov eax, ebx
                call write_decimal
                mov al, ' '
                call put
                cmp ebx, TICKS
                jb .wait
                mov esi, text_bye
                call write
                call serial_drain
                mov dx, PM1_CONTROL
                mov ax, SLEEP_ENABLE
                out dx, ax
.off:           sti                             ; the machine may take a moment
                hlt
                cmp dword [ticks], 3 * TICKS
                jb .off
                mov esi, text_still
fail:           call write
.stop:          cli
                hlt
                jmp .stop

; ---- what the machine says of itself

show_cpu:       mov esi, text_vendor
                call write
                xor eax, eax
                cpuid
                mov [buffer], ebx
                mov [buffer + 4], edx
                mov [buffer + 8], ecx
                mov byte [buffer + 12], 0
                mov esi, buffer
                call write
                mov eax, 0x80000000
                cpuid
                cmp eax, 0x80000004
                jb .no_brand
                mov esi, text_brand
                call write
                mov edi, buffer
                mov dword [leaf], 0x80000002
.brand:         mov eax, [leaf]
                cpuid
                mov [edi], eax
                mov [edi + 4], ebx
                mov [edi + 8], ecx
                mov [edi + 12], edx
                add edi, 16
                inc dword [leaf]
                cmp dword [leaf], 0x80000004
                jbe .brand
                mov byte [edi], 0
                mov esi, buffer
.skip:          cmp byte [esi], ' '             ; Intel aligns the name to the right
                jne .name
                inc esi
                jmp .skip
.name:          call write
.no_brand:      mov esi, text_signature
                call write
                mov eax, 1
                cpuid
                mov [features], edx
                call write_hexadecimal
                mov eax, 0x80000000
                cpuid
                cmp eax, 0x80000001
                jb .end
                mov eax, 0x80000001
                cpuid
                bt edx, 29                      ; long mode
                jnc .end
                mov esi, text_long_mode
                call write
.end:           ret

show_mode:      mov esi, text_mode
                call write
                mov eax, cr0
                call write_hexadecimal
                mov esi, text_paging_off
                mov eax, cr0
                bt eax, 31                      ; CR0.PG
                jnc .paging
                mov esi, text_paging_on
.paging:        jmp write

show_memory:    mov ebx, [information]
                test dword [ebx], 1             ; flags[0]: mem_lower and mem_upper are valid
                jz .none
                mov esi, text_memory
                call write
                mov eax, [ebx + 8]              ; mem_upper: KiB from 1 MiB on
                shr eax, 10
                inc eax
                call write_decimal
                mov esi, text_mebibytes
                call write
.none:          ret

show_boot_information:
                mov ebx, [information]
                test dword [ebx], 1 << 2        ; flags[2]: cmdline is valid
                jz .modules
                mov edi, [ebx + 16]
                cmp byte [edi], 0
                je .modules
                mov esi, text_command_line
                call write
                mov esi, edi
                call write
                mov esi, text_line_end
                call write
.modules:       test dword [ebx], 1 << 3        ; flags[3]: mods_count and mods_addr are valid
                jz .none
                mov esi, text_modules
                call write
                mov eax, [ebx + 20]
                call write_decimal
                mov esi, text_line_end
                call write
.none:          ret

; ---- interrupts and the timer

; All 256 vectors lead to "unexpected", but the timer's.
interrupts_initialise:
                mov edi, idt
                mov ecx, 256
.gate:          mov eax, unexpected
                call set_gate
                add edi, 8
                loop .gate
                mov edi, idt + 0x20 * 8
                mov eax, timer
                call set_gate
                lidt [idt_pointer]
                mov al, 0x11                    ; ICW1: edge triggered, cascaded, ICW4 follows
                out PIC1, al
                out PIC2, al
                mov al, 0x20                    ; ICW2: vectors 0x20 and up, clear of the exceptions
                out PIC1 + 1, al
                mov al, 0x28
                out PIC2 + 1, al
                mov al, 4                       ; ICW3: the second one is at input 2
                out PIC1 + 1, al
                mov al, 2
                out PIC2 + 1, al
                mov al, 1                       ; ICW4: 8086 mode
                out PIC1 + 1, al
                out PIC2 + 1, al
                mov al, ~1                      ; OCW1: only IRQ 0
                out PIC1 + 1, al
                mov al, 0xff
                out PIC2 + 1, al
                ret

; EDI: gate, EAX: handler
set_gate:       mov [edi], ax
                mov word [edi + 2], CODE
                mov word [edi + 4], 0x8e00      ; present, 32-bit interrupt gate
                shr eax, 16
                mov [edi + 6], ax
                ret

timer_initialise:
                mov al, 0x34                    ; counter 0, low byte then high byte, mode 2, binary
                out PIT + 3, al
                mov al, DIVISOR & 0xff
                out PIT, al
                mov al, DIVISOR >> 8
                out PIT, al
                ret

timer:          push eax
                inc dword [ticks]
                mov al, 0x20                    ; non-specific end of interrupt
                out PIC1, al
                pop eax
                iretd

unexpected:     mov esi, text_unexpected
                call write
                mov esi, text_stopped
                jmp fail

; ---- the serial port

serial_initialise:
                mov dx, COM1 + 1
                xor eax, eax
                out dx, al                      ; no interrupts
                mov dx, COM1 + 3
                mov al, 0x80                    ; divisor latch
                out dx, al
                mov dx, COM1
                mov al, 1                       ; 115200 baud
                out dx, al
                inc dx
                xor eax, eax
                out dx, al
                mov dx, COM1 + 3
                mov al, 3                       ; 8 bits, no parity, 1 stop bit
                out dx, al
                dec dx
                mov al, 7                       ; FIFOs on and cleared
                out dx, al
                ret

; AL: the character
put:            push edx
                push eax
                mov dx, COM1 + 5
.busy:          in al, dx
                test al, 0x20                   ; transmitter holding register empty
                jz .busy
                pop eax
                mov dx, COM1
                out dx, al
                pop edx
                ret

serial_drain:   mov dx, COM1 + 5
.busy:          in al, dx
                test al, 0x40                   ; transmitter empty
                jz .busy
                ret

; ESI: characters up to a zero byte
write:          push eax
.next:          lodsb
                test al, al
                jz .end
                call put
                jmp .next
.end:           pop eax
                ret

; EAX: the number
write_decimal:  push ebx
                push ecx
                push edx
                mov ebx, 10
                xor ecx, ecx
.divide:        xor edx, edx
                div ebx
                push edx
                inc ecx
                test eax, eax
                jnz .divide
.digit:         pop eax
                add al, '0'
                call put
                loop .digit
                pop edx
                pop ecx
                pop ebx
                ret

; EAX: the number
write_hexadecimal:
                push ebx
                push ecx
                mov ebx, eax
                mov al, '0'
                call put
                mov al, 'x'
                call put
                mov ecx, 8
.digit:         rol ebx, 4
                mov al, bl
                and al, 15
                add al, '0'
                cmp al, '9'
                jbe .put
                add al, 'a' - '0' - 10
.put:           call put
                loop .digit
                pop ecx
                pop ebx
                ret

; ---- data

                align 8
gdt:            dq 0
                dq 0x00cf9a000000ffff           ; flat code
                dq 0x00cf92000000ffff           ; flat data
gdt_pointer:    dw gdt_pointer - gdt - 1
                dd gdt
idt_pointer:    dw 256 * 8 - 1
                dd idt

text_hello:     db "Hello from a guest of Bundlevisor.", 13, 10, 0
text_loader:    db "Not started by a Multiboot loader.", 13, 10, 0
text_vendor:    db "CPU vendor:    ", 0
text_brand:     db 13, 10, "CPU name:      ", 0
text_signature: db 13, 10, "CPU signature: ", 0
text_long_mode: db ", has 64-bit mode", 0
text_mode:      db 13, 10, "CPU mode:      32-bit protected mode, CR0 = ", 0
text_paging_off: db ", paging off", 13, 10, 0
text_paging_on: db ", paging on", 13, 10, 0
text_memory:    db "Memory:        ", 0
text_mebibytes: db " MiB", 13, 10, 0
text_command_line: db "Command line:  ", 0
text_modules:   db "Modules:       ", 0
text_line_end:  db 13, 10, 0
text_timer:     db "Timer ticks:   ", 0
text_bye:       db 13, 10, "Good-bye.", 13, 10, 0
text_still:     db "The machine has no ACPI power-off at 0x604.", 13, 10, 0
text_unexpected: db 13, 10, "Unexpected interrupt or exception.", 13, 10, 0
text_stopped:   db "Stopped.", 13, 10, 0

section .bss
                alignb 16
idt:            resq 256
information:    resd 1
magic:          resd 1
features:       resd 1
leaf:           resd 1
ticks:          resd 1
buffer:         resb 64
                resb 4096
stack_top:
