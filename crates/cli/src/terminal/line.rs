//! Lines that fit into the terminal.

/// Two blanks stand between the parts of a line.
const GAP: &str = "  ";

/// The first of the parts, as many as fit into `width` columns; the first one always, cut off where it alone is too long.
pub(super) fn fitted<'a>(parts: impl IntoIterator<Item = &'a str>, width: usize) -> String {
    let mut line = String::new();
    for part in parts.into_iter().filter(|part| !part.is_empty()) {
        if line.is_empty() {
            line.push_str(part);
            continue;
        }
        if columns(&line) + GAP.len() + columns(part) > width {
            break;
        }
        line.push_str(GAP);
        line.push_str(part);
    }
    console::truncate_str(&line, width, "").into_owned()
}

fn columns(text: &str) -> usize {
    console::measure_text_width(text)
}

/// A bar of `width` columns: `[####>---]`.
pub(super) fn bar(done: usize, total: usize, width: usize) -> String {
    let inside = width.saturating_sub(2).max(1);
    let filled = (inside * done.min(total)).checked_div(total).unwrap_or_default();
    let head = if filled < inside { ">" } else { "" };
    let rest = inside - filled - head.len();
    format!("[{}{head}{}]", "=".repeat(filled), " ".repeat(rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_parts_as_fit_are_shown_and_none_is_cut_in_the_middle() {
        let parts = ["12 s left", "epoch 3/14 train", "", "loss 0.512"];
        assert_eq!(fitted(parts, 80), "12 s left  epoch 3/14 train  loss 0.512");
        assert_eq!(fitted(parts, 39), "12 s left  epoch 3/14 train  loss 0.512");
        assert_eq!(fitted(parts, 38), "12 s left  epoch 3/14 train");
        assert_eq!(fitted(parts, 26), "12 s left");
        assert_eq!(fitted(parts, 4), "12 s");
        assert_eq!(fitted([], 10), "");
        // Two columns each.
        assert_eq!(fitted(["漢字", "漢字"], 9), "漢字");
    }

    #[test]
    fn a_bar_has_its_width_whatever_is_done() {
        assert_eq!(bar(0, 0, 6), "[>   ]");
        assert_eq!(bar(0, 4, 6), "[>   ]");
        assert_eq!(bar(2, 4, 6), "[==> ]");
        assert_eq!(bar(4, 4, 6), "[====]");
        assert_eq!(bar(9, 4, 6), "[====]");
    }
}
