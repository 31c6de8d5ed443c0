//! No public operation is without a row of the table.

use std::collections::BTreeSet;

use crate::table::groups;

const LIBRARY: &str = include_str!("../../src/lib.rs");

/// Public names that are no operations, and what they are.
const NO_OPERATIONS: [(&str, &str); 14] = [
    ("Activation", "a setting of activate, of norms and of layers"),
    ("ConvNorm", "parameters of ConvNormAct, MbConv and Folded"),
    ("DropPath", "a setting of MbConv"),
    ("EmaParam", "an argument of ema_step"),
    ("Error", "what operations return"),
    ("FoldedParts", "arguments of FoldedMbConv"),
    ("Layer", "an argument of sequence_train"),
    ("Padding", "a setting of convolutions"),
    ("Sgd", "the settings of sgd_step"),
    ("SgdParam", "an argument of sgd_step"),
    ("SqueezeExcitation", "parameters of squeeze_excitation"),
    ("by_candle", "the way by which the table's fallback is asked for"),
    ("candle", "the crate of the tensors in all signatures"),
    ("dispatch", "the levels on which the table's kernels run"),
];

/// The last segment of each path after `pub use` and `pub mod`, or its other name.
fn public_names() -> BTreeSet<&'static str> {
    let lines = LIBRARY.split(';').filter_map(|line| {
        let line = line.rsplit("\n\n").next()?.trim();
        line.strip_prefix("pub use ").or_else(|| line.split_once("pub mod ").map(|(_, name)| name))
    });
    let paths = lines.flat_map(|line| match line.split_once('{') {
        Some((_, list)) => list.trim_end_matches('}').split(',').collect::<Vec<_>>(),
        None => vec![line],
    });
    let names = paths.filter_map(|path| path.rsplit("::").next()?.rsplit(" as ").next());
    names.map(str::trim).filter(|name| !name.is_empty()).collect()
}

#[test]
fn every_public_operation_has_a_row() {
    let with_row: BTreeSet<&str> =
        groups().into_iter().flat_map(|(_, cases)| cases).map(|case| case.op).collect();
    let others: BTreeSet<&str> = NO_OPERATIONS.into_iter().map(|(name, _)| name).collect();
    let named: BTreeSet<&str> = with_row.union(&others).copied().collect();
    let public = public_names();
    let without: Vec<_> = public.difference(&named).collect();
    assert!(without.is_empty(), "no row of the table, nor a line in NO_OPERATIONS: {without:?}");
    let gone: Vec<_> = named.difference(&public).collect();
    assert!(gone.is_empty(), "rows or lines of what isn't public: {gone:?}");
    assert!(with_row.is_disjoint(&others));
}

#[test]
fn a_row_has_a_name_of_its_own() {
    let names: Vec<String> =
        groups().into_iter().flat_map(|(_, cases)| cases).map(|case| case.name()).collect();
    let all: BTreeSet<&String> = names.iter().collect();
    assert_eq!(all.len(), names.len(), "{names:#?}");
}
