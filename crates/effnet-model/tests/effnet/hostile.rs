//! Weights files that lie, or would run code: a clear error each, never a panic.

use std::sync::LazyLock;

use proptest::prelude::*;
use zip::CompressionMethod;

use crate::formula;
use crate::pth::{
    Entry, Pickle, Read, WEIGHT, both, legacy, read, safetensors, state_dict, storages, with_header, zipped,
};

fn refused(read: &Read, part: &str) {
    let Err(text) = read else { panic!("read, where {part:?} was to be refused") };
    assert!(text.contains(part) && text.contains("file.pth"), "{part:?}: {text}");
}

/// Both formats of this object, with the storage of `WEIGHT`.
fn refused_in_both(object: &[u8], part: &str) {
    for file in both(object, &storages()[..1]) {
        refused(&read(&file), part);
    }
}

/// Both formats of an object without tensors.
fn refused_without_storages(object: &[u8], part: &str) {
    for file in both(object, &[]) {
        refused(&read(&file), part);
    }
}

fn altered(change: impl FnOnce(&mut Entry)) -> Vec<u8> {
    let mut entry = WEIGHT;
    change(&mut entry);
    state_dict(&[entry])
}

#[test]
fn a_pickle_that_would_run_code_runs_none_and_is_refused_by_name() {
    let asked = [
        ("posix", "system"),
        ("os", "system"),
        ("builtins", "eval"),
        ("torch", "load"),
        ("collections", "deque"),
    ];
    for (module, name) in asked {
        let named = format!("{module}.{name}, and no dictionary of tensors");
        let call = || Pickle::new().global(module, name).text("echo pwned").op(&[0x85]);
        // As a call, and as an object of that name made in each of Python's ways.
        for instruction in [&b"R"[..], &[0x81], b"}\x92"] {
            refused_without_storages(&call().op(instruction).stop(), &format!("an object of {named}"));
        }
        let instance = Pickle::new().op(format!("(X\x01\0\0\0xi{module}\n{name}\n").as_bytes()).stop();
        refused_without_storages(&instance, &format!("an object of {named}"));
        let object = Pickle::new().op(b"(").global(module, name).op(b"o").stop();
        refused_without_storages(&object, &format!("an object of {named}"));
        let built = call().op(b"R}b").stop();
        refused_without_storages(&built, &format!("an object of {named}"));
        // The name alone, and by protocol 4's way to it.
        refused_without_storages(&Pickle::new().global(module, name).stop(), &format!("the name {named}"));
        let object = Pickle::new().text(module).text(name).op(&[0x93]).stop();
        refused_without_storages(&object, &format!("the name {named}"));
    }
}

#[test]
fn instructions_of_no_protocol_are_refused() {
    for opcode in [b'!', b'z', 0x7f, 0x99, 0xff] {
        let object = Pickle::new().op(&[opcode]).stop();
        refused_without_storages(&object, &format!("0x{opcode:02x} is of no pickle protocol"));
    }
}

#[test]
fn names_that_are_known_make_nothing_of_other_arguments() {
    let dict = || Pickle::new().global("collections", "OrderedDict");
    let nothing = "no dictionary of tensors";
    refused_without_storages(&dict().text("x").op(&[0x85]).op(b"R").stop(), nothing);
    refused_without_storages(&Pickle::new().global("torch", "FloatStorage").op(b")R").stop(), nothing);
    refused_without_storages(&Pickle::new().text("x").op(b")R").stop(), nothing);
    refused_without_storages(&Pickle::new().text("x").op(b"}b").stop(), nothing);
    for name in ["_rebuild_tensor_v2", "_rebuild_parameter"] {
        refused_without_storages(&Pickle::new().global("torch._utils", name).op(b")R").stop(), nothing);
    }
    // torch's way to a tensor of another class, inside itself.
    let inside = |p: Pickle| p.global("torch._tensor", "_rebuild_from_type_v2");
    refused_without_storages(&inside(inside(Pickle::new()).op(b"(")).op(b"N)}tR").stop(), nothing);
}

#[test]
fn shapes_that_do_not_fit_are_refused_before_anything_is_allocated() {
    refused_in_both(&altered(|e| e.shape = &[1 << 40, 1 << 20]), "don't fit");
    refused_in_both(&altered(|e| e.shape = &[usize::MAX, usize::MAX]), "don't fit");
    refused_in_both(&altered(|e| e.offset = 2), "don't fit");
    refused_in_both(&altered(|e| e.strides = &[1, 4]), "don't fit");
    refused_in_both(&altered(|e| e.strides = &[1]), "don't fit");
    refused_in_both(&altered(|e| e.strides = &[usize::MAX, 3]), "don't fit");
}

