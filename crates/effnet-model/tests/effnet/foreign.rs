//! Files that people have under the names of weights, and that are none: each is named as what it is, with what to do.

use zip::CompressionMethod;

use crate::pth::{WEIGHT, legacy, read, safetensors, state_dict, storages, zipped};

/// What the reader says of these bytes.
fn said(bytes: &[u8]) -> String {
    let text = read(bytes).unwrap_err();
    assert!(text.contains("file.pth: "), "{text}");
    text
}

#[test]
fn text_in_place_of_a_file_is_named_as_what_it_is() {
    let lfs = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 21355344\n";
    let files = [
        (lfs, "a pointer of Git LFS, and not the file of 21355344 bytes", "git lfs pull"),
        ("version https://git-lfs.github.com/spec/v1\n", "a pointer of Git LFS", "git lfs pull"),
        (
            "\u{feff}\n<!DOCTYPE html><html><head><TITLE>Sign in</TITLE>",
            "an HTML page (Sign in)",
            "fetch the file again",
        ),
        ("<html>\n", "an HTML page in place of", "login"),
        ("<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code>", "XML, ", "AccessDenied"),
        ("{\"message\": \"Not Found\"}", "JSON, such as a server's error", "\"Not Found\""),
        ("[]", "JSON", "fetch"),
        ("{\"metadata\": {}, \"weight_map\": {}}", "the index of weights in several files", "one file"),
        ("Not Found\n", "text, neither safetensors nor a .pth", "it begins: Not Found"),
        ("ab", "text, ", "ab"),
    ];
    for (content, what, to_do) in files {
        let text = said(content.as_bytes());
        assert!(text.contains(what) && text.contains(to_do) && text.len() < 400, "{content}: {text}");
    }
    // A letter is cut through where the look at a long file ends.
    let long = said(format!("x{}", "ä".repeat(5000)).as_bytes());
    assert!(long.contains("it begins: xää") && long.len() < 800, "{long}");
    assert!(said(b"\x1b[31mred").contains("neither safetensors"), "control characters are no text");
}

#[test]
fn files_of_other_programs_are_named() {
    let tar = [&[b'x'; 257][..], b"ustar\x0000"].concat();
    let files: [(&[u8], &str); 16] = [
        (b"", "the file is empty"),
        (b"\x1f\x8b\x08\0", "compressed by gzip; unpack it (gunzip)"),
        (b"\xfd7zXZ\0\0", "unxz"),
        (b"BZh91AY", "bunzip2"),
        (b"\x28\xb5\x2f\xfd\0", "unzstd"),
        (b"7z\xbc\xaf\x27\x1c\0", "7-Zip"),
        (b"Rar!\x1a\x07\0", "RAR"),
        (&tar, "a tar archive"),
        (b"\x89HDF\r\n\x1a\n\0", "HDF5, in which Keras and TensorFlow keep weights"),
        (b"\x1c\0\0\0TFL3\0", "a TensorFlow Lite model"),
        (b"\x08\x01\x12\x9a\x03", "a TensorFlow SavedModel"),
        (b"\x08\x08\x12\x07pytorch\x1a\x05", "an ONNX graph"),
        (b"\x08\x08\x12\x06effmix\x1a\x05", "an ONNX graph"),
        (b"\x08\x0a\x3a\xff\xff", "an ONNX graph"),
        (b"\x93NUMPY\x01\0", "a NumPy array"),
        (b"GGUF\x03\0", "a GGUF file"),
    ];
    for (content, what) in files {
        assert!(said(content).contains(what), "{what}: {}", said(content));
    }
    let unknown = said(&[0xff; 64]);
    assert!(unknown.contains("neither safetensors") && unknown.contains("starts otherwise"), "{unknown}");
}

#[test]
fn downloads_that_were_cut_off_are_named_as_that() {
    let object = state_dict(&[WEIGHT]);
    let new = zipped(&object, &storages()[..1], CompressionMethod::Stored);
    for end in [30, new.len() / 2, new.len() - 1] {
        let text = said(&new[..end]);
        assert!(text.contains("the download is not complete"), "{end} of {}: {text}", new.len());
    }
    let old = legacy(&object, &storages()[..1]);
    for end in [10, 60, 200, old.len() - 1] {
        let text = said(&old[..end]);
        assert!(text.contains("the file ends") && text.contains("fetch it again"), "{end}: {text}");
    }
    let tensors = safetensors(&[("weight", "F32", &[2, 2], &[0; 16])]);
    for end in [9, 20, tensors.len() - 16, tensors.len() - 1] {
        let text = said(&tensors[..end]);
        assert!(text.contains("safetensors, cut off") && text.contains("fetch it again"), "{end}: {text}");
    }
}

#[test]
fn a_torch_script_archive_is_named_and_how_to_save_its_weights() {
    let plain = zipped(&state_dict(&[WEIGHT]), &storages()[..1], CompressionMethod::Stored);
    for name in [&b"archive/constants.pkl"[..], b"archive/code/torch.p"] {
        let mut zip = zip::ZipWriter::new_append(std::io::Cursor::new(plain.clone())).unwrap();
        let options = zip::write::SimpleFileOptions::default();
        zip.start_file(std::str::from_utf8(name).unwrap(), options).unwrap();
        let text = said(&zip.finish().unwrap().into_inner());
        assert!(text.contains("a TorchScript archive") && text.contains("torch.jit.load(FILE)"), "{text}");
    }
}

#[test]
fn a_pickle_that_torch_did_not_save_is_named_as_that() {
    let text = said(b"\x80\x04}\x8c\x01aK\x01s.");
    assert!(
        text.contains("a pickle that torch.save didn't write: it holds a dictionary of 1 items"),
        "{text}"
    );
}
