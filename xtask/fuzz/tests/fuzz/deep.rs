//! Files that are nested, or go on, beyond what any program writes: a reader must not run out of its stack, nor say a thing once and
//! have it a million times.

use effmix_fuzz::{READERS, Reader};

use crate::memory::alone;
use crate::trial::takes;

const DEEP: usize = 100_000;

fn reader(name: &str) -> Reader {
    READERS.into_iter().find(|reader| reader.name == name).unwrap()
}

fn refused(name: &str, file: impl AsRef<[u8]>) {
    let file = file.as_ref();
    let start = file[..file.len().min(60)].escape_ascii().to_string();
    alone(|| assert!(!takes(&reader(name), file), "{name} takes {start}"));
}

#[test]
fn json_is_not_nested_without_end() {
    for name in ["model", "timm_config"] {
        for open in ["[", "{\"a\":", "{\"arch\":", "{\"architecture\":[", "{\"classes\":["] {
            refused(name, open.repeat(DEEP));
        }
        let between = |open: &str, close: &str| format!("{}{}", open.repeat(DEEP), close.repeat(DEEP));
        refused(name, between("[", "]"));
        refused(name, format!("{{\"x\":{},\"architecture\":\"b0\"}}", between("[", "]")));
    }
    let header = "[".repeat(DEEP);
    refused("weights", [&(DEEP as u64).to_le_bytes(), header.as_bytes()].concat());
}

#[test]
fn toml_is_not_nested_without_end() {
    refused("config", format!("classes = {}", "[".repeat(DEEP)));
    refused("config", format!("classes = {}{}", "[".repeat(DEEP), "]".repeat(DEEP)));
    refused("config", format!("data = {}", "{a=".repeat(DEEP)));
    refused("config", format!("a{} = 1", ".a".repeat(DEEP)));
    refused("config", format!("[a{}]", ".a".repeat(DEEP)));
    refused("config", (0..2000).map(|n| format!("[[a{}]]\n", ".a".repeat(n % 60))).collect::<String>());
}

#[test]
fn a_pickle_says_a_thing_as_often_as_it_is_long() {
    let tensor = |shape: &[u8], rest: &[u8]| -> Vec<u8> {
        let storage = b"((X\x07\0\0\0storagectorch\nFloatStorage\nX\x01\0\0\x000X\x03\0\0\0cpuK\x08tQK\0";
        let start = &b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\nq\x00"[..];
        [start, storage, shape, shape, b"\x89)tq\x01", rest, b"."].concat()
    };
    let long = [&b"("[..], &b"K\x01".repeat(DEEP), b"t"].concat();
    refused("pickle", tensor(&long, &b"h\x00h\x01R".repeat(DEEP)));
    refused("pickle", tensor(b"(K\x01K\x01K\x01K\x01K\x01K\x01K\x01K\x01t", &b"h\x00h\x01R".repeat(DEEP)));

    let text = [&b"\x80\x02X\xa0\x86\x01\0"[..], &b"x".repeat(DEEP), b"q\x00"].concat();
    let recalled = b"h\x00".repeat(DEEP);
    for end in [&b"tQ."[..], b"tR.", b"t.", b"l.", b"e."] {
        refused("pickle", [&text[..], b"(", &recalled, end].concat());
    }
    refused("pickle", [&text[..], b"]", &b"h\x00a".repeat(DEEP), b"."].concat());
    refused("pickle", [&text[..], b"}", &b"h\x00h\x00s".repeat(DEEP), b"."].concat());
    for opcode in [b"N", b"(", b"]", b"}", b"2", b"\x94", b")"] {
        refused("pickle", [&b"\x80\x02N"[..], &opcode.repeat(DEEP), b"."].concat());
    }
}

#[test]
fn tables_may_be_long_and_have_as_many_columns_or_rows() {
    refused("labels", ",".repeat(DEEP));
    refused("labels", "\"".repeat(DEEP));
    refused("labels", format!("path,label\n{}", "1,2,3\n".repeat(DEEP)));
    refused("labels", format!("path,label\n{}", "a/../b,cat\n".repeat(DEEP)));
    refused("labels", format!("path,label{}\ncat/1.png,cat\n", ",x".repeat(DEEP)));
    let rows: String = (0..DEEP).map(|row| format!("cat/{row}.png,cat\n")).collect();
    alone(|| assert!(takes(&reader("labels"), format!("path,label\n{rows}dog/3.png,dog\n").as_bytes())));
}