#[test]
fn a_storage_of_another_length_than_described_is_refused() {
    refused_in_both(&altered(|e| e.len = 8), "its description says 8");
    refused_in_both(&altered(|e| e.len = usize::MAX), "its description says");
    let [old, zip] = both(&altered(|e| e.key = "12"), &storages()[..1]);
    refused(&read(&old), "storage \"11\" is of no tensor");
    refused(&read(&zip), "archive/data/12");
    refused_in_both(&altered(|e| e.class = "DoubleStorage"), "file");
    let [old, zip] = both(&altered(|e| e.class = "NoStorage"), &storages()[..1]);
    refused(&read(&old), "storage \"11\" is of no tensor");
    refused(&read(&zip), "no dictionary of tensors");
    let mut lying = storages();
    lying[0].1 = usize::MAX;
    refused(&read(&legacy(&state_dict(&[WEIGHT]), &lying[..1])), "has -1 elements");
}

#[test]
fn one_storage_under_thousands_of_names_is_not_multiplied() {
    let names: Vec<String> = (0..2000).map(|i| i.to_string()).collect();
    let big = vec![0u8; 4 << 18];
    let view = Entry { len: 1 << 18, offset: 0, shape: &[1 << 18], strides: &[1], ..WEIGHT };
    let entries: Vec<Entry> = names.iter().map(|name| Entry { name, ..view }).collect();
    for file in both(&state_dict(&entries), &[("11", 1 << 18, big)]) {
        refused(&read(&file), "larger together than the file");
    }
}

#[test]
fn endless_nesting_and_endless_programs_end() {
    let deep = Pickle::new().op(b")").op(&vec![0x85; 900_000]).stop();
    refused_without_storages(&deep, "no dictionary of tensors");
    let marks = Pickle::new().op(&vec![b'('; 900_000]).stop();
    refused_without_storages(&marks, "stack is empty");
    // A list that is its own item.
    let own = Pickle::new().op(b"]q\x00h\x00a").stop();
    refused_without_storages(&own, "no dictionary of tensors");
    let endless = Pickle::new().op(&vec![b'N'; 3_000_000]).stop();
    refused_without_storages(&endless, "instructions");
}

#[test]
fn broken_machine_states_are_refused() {
    let cases: [(&[u8], &str); 12] = [
        (b"", "file ends"),
        (b".", "stack is empty"),
        (b"t.", "no mark"),
        (b"(0.", "stack is empty"),
        (b"h\x05.", "memo 5"),
        (b"j\xff\xff\xff\xff.", "memo 4294967295"),
        (b"Ns.", "stack is empty"),
        (b"NNNs.", "no dictionary"),
        (b"}(Nu.", "without a value"),
        (b"NNa.", "no list"),
        (b"X\xff\xff\xff\xffabc.", "4294967295 bytes wanted"),
        (b"X\x02\x00\x00\x00\xff\xfe.", "it holds text that is not UTF-8"),
    ];
    for (program, part) in cases {
        let object = Pickle::new().op(program).0;
        refused(&read(&zipped(&object, &[], CompressionMethod::Stored)), part);
    }
    refused_in_both(b"\x80\x07N.", "protocol 7");
}

#[test]
fn every_truncation_is_an_error() {
    for file in VALID.iter() {
        for end in 0..file.len() {
            assert!(read(&file[..end]).is_err(), "the first {end} bytes of {}", file.len());
        }
    }
}

/// The zip's checksums cover pickle and numbers; what they don't cover says nothing of either.
#[test]
fn no_changed_byte_of_a_zip_changes_what_is_read() {
    let file = zipped(&state_dict(&[WEIGHT]), &storages()[..1], CompressionMethod::Stored);
    let values = |read: &Read| read.as_ref().ok().map(|tensors| formula::values(&tensors["weight"]));
    let whole = values(&read(&file));
    assert!(whole.is_some());
    for at in 0..file.len() {
        for change in [0x01, 0x80, 0xff] {
            let mut changed = file.clone();
            changed[at] ^= change;
            let found = values(&read(&changed));
            assert!(found.is_none() || found == whole, "byte {at} of {} by {change:#x}", file.len());
        }
    }
}

#[test]
fn headers_of_safetensors_that_lie_are_refused() {
    let header = |shape: &str, offsets: &str| {
        format!("{{\"weight\":{{\"dtype\":\"F32\",\"shape\":{shape},\"data_offsets\":{offsets}}}}}")
    };
    let lies = [
        ("[4]", "[0,32]"),
        ("[4]", "[0,12]"),
        ("[4]", "[16,0]"),
        ("[4]", "[16,32]"),
        ("[5]", "[0,16]"),
        ("[1099511627776]", "[0,4398046511104]"),
        ("[4294967296,4294967296]", "[0,0]"),
        ("[18446744073709551615]", "[0,18446744073709551615]"),
        ("[99999999999999999999]", "[0,16]"),
        ("[-4]", "[0,16]"),
        ("[1.5]", "[0,16]"),
    ];
    assert!(read(&with_header(&header("[4]", "[0,16]"), &[0; 16])).is_ok());
    for (shape, offsets) in lies {
        let text = read(&with_header(&header(shape, offsets), &[0; 16])).unwrap_err();
        assert!(text.contains("neither safetensors") || text.contains("safetensors, cut off"), "{text}");
    }
    refused(&read(&with_header("[]", &[0; 16])), "neither safetensors");
    let mut long = with_header(&header("[4]", "[0,16]"), &[0; 16]);
    for length in [0u64, 1, 1 << 20, 1 << 40, u64::MAX] {
        long[..8].copy_from_slice(&length.to_le_bytes());
        let text = read(&long).unwrap_err();
        assert!(text.contains("neither safetensors") || text.contains("safetensors, cut off"), "{text}");
    }
}

