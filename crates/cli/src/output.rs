//! Results go to stdout or to files; all else goes to stderr.

use std::borrow::Cow;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};

use anstyle::AnsiColor;
use serde::Serialize;

use crate::failure::Failure;
use effmix::files::start_of;
use effmix::shown;

/// A line on stderr: progress, a warning, an error. What a terminal would obey in it is escaped ([`shown`]); `error:` and `warning:` at
/// its beginning have clap's colours, where colours are wanted.
pub(crate) fn tell(line: &str) {
    let line = shown(line);
    for line in wrapped(&line) {
        tell_one(&line);
    }
}

/// The line in pieces of the terminal's width, cut between words; whole for a log.
fn wrapped(line: &str) -> Vec<Cow<'_, str>> {
    let terminal = console::Term::stderr();
    let width = usize::from(terminal.size().1);
    if !terminal.is_term() || console::measure_text_width(line) <= width {
        return vec![Cow::Borrowed(line)];
    }
    let options = textwrap::Options::new(width.max(20)).subsequent_indent("  ").break_words(false);
    textwrap::wrap(line, options)
}

fn tell_one(line: &str) {
    let labels = [("error:", AnsiColor::Red), ("warning:", AnsiColor::Yellow)];
    let label =
        labels.into_iter().find_map(|(label, colour)| Some((label, colour, line.strip_prefix(label)?)));
    let mut out = anstream::stderr();
    // There is nowhere to report that stderr can't be written to.
    let _ = match label {
        None => writeln!(out, "{line}"),
        Some((label, colour, rest)) => {
            let style = colour.on_default().bold();
            writeln!(out, "{style}{label}{style:#}{rest}")
        }
    };
}

/// The line that says what computes.
pub(crate) fn computing_on(device: &str) -> String {
    format!("computing on {device}")
}

/// A result on stdout.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(Failure::stdout)
}

/// A result on stdout as JSON, on several lines for people.
pub(crate) fn print_json(value: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(value).map_err(|e| Failure::Other(format!("JSON: {e}")))?;
    print(&format!("{text}\n"))
}

/// Columns of a line of text on stdout: the terminal's where it is one and narrower than `most`.
pub(crate) fn columns(most: usize) -> usize {
    let terminal = console::Term::stdout();
    if terminal.is_term() { most.min(usize::from(terminal.size().1)) } else { most }
}

/// A name on stdout: as it is for another program, and escaped ([`shown`]) where a terminal would obey it.
pub(crate) fn on_stdout(name: &str) -> Cow<'_, str> {
    if io::stdout().is_terminal() { shown(name) } else { Cow::Borrowed(name) }
}

/// Refuses an output file that exists; with `force`, unless it begins with `ours`, as what this program writes does. Whether this
/// program wrote it can't be known: a file that begins alike is replaced, whoever wrote it, and the help of each `--force` says so.
pub(crate) fn may_write(path: &Path, force: bool, ours: &[u8]) -> Result<(), Failure> {
    may_replace(path, force, || start_of(path, ours.len()) == ours)
}

/// Refuses an output file that exists; with `force`, unless `is_ours`. A symbolic link is there, also where it leads to nothing; with
/// `force` the file that it leads to is replaced, and the link stays.
pub(crate) fn may_replace(path: &Path, force: bool, is_ours: impl FnOnce() -> bool) -> Result<(), Failure> {
    let refused = |remedy: &str| Err(Failure::Other(format!("{} exists already; {remedy}", path.display())));
    let Ok(found) = path.symlink_metadata() else { return Ok(()) };
    if found.is_symlink() && !path.exists() {
        return refused(
            "it is a symbolic link to a file that is not there; choose another file, or remove the link",
        );
    }
    if !force {
        return refused("choose another file, or add --force to replace what an earlier call wrote");
    }
    if is_ours() {
        Ok(())
    } else {
        refused("it is not such a file as this command writes, so --force won't replace it; choose another")
    }
}

/// Refuses outputs of which two, each given by its flag, are one file or folder, also by two names of it.
pub(crate) fn are_apart(outputs: &[(&str, Option<&Path>)]) -> Result<(), Failure> {
    let given: Vec<(&str, &Path)> =
        outputs.iter().filter_map(|(flag, path)| Some((*flag, (*path)?))).collect();
    for (number, (flag, path)) in given.iter().enumerate() {
        if let Some((other, _)) = given[..number].iter().find(|(_, other)| whole(other) == whole(path)) {
            return Err(Failure::Usage(format!(
                "{other} and {flag} are both {}; give each a file of its own",
                path.display()
            )));
        }
    }
    Ok(())
}

/// The path without links and dots, as far as it exists.
fn whole(path: &Path) -> PathBuf {
    if let Ok(whole) = path.canonicalize() {
        return whole;
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match (folder.canonicalize(), path.file_name()) {
        (Ok(folder), Some(name)) => folder.join(name),
        _ => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_names_of_one_file_are_not_apart() {
        let folder = tempfile::tempdir().unwrap();
        let [plain, dotted, other] = ["x", "./x", "y"].map(|name| folder.path().join(name));
        let two =
            |a: &Path, b: &Path| are_apart(&[("--out", Some(a)), ("--cam", None), ("--logits", Some(b))]);
        two(&plain, &other).unwrap();
        let refused = two(&plain, &dotted).unwrap_err().to_string();
        assert!(refused.contains("--out and --logits"), "{refused}");
        two(Path::new("x"), Path::new("./x")).unwrap_err();
        are_apart(&[("--out", None), ("--logits", None)]).unwrap();
        #[cfg(unix)]
        {
            std::fs::write(&plain, "").unwrap();
            std::os::unix::fs::symlink(&plain, &other).unwrap();
            two(&plain, &other).unwrap_err();
        }
    }
}
