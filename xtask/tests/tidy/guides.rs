//! Guides show code that is compiled elsewhere.

use crate::repository::root;

#[test]
fn the_guide_to_a_method_of_ones_own_shows_parts_of_its_example() {
    let read = |file: &str| std::fs::read_to_string(root().join(file)).expect(file);
    let squeezed = |text: &str| text.lines().map(str::trim).collect::<Vec<_>>().join("\n");
    let (guide, example) = (read("docs/methods.md"), squeezed(&read("crates/effmix/examples/own_method.rs")));
    let blocks =
        guide.split("```rust\n").skip(1).map(|rest| squeezed(rest.split("```").next().unwrap_or_default()));
    let blocks: Vec<String> = blocks.collect();
    assert_eq!(blocks.len(), 3);
    for block in blocks {
        assert!(example.contains(block.trim()), "not in the example:\n{block}");
    }
}
