//! aarch64. By the AAPCS64, arguments are in x0 to x7 and v0 to v7, the address of a large result is in x8, the address to return
//! to in x30, and x16 and x17 are free between a call and the function.

super::trampolines!(
    r"
.macro function name, returns=status
record \name, \returns
\name:
    hint #34 // bti c
    adrp x16, .Lslot_\name
    ldr x17, [x16, :lo12:.Lslot_\name]
    cbz x17, 1f
    br x17
1:
    add x17, x16, :lo12:.Lslot_\name
    adrp x16, .Lrecord_\name
    add x16, x16, :lo12:.Lrecord_\name
    b .Lfirst
.size \name, . - \name
.endm",
    r"
.Lfirst:
    stp x29, x30, [sp, #-16]!
    mov x29, sp
    stp x0, x1, [sp, #-16]!
    stp x2, x3, [sp, #-16]!
    stp x4, x5, [sp, #-16]!
    stp x6, x7, [sp, #-16]!
    str x8, [sp, #-16]!
    stp q0, q1, [sp, #-32]!
    stp q2, q3, [sp, #-32]!
    stp q4, q5, [sp, #-32]!
    stp q6, q7, [sp, #-32]!
    mov x0, x16
    mov x1, x17
    bl {resolve}
    mov x16, x0
    ldp q6, q7, [sp], #32
    ldp q4, q5, [sp], #32
    ldp q2, q3, [sp], #32
    ldp q0, q1, [sp], #32
    ldr x8, [sp], #16
    ldp x6, x7, [sp], #16
    ldp x4, x5, [sp], #16
    ldp x2, x3, [sp], #16
    ldp x0, x1, [sp], #16
    ldp x29, x30, [sp], #16
    br x16",
    options()
);
