//! A function under the name of each function of the libraries, in assembler: no call may change what its arguments are.
//!
//! Each has three parts in sections of their own, so that the linker leaves out the functions that nothing calls:
//! - code, which jumps to the address in the slot, or to `first` where there is none yet;
//! - a slot, which is empty when the program starts;
//! - a record, as `resolve::Function` reads it.
//!
//! `first` keeps all registers that can hold arguments, calls `resolve` with the record and the slot, and jumps to the address that it returns. Arguments
//! on the stack stay where they are, because nothing returns in between.

#[cfg(target_arch = "aarch64")]
mod aarch64;
#[cfg(target_arch = "x86_64")]
mod x86_64;

/// Assembles the trampolines of all libraries between the given macro `function` and the given code of `first`.
macro_rules! trampolines {
    ($function:literal, $first:literal, options($($option:ident),*)) => {
        std::arch::global_asm!(
            // What a function returns, as resolve.rs reads it.
            ".set status, 0",
            ".set text, 1",
            ".set zero, 2",
            // The record and the slot are the same on every processor.
            ".macro record name, returns",
            r#".section .rodata.cuda_delayed.\name, "a", %progbits"#,
            r".Lrecord_\name: .byte library, \returns",
            r#".asciz "\name""#,
            r#".section .bss.cuda_delayed.\name, "aw", %nobits"#,
            ".p2align 3",
            r".Lslot_\name: .zero 8",
            r#".section .text.cuda_delayed.\name, "ax", %progbits"#,
            ".p2align 4",
            r".globl \name",
            // Other libraries must not find these in the program: cuBLAS calls itself while it is being loaded.
            r".hidden \name",
            r".type \name, %function",
            ".endm",
            $function,
            // The numbers are the places in `library::LIBRARIES`.
            ".set library, 0", include_str!("../functions/cuda.s"),
            ".set library, 1", include_str!("../functions/cublas.s"),
            ".set library, 2", include_str!("../functions/cublasLt.s"),
            ".set library, 3", include_str!("../functions/curand.s"),
            ".set library, 4", include_str!("../functions/nvrtc.s"),
            ".set library, 5", include_str!("../functions/cudart.s"),
            ".purgem function",
            ".purgem record",
            r#".section .text.cuda_delayed, "ax", %progbits"#,
            $first,
            ".text",
            resolve = sym $crate::resolve::resolve,
            options($($option),*)
        );

        /// Makes rustc give the linker the object file that has the trampolines in it, also where nothing in Rust mentions
        /// them: the assembler's code goes to the object file of its module, and a `#[used]` item of a dependency is always linked.
        #[used]
        static LINKED: unsafe extern "C" fn(
            *const $crate::resolve::Function,
            *const std::sync::atomic::AtomicPtr<std::ffi::c_void>,
        ) -> *const std::ffi::c_void = $crate::resolve::resolve;
    };
}

use trampolines;
