//! What the bytes of a file are that is no image of the formats that are read.

/// What the bytes are, in words and with what to do, by their beginning.
pub(super) fn in_words(bytes: &[u8]) -> String {
    const LFS: &[u8] = b"version https://git-lfs";
    if bytes.starts_with(LFS) {
        return "it is a pointer of Git LFS, not the image itself: fetch the images with `git lfs pull`"
            .to_owned();
    }
    // Brands of HEIF that say nothing of its codec, which infer leaves open.
    const HEIF: [&[u8]; 6] = [b"mif1", b"msf1", b"heim", b"heis", b"hevc", b"hevx"];
    let brand = bytes.get(4..12).and_then(|start| start.strip_prefix(b"ftyp"));
    if infer::get(bytes).is_none_or(|kind| kind.matcher_type() != infer::MatcherType::Image)
        && brand.is_some_and(|brand| HEIF.contains(&brand))
    {
        return "it is HEIC (HEIF), which is not read: convert it to JPEG or PNG".to_owned();
    }
    if bytes.starts_with(b"<svg") {
        return "it is SVG, a drawing, which is not read: convert it to PNG".to_owned();
    }
    let Some(kind) = infer::get(bytes) else {
        return "its content is neither JPEG, PNG, WebP, BMP, GIF nor TIFF".to_owned();
    };
    let name = match kind.mime_type() {
        "image/heif" => "HEIC (HEIF)".to_owned(),
        "image/avif" => "AVIF".to_owned(),
        "image/jxl" => "JPEG XL".to_owned(),
        "image/jp2" => "JPEG 2000".to_owned(),
        "image/vnd.adobe.photoshop" => "a Photoshop file (PSD)".to_owned(),
        "text/html" => return "it is a web page (HTML), not an image: the download failed".to_owned(),
        other => format!("{} ({other})", kind.extension().to_uppercase()),
    };
    format!("it is {name}, which is not read: convert it to JPEG or PNG")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_that_are_not_read_are_named_by_their_first_bytes() {
        let heic = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic";
        let avif = b"\0\0\0\x1cftypavif\0\0\0\0avifmif1miaf";
        let jxl = b"\0\0\0\x0cJXL \x0d\x0a\x87\x0a\0\0\0\x14ftypjxl ";
        let naked_jxl = b"\xff\x0a\x7f\x07";
        for (bytes, name) in [
            (&heic[..], "HEIC (HEIF)"),
            (b"\0\0\0\x14ftypmif1\0\0\0\0miaf", "HEIC (HEIF)"),
            (b"\0\0\0\x18ftypmsf1\0\0\0\0msf1hevc", "HEIC (HEIF)"),
            (b"<svg xmlns=", "SVG"),
            (avif, "AVIF"),
            (jxl, "JPEG XL"),
            (naked_jxl, "JPEG XL"),
            (b"8BPS\0\x01", "Photoshop"),
            (b"%PDF-1.4", "PDF (application/pdf)"),
            (b"<!DOCTYPE html><html>", "a web page"),
            (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", "Git LFS"),
            (b"no such thing", "neither JPEG"),
        ] {
            let words = in_words(bytes);
            assert!(words.contains(name), "{words}");
        }
    }
}
