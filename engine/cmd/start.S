/* SPDX-License-Identifier: MIT
 *
 * start: where the statically linked program begins on x86-64 (Makefile: START). It is linked to
 * be put at any address, so libc's start writes the real addresses into tables on some 70 pages; each
 * is a copy of a page of the file, made when it is first written to. Here the kernel is asked to
 * make them all at once, which spares it 70 exceptions; before Linux 5.14 it refuses, and all is as
 * without. No address of the program is known yet but relative to this code, and registers are
 * as the kernel gives them: rdx and the stack are for libc.
 */
#define SYS_madvise          28
#define MADV_POPULATE_WRITE  23

        .section .text.moon_start, "ax", @progbits
        .globl  moon_start
        .type   moon_start, @function
moon_start:
        .cfi_startproc
        .cfi_undefined rip
        endbr64
        mov     %rdx, %r8
        lea     __init_array_start(%rip), %rdi  /* among the first that are written to */
        and     $-4096, %rdi
        lea     _edata(%rip), %rsi
        sub     %rdi, %rsi
        mov     $MADV_POPULATE_WRITE, %edx
        mov     $SYS_madvise, %eax
        syscall                                 /* an error changes nothing */
        mov     %r8, %rdx
        jmp     _start
        .cfi_endproc
        .size   moon_start, . - moon_start

        .section .note.GNU-stack, "", @progbits
