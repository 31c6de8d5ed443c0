//! Help, completions, manual pages.

use super::*;

/// The lines of flags.
fn flags(help: &str) -> usize {
    help.lines().filter(|line| line.trim_start().starts_with("--")).count()
}

#[test]
fn the_short_one_has_a_dozen_flags_and_three_examples_and_the_long_one_has_all() {
    let folder = Folder::new();
    let (short, long) = (folder.run(&["train", "-h"]), folder.run(&["train", "--help"]));
    assert_eq!(flags(&short), 12, "{short}");
    assert_eq!(short.lines().filter(|line| line.starts_with("  effmix ")).count(), 3, "{short}");
    assert!(short.lines().count() < 60 && short.contains("effmix train --help"), "{short}");
    assert!(flags(&long) > 50 && long.contains("--lambda-u"), "{long}");
    for command in ["predict", "evaluate", "export", "noise", "bench", "scale"] {
        let short = folder.run(&[command, "-h"]);
        assert!(flags(&short) <= 12 && short.contains("Examples:"), "{command}: {short}");
    }
}

#[test]
fn a_command_named_after_help_is_explained() {
    let folder = Folder::new();
    assert_eq!(folder.run(&["help", "train"]), folder.run(&["train", "--help"]));
    assert_eq!(folder.run(&["help", "scale", "search"]), folder.run(&["scale", "search", "--help"]));
    assert!(folder.run(&["help"]).contains("Commands:"));
}

#[test]
fn completions_know_commands_flags_and_values() {
    let folder = Folder::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = folder.run(&["completions", shell]);
        for part in ["evaluate", "lambda-u", "dividemix"] {
            // PowerShell's and elvish's know no values.
            assert!(script.contains(part) || part == "dividemix", "{shell}: {part}");
        }
    }
    assert!(folder.run(&["completions", "bash"]).contains("dividemix"));
}

#[test]
fn manual_pages_are_a_file_a_command_in_a_new_folder() {
    let folder = Folder::new();
    folder.run(&["man", "pages"]);
    for page in ["effmix.1", "effmix-train.1", "effmix-scale-search.1"] {
        let text = String::from_utf8(read(&folder.path("pages").join(page))).unwrap();
        assert!(text.contains(".TH") && text.contains("NAME"), "{page}");
    }
    assert!(folder.fails(1, &["man", "pages"]).contains("not empty"));
}
