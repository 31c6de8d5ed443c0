//! `fuzz/`, which no build of the workspace looks at, keeps up with the readers.

use std::path::Path;

use effmix_fuzz::READERS;

#[test]
fn every_reader_has_its_target() {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz");
    let manifest: toml::Table = std::fs::read_to_string(fuzz.join("Cargo.toml")).unwrap().parse().unwrap();
    let targets = manifest["bin"].as_array().unwrap();
    assert_eq!(targets.len(), READERS.len());
    for reader in READERS {
        let target = targets.iter().find(|target| target["name"].as_str() == Some(reader.name)).unwrap();
        let source = std::fs::read_to_string(fuzz.join(target["path"].as_str().unwrap())).unwrap();
        assert!(source.contains(&format!("effmix_fuzz::{}(", reader.name)), "{source}");
    }
}
