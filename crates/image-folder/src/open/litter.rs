//! Folders that other programs keep beside a user's files.

/// Their names: of macOS's archives, Synology's thumbnails, Windows, and of file systems.
const NAMES: [&str; 6] =
    ["__MACOSX", "@eaDir", "$RECYCLE.BIN", "System Volume Information", "lost+found", "__pycache__"];

/// Whether a folder of this name is another program's.
pub(super) fn is_litter(name: &str) -> bool {
    NAMES.iter().any(|litter| litter.eq_ignore_ascii_case(name))
}
