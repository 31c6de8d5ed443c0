//! Names as they are shown to people: a file's or a class's name may hold what a terminal obeys.

use std::borrow::Cow;

/// The text with every character escaped that a terminal obeys instead of showing it: control characters (a line end is `\n`, the
/// escape `\u{1b}`), line separators, and the marks that turn the direction of writing. Other text comes back as it is.
///
/// All that is printed for people is made of lines, and no line of ours has such a character: what is escaped came from a name. Files that
/// programs read keep names as they are.
pub fn shown(text: &str) -> Cow<'_, str> {
    if !text.contains(is_obeyed) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match is_obeyed(c) {
            true => safe.extend(c.escape_debug()),
            false => safe.push(c),
        }
    }
    Cow::Owned(safe)
}

/// Control characters (Unicode's Cc), the line and paragraph separators, and the controls of bidirectional text (UAX 9).
fn is_obeyed(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_obeys_is_escaped_and_nothing_else() {
        for (name, expected) in [
            ("a\u{1b}[31mred", "a\\u{1b}[31mred"),
            ("two\nlines\r\t", "two\\nlines\\r\\t"),
            ("gpj.\u{202e}exe", "gpj.\\u{202e}exe"),
            ("\u{9b}31m", "\\u{9b}31m"),
            ("bell\u{7}\u{7f}", "bell\\u{7}\\u{7f}"),
        ] {
            assert_eq!(shown(name), expected);
        }
        for name in ["plain.jpg", "Grün \"ä\" \\n", "עברית", "👨‍👩‍👧.png", "e\u{301}"] {
            assert!(matches!(shown(name), Cow::Borrowed(same) if same == name), "{name}");
        }
    }
}
