//! Rules for files of every kind.

use crate::repository::{files, none, text_files};

const LARGEST: usize = 512 * 1024;

#[test]
fn no_binary_and_no_large_files() {
    none(
        "binary files other than the documentation's pictures do not belong in the repository",
        files()
            .iter()
            .filter(|f| !(f.path.starts_with("docs/") && f.is(".png")))
            .filter(|f| f.bytes.contains(&0) || std::str::from_utf8(&f.bytes).is_err())
            .map(|f| f.path.clone()),
    );
    none(
        "files of more than 512 KiB do not belong in the repository",
        files().iter().filter(|f| f.bytes.len() > LARGEST).map(|f| f.path.clone()),
    );
}

#[test]
fn no_tabs_trailing_blanks_or_carriage_returns() {
    let breaks = |line: &str| line.contains(['\t', '\r']) || line.ends_with(' ');
    none("tabs, blanks at line ends, carriage returns", text_files().iter().flat_map(|f| f.places(breaks)));
}

/// JSON is written by programs, not all of which end their last line.
#[test]
fn a_file_ends_with_one_line_end() {
    let breaks = |text: &str| !text.is_empty() && (!text.ends_with('\n') || text.ends_with("\n\n"));
    none(
        "no line end, or several, at the end",
        text_files().iter().filter(|f| !f.is(".json") && breaks(f.text())).map(|f| f.path.clone()),
    );
}

/// The project speaks of no machine that it was made on.
#[test]
fn no_paths_of_a_machine() {
    // Put together here, so that this file does not break its own rule.
    let roots = ["work", "root", "home", "tmp", "Users", "farm"].map(|name| format!("/{name}/"));
    let breaks = move |line: &str| {
        roots.iter().any(|root| {
            line.match_indices(root.as_str()).any(|(at, _)| {
                let before = line[..at].chars().next_back();
                before.is_none_or(|c| !(c.is_alphanumeric() || ".-_)}]".contains(c)))
            })
        })
    };
    none("paths of a machine", text_files().iter().flat_map(|f| f.places(&breaks)));
}

/// Where packages come from is the machine's business: a mirror must do as well.
#[test]
fn no_hosts_of_package_registries() {
    let hosts = ["crates", "pypi", "pythonhosted", "npmjs", "pytorch"].map(|name| {
        let domain = if name == "crates" {
            "io"
        } else if name == "npmjs" {
            "com"
        } else {
            "org"
        };
        let sub = match name {
            "crates" => "index.",
            "pytorch" => "download.",
            _ => "",
        };
        format!("{sub}{name}.{domain}")
    });
    let breaks = move |line: &str| hosts.iter().any(|host| line.contains(host.as_str()));
    none("hosts of package registries", text_files().iter().flat_map(|f| f.places(&breaks)));
}

/// Kernels are chosen at run time: a build for one processor would hide that, and break on another.
#[test]
fn no_build_for_this_processor_alone() {
    let flag = concat!("target-cpu", "=native");
    none(flag, text_files().iter().flat_map(|f| f.places(|line| line.contains(flag))));
}
