//! Files that hold no weights which are read: each is named as what it is, with what to do.

use super::place::shown;

/// Bytes at a file's start that are looked at.
const START: usize = 4096;

/// Where a tar archive has its mark.
const TAR: usize = 257;

/// Beginnings of pickles of protocol 0: dictionaries.
const PICKLES: [&[u8]; 3] = [b"(dp", b"(d.", b"ccollections\n"];

/// What to do with a file that something else was sent for.
const FETCH: &str = "fetch the file again, and look whether that asks for a login";

/// Beginnings of compressed files and archives: what they are, and what unpacks them.
const PACKED: [(&[u8], &str, &str); 7] = [
    (b"\x1f\x8b", "compressed by gzip", "gunzip"),
    (b"\xfd7zXZ\0", "compressed by xz", "unxz"),
    (b"BZh", "compressed by bzip2", "bunzip2"),
    (b"\x28\xb5\x2f\xfd", "compressed by zstd", "unzstd"),
    (b"\x04\x22\x4d\x18", "compressed by lz4", "unlz4"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", "7z x"),
    (b"Rar!\x1a\x07", "a RAR archive", "unrar x"),
];

/// What the file is that begins with these bytes, and what to do, if it is of a kind that is known and not read.
pub(super) fn kind(bytes: &[u8]) -> Option<String> {
    let start = &bytes[..bytes.len().min(START)];
    if start.is_empty() {
        return Some(
            "the file is empty: a download that did not begin, or a disk that was full; fetch it again"
                .to_owned(),
        );
    }
    if let Some((_, what, program)) = PACKED.iter().find(|(begin, ..)| start.starts_with(begin)) {
        return Some(format!("{what}; unpack it ({program}), and give the file inside"));
    }
    if start.get(TAR..).is_some_and(|rest| rest.starts_with(b"ustar")) {
        return Some("a tar archive; unpack it (tar -xf), and give the file inside".to_owned());
    }
    if PICKLES.iter().any(|begin| start.starts_with(begin)) {
        return Some(
            "a pickle that torch.save didn't write; save the weights by torch.save(model.state_dict(), FILE), or as safetensors".to_owned(),
        );
    }
    let of_other_programs = other_format(start).map(str::to_owned);
    of_other_programs.or_else(|| text(start))
}

/// Binary formats of other programs.
fn other_format(start: &[u8]) -> Option<&'static str> {
    if start.starts_with(b"\x89HDF\r\n\x1a\n") {
        return Some(
            "HDF5, in which Keras and TensorFlow keep weights (.h5), which is not read; take the same network's weights for PyTorch, \
             which timm has (hf://timm/tf_efficientnet_b0.in1k, ...)",
        );
    }
    if start.get(4..8) == Some(b"TFL3") {
        return Some(
            "a TensorFlow Lite model, which is not read; take the same network's weights for PyTorch",
        );
    }
    if start.starts_with(b"\x08\x01\x12") {
        return Some(
            "a TensorFlow SavedModel, which is not read; take the same network's weights for PyTorch",
        );
    }
    if is_onnx(start) {
        return Some(
            "an ONNX graph, which is not read: its batch norm may be folded away; give the weights that it was exported from",
        );
    }
    if start.starts_with(b"\x93NUMPY") {
        return Some(
            "a NumPy array, and no network's weights; save them by torch.save(model.state_dict(), FILE)",
        );
    }
    if start.starts_with(b"GGUF") {
        return Some(
            "a GGUF file, which is not read; take the same network's weights as .safetensors or .pth",
        );
    }
    None
}

/// Whether it begins as an ONNX model's protocol buffer: the format's version, then the name of the program that wrote it, or the graph.
fn is_onnx(start: &[u8]) -> bool {
    match start {
        [0x08, 1..=32, 0x12, length @ 1..=64, rest @ ..] => {
            let name = rest.get(..usize::from(*length));
            name.is_some_and(|name| name.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' '))
        }
        [0x08, 1..=32, 0x3a, ..] => true,
        _ => false,
    }
}

/// Text in place of the file.
fn text(start: &[u8]) -> Option<String> {
    // Of a letter that the end cuts through, the part is left out.
    let text = match std::str::from_utf8(start) {
        Ok(text) => text,
        Err(e) if e.error_len().is_none() => std::str::from_utf8(&start[..e.valid_up_to()]).ok()?,
        Err(_) => return None,
    };
    let text = text.trim_start_matches('\u{feff}').trim_start();
    if text.is_empty() || text.contains('\0') {
        return None;
    }
    if text.starts_with("version https://git-lfs.github.com/spec") {
        let size = text.lines().find_map(|line| line.strip_prefix("size ")).map(str::trim);
        let size = size.map_or_else(String::new, |size| format!(" of {} bytes", shown(size)));
        return Some(format!(
            "a pointer of Git LFS, and not the file{size} that it stands for; fetch that: git lfs pull, in the repository's folder"
        ));
    }
    let lower = text.to_ascii_lowercase();
    if ["<!doctype html", "<html", "<head", "<body"].iter().any(|begin| lower.starts_with(begin)) {
        let title = lower.find("<title>").and_then(|at| text.get(at + "<title>".len()..)?.split('<').next());
        let title = title.map_or_else(String::new, |title| format!(" ({})", shown(title.trim())));
        return Some(format!("an HTML page{title} in place of the file that was asked for; {FETCH}"));
    }
    if text.starts_with('<') {
        return Some(format!("XML, such as a server's error: {}; {FETCH}", shown(text.trim_end())));
    }
    if text.starts_with(['{', '[']) {
        return Some(match text.contains("\"weight_map\"") {
            true => "the index of weights in several files; give one file that holds all of them".to_owned(),
            false => format!("JSON, such as a server's error: {}; {FETCH}", shown(text.trim_end())),
        });
    }
    let is_plain = |c: char| !c.is_control() || matches!(c, '\n' | '\r' | '\t');
    text.chars().all(is_plain).then(|| {
        format!("text, neither safetensors nor a .pth file of torch; it begins: {}", shown(text.trim_end()))
    })
}
