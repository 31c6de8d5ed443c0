//! Every row of the table: by the kernels on every level, by candle's form on the CPU, and by candle's form on a GPU.

use std::collections::BTreeSet;

use candle_core::Device;

use crate::table::check::check_all;
use crate::table::way::Way;
use crate::table::{case::Case, groups};

/// The rows of a group, each way in each type.
fn assert_rows<'a>(cases: impl IntoIterator<Item = &'a Case>, ways: &[Way]) {
    let of_case = |case: &Case| -> Vec<String> {
        check_all(case, ways).iter().filter_map(|checked| checked.failure(case)).collect()
    };
    let failures: Vec<String> = cases.into_iter().flat_map(of_case).collect();
    assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures.join("\n"));
}

fn group(name: &str) -> Vec<Case> {
    groups().into_iter().find(|(group, _)| *group == name).unwrap().1
}

/// By the kernels, on every level. Of the rows whose slow twin takes long, only each operation's first. (`ops --check` takes all:
/// examples/ops.)
fn assert_kernels(name: &str) {
    let (cases, ways) = (group(name), Way::kernels().collect::<Vec<_>>());
    let mut with_long_row = BTreeSet::new();
    assert_rows(cases.iter().filter(|case| !case.is_long() || with_long_row.insert(case.op)), &ways);
}

/// By candle's form on the CPU, where the slow twin gives all that is exact: else candle's form would be held against itself.
fn assert_fallback(name: &str) {
    assert_rows(group(name).iter().filter(|case| case.is_small()), &fallback(Device::Cpu));
}

/// candle's form on a device: the same code for the CPU and for a GPU.
fn fallback(device: Device) -> Vec<Way> {
    vec![Way::Candle(device)]
}

/// A test for each group, so that they run side by side.
macro_rules! groups {
    ($($group:ident),*) => {
        const GROUPS: &[&str] = &[$(stringify!($group)),*];

        mod the_kernels_hold {
            $(#[test] fn $group() { super::assert_kernels(stringify!($group)); })*
        }

        mod the_fallback_holds_on_the_cpu {
            $(#[test] fn $group() { super::assert_fallback(stringify!($group)); })*
        }
    };
}

groups!(convolutions, products, batch_norm, elementwise, squeeze_excitation, block, sequence, folded, steps);

#[test]
fn every_group_has_its_tests() {
    assert_eq!(groups().iter().map(|(name, _)| *name).collect::<Vec<_>>(), GROUPS);
}

/// With `EFFMIX_TEST_DEVICE=cpu` it computes on the CPU, what doesn't take long.
#[test]
fn the_fallback_holds_on_a_gpu() {
    let on_cpu = std::env::var("EFFMIX_TEST_DEVICE").is_ok_and(|device| device == "cpu");
    let Ok(device) = (if on_cpu { Ok(Device::Cpu) } else { Device::new_cuda(0) }) else {
        println!("skipped: needs a GPU");
        return;
    };
    let mut cases: Vec<Case> = GROUPS.iter().flat_map(|name| group(name)).collect();
    cases.retain(|case| !on_cpu || !case.is_long());
    assert_rows(&cases, &fallback(device));
}
