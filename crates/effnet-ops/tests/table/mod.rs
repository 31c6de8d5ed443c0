//! One table: every public operation of effnet-ops, over shapes and types, each with its slow twin.
//!
//! It has four uses: the kernels are held against the slow twins on every level of the processor; so is candle's form on the CPU,
//! and on a GPU; and both are timed (`examples/ops`). To add an operation: a file here, or a function in one of them, that makes a
//! [`Case`] of its shapes; its rows; its slow formula in `slow`. A test fails where a public name has no row.
//!
//! | file | holds |
//! |---|---|
//! | `case` | an operation with its arguments, its slow twin, and where candle's form of it holds |
//! | `slow`, `exact` | every formula in f64; what a case must give, by it or by differences of it |
//! | `tolerance` | how far a result may be off, and why |
//! | `way`, `check` | what computes, and whether it is right |
//! | `networks` | the shapes of B0 and Lite0 |
//! | the others | an operation's cases each, and its rows |

#![allow(clippy::unwrap_used, reason = "a table for tests: what can't be made may panic")]

pub(crate) mod batch_norm;
pub(crate) mod block;
pub(crate) mod case;
pub(crate) mod check;
pub(crate) mod convolutions;
pub(crate) mod elementwise;
pub(crate) mod exact;
pub(crate) mod folded;
pub(crate) mod networks;
pub(crate) mod numbers;
pub(crate) mod products;
pub(crate) mod sequence;
pub(crate) mod slow;
pub(crate) mod squeeze_excitation;
pub(crate) mod steps;
pub(crate) mod tolerance;
pub(crate) mod way;

/// The rows by their groups.
pub(crate) fn groups() -> Vec<(&'static str, Vec<case::Case>)> {
    vec![
        ("convolutions", convolutions::rows()),
        ("products", products::rows()),
        ("batch_norm", batch_norm::rows()),
        ("elementwise", elementwise::rows()),
        ("squeeze_excitation", squeeze_excitation::rows()),
        ("block", block::rows()),
        ("sequence", sequence::rows()),
        ("folded", folded::rows()),
        ("steps", steps::rows()),
    ]
}
