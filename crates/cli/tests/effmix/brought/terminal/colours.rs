//! Colours, wanted or not.

use super::*;

const RED: &str = "\u{1b}[1m\u{1b}[31merror:\u{1b}[0m";

fn told(variables: &[(&str, &str)], args: &[&str]) -> String {
    let folder = Folder::with_images(2);
    let mut command = folder.effmix(args);
    for name in ["NO_COLOR", "CLICOLOR_FORCE", "CLICOLOR"] {
        command.env_remove(name);
    }
    stderr(&command.envs(variables.iter().copied()).output().unwrap())
}

#[test]
fn without_a_terminal_there_are_none_and_they_can_be_forced_and_forbidden() {
    // clap's own error, one of ours, and a line of the log.
    for args in [&["train", "--method", "x"][..], &["report", "nothing"]] {
        assert!(is_harmless(&told(&[], args)), "{args:?}");
        let forced = told(&[("CLICOLOR_FORCE", "1")], args);
        assert!(forced.starts_with(RED), "{args:?}: {forced:?}");
        assert!(is_harmless(&told(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], args)), "{args:?}");
    }
    let logged = |variables: &[(&str, &str)]| {
        let args = train_args("out");
        told(&[variables, &[("EFFMIX_LOG", "effmix=debug")]].concat(), &args)
    };
    assert!(logged(&[]).contains("DEBUG") && is_harmless(&logged(&[])));
    assert!(logged(&[("CLICOLOR_FORCE", "1")]).contains("\u{1b}["));
    assert!(is_harmless(&logged(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")])));
}