/// A short file that would fill gigabytes: it says a long thing once, and asks for it again and again.
#[test]
fn what_is_said_once_is_not_multiplied() {
    let long = "x".repeat(100_000);
    let named =
        Pickle::new().text(&long).op(b"q\x00").op(b"(").op(&b"h\x00".repeat(100_000)).op(b"tQ").stop();
    let text = read(&zipped(&named, &[], CompressionMethod::Stored)).unwrap_err();
    assert!(text.contains("no dictionary of tensors") && text.len() < 1_000, "{} bytes", text.len());

    let tensor = Pickle::new().global("torch._utils", "_rebuild_tensor_v2").op(b"q\x01(");
    let sizes =
        tensor.storage("FloatStorage", "11", 7).op(b"K\x00(").op(&b"K\x01".repeat(100_000)).op(b"tq\x02");
    let arguments = sizes.op(b"h\x02\x89)tq\x03");
    refused_in_both(&arguments.op(&b"h\x01h\x03R".repeat(100_000)).stop(), "a tensor of 100000 dimensions");
}

#[test]
fn files_of_other_kinds_are_named_as_such() {
    refused(&read(b""), "empty");
    refused(&read(b"hello, this is no weights file at all"), "neither safetensors");
    refused(&read(&[0xff; 64]), "neither safetensors");
    let no_pickle = zipped(b"", &[], CompressionMethod::Stored);
    let renamed: Vec<u8> = String::from_utf8_lossy(&no_pickle).replace("data.pkl", "data.txt").into_bytes();
    assert!(read(&renamed).is_err());
    let squeezed = zipped(&state_dict(&[WEIGHT]), &storages()[..1], CompressionMethod::Deflated);
    refused(&read(&squeezed), "compressed");
}

#[test]
fn a_flipped_bit_in_a_zip_is_found_by_its_checksum() {
    let mut file = zipped(&state_dict(&[WEIGHT]), &storages()[..1], CompressionMethod::Stored);
    let one = 1f32.to_le_bytes();
    let at = file.windows(4).rposition(|w| w == one).unwrap();
    file[at] ^= 1;
    refused(&read(&file), "tensor \"weight\": its bytes don't have the archive's checksum");
}

/// A valid file of each format.
static VALID: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let mut files = both(&state_dict(&[WEIGHT]), &storages()[..1]).to_vec();
    files.push(safetensors(&[("weight", "F32", &[1, 1], &1f32.to_le_bytes())]));
    files
});

#[test]
fn the_files_to_be_mutated_are_valid() {
    for file in VALID.iter() {
        assert_eq!(read(file).unwrap().len(), 1);
    }
}

/// Instructions that the machine knows, so that random programs get far.
const OPCODES: &[u8] = b"N\x88\x89JKM\x8aGXTU\x8cc\x93})]t\x85\x86\x87QRhj2(01qr\x94suaeb\x95.";

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn random_bytes_never_panic(kind in 0..3usize, bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let start: &[u8] = [&b"PK\x03\x04"[..], b"\x80\x02\x8a\x0a", b""][kind];
        let _ = read(&[start, &bytes].concat());
    }

    #[test]
    fn mutated_files_never_panic(
        file in 0..3usize,
        edits in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        end in any::<prop::sample::Index>(),
        cut in any::<bool>(),
    ) {
        let mut bytes = VALID[file].clone();
        for (at, value) in edits {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        if cut {
            bytes.truncate(end.index(bytes.len()));
        }
        let _ = read(&bytes);
    }

    #[test]
    fn random_programs_never_panic(program in proptest::collection::vec((0..OPCODES.len(), any::<[u8; 2]>()), 0..60)) {
        let start = Pickle::new().global("collections", "OrderedDict").op(b")Rq\x00").storage("FloatStorage", "11", 7);
        let object = program.into_iter().fold(start, |p, (opcode, operand)| p.op(&OPCODES[opcode..=opcode]).op(&operand));
        for file in both(&object.stop(), &storages()[..1]) {
            let _ = read(&file);
        }
    }
}
