//! A command line parsed, and what is said where it can't be.

use std::env::args_os;
use std::process::ExitCode;

use anstream::adapter::strip_str;
use clap::error::{ContextKind, ContextValue};
use clap::{Command, CommandFactory, FromArgMatches};
use effmix::nearest;

use super::Arguments;
use super::short_help::with_short_help;
use crate::failure::WRONG_USAGE;
use crate::output::{print, tell};
use crate::presets;
use effmix::shown;

/// The program's command line, as clap has it.
pub(crate) fn command() -> Command {
    with_short_help(Arguments::command())
}

/// Parses the command line; help, version and wrong usage are printed here, and their exit status comes back.
pub(crate) fn parse() -> Result<Arguments, ExitCode> {
    if presets::are_asked_for(words()) {
        return Err(match print(&presets::table()) {
            Ok(()) => ExitCode::SUCCESS,
            Err(_) => ExitCode::FAILURE,
        });
    }
    let matches = command().try_get_matches();
    matches.and_then(|matches| Arguments::from_arg_matches(&matches)).map_err(|error| {
        let error = with_nearest_command(error);
        let message = || in_plain_words(&error.render().ansi().to_string());
        match error.use_stderr() {
            true if words().any(|word| shown(&word) != word) => {
                escaped(&message(), words()).iter().for_each(|line| tell(line));
            }
            true => anstream::eprint!("{}", message()),
            // Failing to print the help to a closed pipe is no failure.
            false => drop(error.print()),
        }
        ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(WRONG_USAGE))
    })
}

/// clap finds no nearest command for `effmix help COMMAND`.
fn with_nearest_command(mut error: clap::Error) -> clap::Error {
    if let Some(ContextValue::String(typed)) = error.get(ContextKind::InvalidSubcommand)
        && error.get(ContextKind::SuggestedSubcommand).is_none()
        && let Some(near) = nearest(typed, command().get_subcommands().map(Command::get_name))
    {
        let near = ContextValue::Strings(vec![near.to_owned()]);
        error.insert(ContextKind::SuggestedSubcommand, near);
    }
    error
}

/// What std says of a number that it can't parse, and what is said instead.
const OF_NUMBERS: [(&str, &str); 6] = [
    ("invalid digit found in string", "not a whole number from 0 on"),
    ("cannot parse integer from empty string", "a whole number is missing"),
    ("number too large to fit in target type", "the number is too large"),
    ("number too small to fit in target type", "the number is too small"),
    ("invalid float literal", "not a number"),
    ("cannot parse float from empty string", "a number is missing"),
];

/// The message with our words for those of std.
fn in_plain_words(message: &str) -> String {
    let replaced = |message: String, (of_std, ours): (&str, &str)| message.replace(of_std, ours);
    OF_NUMBERS.into_iter().fold(message.to_owned(), replaced)
}

/// The short help, for a call with nothing given.
pub(crate) fn short_help() -> String {
    command().render_help().to_string()
}

/// What was typed, or what a shell made of it.
fn words() -> impl Iterator<Item = String> {
    args_os().map(|word| word.to_string_lossy().into_owned())
}

/// The lines of a message, without its colours, in which the words are shown escaped: a line end in one ends no line.
fn escaped(message: &str, words: impl Iterator<Item = String>) -> Vec<String> {
    let is_odd = |part: &&str| shown(part) != *part;
    let mut message = message.to_owned();
    for word in words {
        // clap names a flag without its value, or the value without its flag.
        let (flag, value) = word.split_once('=').unwrap_or((&word, ""));
        for part in [&word, flag, value].into_iter().filter(is_odd) {
            message = message.replace(part, &shown(part));
        }
    }
    strip_str(&message).to_string().lines().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_of_two_lines_is_shown_in_one() {
        let words = ["train", "--ab\ncd=1", "x\u{1b}[1my"].map(str::to_owned);
        let message = "\u{1b}[31merror:\u{1b}[0m '--ab\ncd' is unknown\n\nUsage: x\u{1b}[1my\n";
        let lines = escaped(message, words.into_iter());
        assert_eq!(lines, ["error: '--ab\\ncd' is unknown", "", "Usage: x\\u{1b}[1my"]);
    }

    #[test]
    fn a_wrong_number_is_spoken_of_in_plain_words() {
        for (words, said) in [
            (["--epochs", "ten"], "not a whole number from 0 on"),
            (["--epochs", ""], "a whole number is missing"),
            (["--epochs", "99999999999999999999999"], "the number is too large"),
            (["--lr", "fast"], "not a number"),
        ] {
            let error = command().try_get_matches_from([&["effmix", "train"][..], &words].concat());
            let message = in_plain_words(&error.unwrap_err().render().to_string());
            assert!(message.contains(said) && !message.contains("literal"), "{message}");
        }
    }

    #[test]
    fn the_command_line_is_sound() {
        command().debug_assert();
    }
}
