//! The check on crates that are made up.

use super::circles::circles;
use super::modules::Modules;
use std::collections::BTreeMap;

/// The circles of a crate, each as the names of its files.
fn of(files: &[(&str, &str)]) -> Vec<String> {
    let sources: BTreeMap<String, &str> =
        files.iter().map(|(name, text)| (format!("src/{name}"), *text)).collect();
    let sources: BTreeMap<&str, &str> = sources.iter().map(|(path, text)| (path.as_str(), *text)).collect();
    let found = circles(&Modules::read(&sources, "src/lib.rs"));
    found.iter().map(|circle| circle.files.join(" ").replace("src/", "")).collect()
}

#[test]
fn two_files_that_import_each_other_are_a_circle() {
    let a = ("a.rs", "use crate::b::B; pub struct A(B);");
    assert_eq!(
        of(&[("lib.rs", "mod a; mod b;"), a, ("b.rs", "pub struct B(Box<crate::a::A>);")]),
        ["a.rs b.rs"]
    );
    assert!(of(&[("lib.rs", "mod a; mod b;"), a, ("b.rs", "pub struct B;")]).is_empty());
}

#[test]
fn a_circle_is_found_through_a_re_export() {
    let files = [
        ("lib.rs", "mod a; mod low; pub use low::Deep;"),
        ("a.rs", "use crate::Deep; pub fn f(_: Deep) {}"),
        ("low/mod.rs", "mod deep; pub use deep::Deep;"),
        ("low/deep.rs", "pub struct Deep; fn g() { crate::a::f(Deep) }"),
    ];
    assert_eq!(of(&files), ["a.rs low/deep.rs"]);
}

#[test]
fn a_file_of_modules_and_re_exports_is_in_no_circle() {
    let files = [
        ("lib.rs", "mod a; mod b; pub use a::A; pub use b::B;"),
        ("a.rs", "pub struct A;"),
        ("b.rs", "use super::A; pub struct B(A);"),
    ];
    assert!(of(&files).is_empty());
}

#[test]
fn a_parent_and_its_child_may_need_each_other() {
    let files = [
        ("lib.rs", "mod child; pub struct Parent; fn g() { child::f(Parent) }"),
        ("child.rs", "use super::Parent; pub fn f(_: Parent) {}"),
    ];
    assert!(of(&files).is_empty());
}

#[test]
fn a_circle_between_children_is_found_though_their_parent_needs_them() {
    let files = [
        ("lib.rs", "mod open;"),
        ("open/mod.rs", "mod layout; mod scan; pub struct Open; fn f() -> layout::Layout { layout::Layout }"),
        ("open/layout.rs", "use super::{Open, scan::scan}; pub struct Layout; fn f(_: Open) { scan() }"),
        ("open/scan.rs", "use super::layout::Layout; pub fn scan() -> Layout { Layout }"),
    ];
    assert_eq!(of(&files), ["open/layout.rs open/scan.rs"]);
}

#[test]
fn a_circle_of_two_folders_is_found_though_it_passes_a_parent_and_its_child() {
    let files = [
        ("lib.rs", "mod a; mod b;"),
        ("a/mod.rs", "mod low; pub fn a() { low::low() }"),
        ("a/low.rs", "pub fn low() { crate::b::b() }"),
        ("b/mod.rs", "pub mod deep; pub fn b() { deep::deep() }"),
        ("b/deep.rs", "pub fn deep() { crate::a::a() }"),
    ];
    assert_eq!(of(&files), ["a/low.rs a/mod.rs b/deep.rs b/mod.rs"]);
}

#[test]
fn what_only_tests_see_makes_no_circle() {
    let low = "pub struct Low; #[cfg(test)] mod tests { use crate::high::High; }
        #[cfg(test)] use crate::high::High;
        impl Low { #[cfg(test)] fn high<A, B>(&self) -> High { crate::high::High(Low) } }
        #[cfg(all(test, unix))] mod more;";
    let high = ("high.rs", "use crate::low::Low; pub struct High(pub Low);");
    assert!(of(&[("lib.rs", "mod low; mod high;"), ("low.rs", low), high]).is_empty());
}

#[test]
fn arguments_of_macros_are_looked_into() {
    let files = [
        ("lib.rs", "mod a; mod b;"),
        ("a.rs", "pub fn f() { assert!(crate::b::g()) }"),
        ("b.rs", "pub fn g() -> bool { println!(\"{}\", super::a::f()); true }"),
    ];
    assert_eq!(of(&files), ["a.rs b.rs"]);
}

#[test]
fn a_macro_of_a_module_above_is_needed_by_the_file_that_calls_it() {
    let files = [
        ("lib.rs", "mod a; mod b;"),
        ("a/mod.rs", "macro_rules! twice { ($e:expr) => { $crate::b::b($e) } } mod low; pub struct A;"),
        ("a/low.rs", "pub fn low() { twice!(()) }"),
        ("b.rs", "pub fn b(_: ()) { crate::a::low::low() }"),
    ];
    assert_eq!(of(&files), ["a/low.rs a/mod.rs b.rs"]);
}

#[test]
fn globs_renamings_and_modules_in_place_are_followed() {
    let files = [
        ("lib.rs", "mod a; mod b; mod inner { pub use crate::b::B as Renamed; }"),
        ("a.rs", "use crate::inner::*; pub struct A(Renamed);"),
        ("b.rs", "pub struct B; fn f() { use crate::a::{self}; let _ = a::A; }"),
    ];
    assert_eq!(of(&files), ["a.rs b.rs"]);
}

#[test]
fn a_module_and_a_function_of_one_name_are_two_things() {
    let files = [
        ("lib.rs", "mod swish; mod low; pub use swish::swish;"),
        ("swish/mod.rs", "mod cpu; pub fn swish() { cpu::run() } pub struct Op;"),
        ("swish/cpu.rs", "use crate::low::low; pub fn run() { low() }"),
        ("low.rs", "pub fn low() { crate::swish() }"),
    ];
    assert_eq!(of(&files), ["low.rs swish/cpu.rs swish/mod.rs"]);
}

#[test]
fn names_of_variables_methods_and_other_crates_are_no_imports() {
    let files = [
        ("lib.rs", "mod size; pub use size::size; pub fn f(s: &str) -> usize { let size = s.size(); size }"),
        ("size.rs", "pub fn size() { crate::f(::size::size()); } trait T { fn size(&self); }"),
    ];
    assert!(of(&files).is_empty());
}
