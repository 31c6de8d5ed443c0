//! Whether a JPEG file is complete.

use memchr::memchr;

/// Whether the file has its end marker, found by walking its segments (ITU T.81, annex B). The end marker of a thumbnail
/// is inside a segment and is skipped.
pub(super) fn jpeg_is_complete(bytes: &[u8]) -> bool {
    const END: u8 = 0xd9;
    let mut at = 2; // after the start marker
    loop {
        // The next marker: 0xff and a code, perhaps with more 0xff before the code.
        let Some(gap) = bytes.get(at..).and_then(|rest| memchr(0xff, rest)) else {
            return false;
        };
        at += gap;
        while bytes.get(at) == Some(&0xff) {
            at += 1;
        }
        let Some(&code) = bytes.get(at) else { return false };
        at += 1;
        match code {
            END => return true,
            // These codes have no segment: a stuffed zero and restart markers are inside a scan.
            0x00 | 0x01 | 0xd0..=0xd8 => {}
            _ => {
                let Some([high, low]) = bytes.get(at..at + 2).and_then(|two| two.first_chunk().copied())
                else {
                    return false;
                };
                at += usize::from(u16::from_be_bytes([high, low])).max(2);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_marker_inside_a_segment_is_no_end() {
        // Start, an APP1 segment of 4 bytes holding an end marker, then nothing.
        let thumbnail = [0xff, 0xd8, 0xff, 0xe1, 0x00, 0x04, 0xff, 0xd9];
        assert!(!jpeg_is_complete(&thumbnail));
        assert!(jpeg_is_complete(&[&thumbnail[..], &[0xff, 0xd9]].concat()));
    }

    #[test]
    fn stuffed_bytes_restarts_and_trailing_bytes_are_fine() {
        let scan = [0xff, 0xd8, 0xff, 0xda, 0x00, 0x02, 1, 0xff, 0x00, 2, 0xff, 0xd0, 3, 0xff, 0xd9, 7, 7];
        assert!(jpeg_is_complete(&scan));
        assert!(!jpeg_is_complete(&scan[..13]));
    }
}
