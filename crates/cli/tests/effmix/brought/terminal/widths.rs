//! Terminals of several widths.

use std::fs::File;
use std::io::Read;
use std::os::fd::{FromRawFd, OwnedFd};
use std::process::{Command, Stdio};
use std::ptr::null_mut;

use super::*;

/// Both ends of a terminal of so many columns: the one that shows, and the one that a program has.
fn pseudo_terminal(columns: u16) -> (File, OwnedFd) {
    let (mut shows, mut of_program) = (-1, -1);
    let mut size = libc::winsize { ws_row: 40, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
    // SAFETY: the pointers are to live variables, or null where that is allowed.
    let status = unsafe { libc::openpty(&mut shows, &mut of_program, null_mut(), null_mut(), &raw mut size) };
    assert_eq!(status, 0, "{}", std::io::Error::last_os_error());
    // SAFETY: both were just opened, and nobody else has them.
    unsafe { (File::from_raw_fd(shows), OwnedFd::from_raw_fd(of_program)) }
}

/// Runs the program on a terminal of so many columns. Gives each screen that was seen, row by row, with the rows that were too long.
fn screens(folder: &Folder, columns: u16, args: &[&str]) -> Vec<Vec<(String, bool)>> {
    let (mut terminal, side) = pseudo_terminal(columns);
    let end = || Stdio::from(side.try_clone().unwrap());
    let mut command = Command::new(assert_cmd::cargo::cargo_bin("effmix"));
    command.args(args).current_dir(folder.path("")).env("EFFMIX_CACHE", folder.path("cache"));
    command.env("CUDA_VISIBLE_DEVICES", "").env("TERM", "xterm-256color").env_remove("NO_COLOR");
    let mut child = command.stdin(end()).stdout(end()).stderr(end()).spawn().unwrap();
    drop((side, command));
    let mut screen = vt100::Parser::new(40, columns, 0);
    let (mut seen, mut bytes) = (Vec::new(), [0; 4096]);
    // Where the last program has left it, reading fails.
    while let Ok(count @ 1..) = terminal.read(&mut bytes) {
        screen.process(&bytes[..count]);
        let rows = screen.screen().rows(0, columns);
        let wrapped = |row: usize| screen.screen().row_wrapped(row as u16);
        seen.push(rows.enumerate().map(|(row, text)| (text, wrapped(row))).collect());
    }
    assert!(child.wait().unwrap().success(), "{:#?}", seen.last());
    seen
}

/// A run of some seconds.
fn watched(columns: u16) -> Vec<Vec<(String, bool)>> {
    let folder = Folder::with_images(20);
    let more = ["--width", "0.2", "--depth", "0.2", "--size", "32", "--epochs", "4"];
    screens(&folder, columns, &[&train_args("out"), &more[..]].concat())
}

fn fits(columns: u16) {
    let seen = watched(columns);
    let bars: Vec<&(String, bool)> =
        seen.iter().flatten().filter(|(row, _)| row.contains("epoch ") && row.contains(">")).collect();
    assert!(bars.iter().any(|(row, _)| row.contains(" s left  epoch ")), "no time left: {bars:#?}");
    for (row, is_wrapped) in &bars {
        assert!(!is_wrapped, "{row:?}");
        // The time left comes first, and after it what is being done: where the terminal is narrow, the rest goes.
        let first = row.split("  ").next().unwrap();
        assert!(first.ends_with(" left") || first.starts_with("epoch "), "{row:?}");
    }
    let last = seen.last().unwrap();
    assert!(last.iter().all(|(row, _)| !row.contains('>') || row.contains("->")), "a bar is left: {last:#?}");
    let epochs = last.iter().filter(|(row, is_wrapped)| row.starts_with("epoch ") && !is_wrapped);
    assert_eq!(epochs.count(), 4, "{last:#?}");
}

#[test]
fn sixty_columns_are_enough_for_the_bar() {
    fits(60);
}

#[test]
fn eighty_columns_are_enough_for_the_bar() {
    fits(80);
}

#[test]
fn names_among_rows_on_a_terminal_are_shown_escaped() {
    let folder = Folder::with_images(6);
    folder.train("run", &["--method", "ce", "--warmup", "3"]);
    folder.put_image(&format!("odd/{}.png", NAMES[0]), 0, 0);
    let seen = screens(&folder, 100, &["predict", "run", "odd"]);
    let last: String = seen.last().unwrap().iter().map(|(row, _)| format!("{row}\n")).collect();
    assert!(last.contains(&format!("odd/{}.png,", SHOWN[0])), "{last}");
}
