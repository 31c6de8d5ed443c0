//! x86-64. By the System V ABI, arguments are in rdi, rsi, rdx, rcx, r8, r9 and xmm0 to xmm7, the count of the latter is in al,
//! and r10 and r11 are free between a call and the function.

super::trampolines!(
    r"
.macro function name, returns=status
record \name, \returns
\name:
    endbr64
    movq .Lslot_\name(%rip), %r11
    testq %r11, %r11
    jz 1f
    jmpq *%r11
1:
    leaq .Lrecord_\name(%rip), %r10
    leaq .Lslot_\name(%rip), %r11
    jmp .Lfirst
.size \name, . - \name
.endm",
    r"
.Lfirst:
    pushq %rdi
    pushq %rsi
    pushq %rdx
    pushq %rcx
    pushq %r8
    pushq %r9
    pushq %rax
    // The stack is at a multiple of 16 again, as a call needs it.
    subq $128, %rsp
    movups %xmm0, (%rsp)
    movups %xmm1, 16(%rsp)
    movups %xmm2, 32(%rsp)
    movups %xmm3, 48(%rsp)
    movups %xmm4, 64(%rsp)
    movups %xmm5, 80(%rsp)
    movups %xmm6, 96(%rsp)
    movups %xmm7, 112(%rsp)
    movq %r10, %rdi
    movq %r11, %rsi
    callq {resolve}
    movq %rax, %r11
    movups (%rsp), %xmm0
    movups 16(%rsp), %xmm1
    movups 32(%rsp), %xmm2
    movups 48(%rsp), %xmm3
    movups 64(%rsp), %xmm4
    movups 80(%rsp), %xmm5
    movups 96(%rsp), %xmm6
    movups 112(%rsp), %xmm7
    addq $128, %rsp
    popq %rax
    popq %r9
    popq %r8
    popq %rcx
    popq %rdx
    popq %rsi
    popq %rdi
    jmpq *%r11",
    options(att_syntax)
);
