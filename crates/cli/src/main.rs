//! The program `effmix`.
fn main() {}
