//! What is wrong in a TOML file, in a line: where, what, and what was perhaps meant.

use crate::nearest::did_you_mean;

/// The error of a file with this text, as `line 3, column 1: unknown key "lamda-u"; did you mean "lambda-u"?`.
pub(super) fn in_a_line(text: &str, error: &toml::de::Error) -> String {
    let place = error.span().map_or_else(String::new, |span| {
        let before = text.get(..span.start).unwrap_or(text);
        let (line, start) = (before.matches('\n').count() + 1, before.rfind('\n').map_or(0, |end| end + 1));
        format!("line {line}, column {}: ", before[start..].chars().count() + 1)
    });
    format!("{place}{}", explained(error.message().trim()))
}

/// serde's messages of names that are unknown, which list all that are known, with the nearest one.
fn explained(message: &str) -> String {
    let named = |start: &str| {
        let (word, expected) = message.strip_prefix(start)?.split_once("`, expected ")?;
        // Between the backticks.
        Some((word, expected.split('`').skip(1).step_by(2).collect::<Vec<_>>()))
    };
    if let Some((word, known)) = named("unknown field `") {
        let meant = match did_you_mean(word, known) {
            none if none.is_empty() => {
                "; the keys are the flags of `effmix train --help`, without the dashes before them".to_owned()
            }
            meant => meant,
        };
        return format!("unknown key {word:?}{meant}");
    }
    match named("unknown variant `") {
        Some((word, known)) => {
            format!(
                "unknown value {word:?}{}; it must be one of {}",
                did_you_mean(word, &known),
                known.join(", ")
            )
        }
        None => message.replace('\n', " "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Settings;

    fn error_of(text: &str) -> String {
        in_a_line(text, &toml::from_str::<Settings>(text).unwrap_err())
    }

    #[test]
    fn an_unknown_key_comes_with_its_place_and_the_nearest_one() {
        assert_eq!(
            error_of("epochs = 3\nlamda-u = 25\n"),
            "line 2, column 1: unknown key \"lamda-u\"; did you mean \"lambda-u\"?"
        );
        assert_eq!(
            error_of("lambda_u = 25\n"),
            "line 1, column 1: unknown key \"lambda_u\"; did you mean \"lambda-u\"?"
        );
        let foreign = error_of("xyzzy = 1\n");
        assert!(
            foreign.contains("unknown key \"xyzzy\"") && foreign.contains("effmix train --help"),
            "{foreign}"
        );
    }

    #[test]
    fn an_unknown_value_comes_with_the_nearest_and_all_that_are_known() {
        let unknown = error_of("method = \"dividmix\"\n");
        assert!(unknown.starts_with("line 1, column 10: unknown value \"dividmix\""), "{unknown}");
        assert!(unknown.contains("did you mean \"dividemix\"?") && unknown.contains("mixup, "), "{unknown}");
    }

    #[test]
    fn other_errors_are_one_line_with_their_place() {
        assert_eq!(
            error_of("# ä\n  epochs = \"many\"\n"),
            "line 2, column 12: invalid type: string \"many\", expected usize"
        );
        let broken = error_of("epochs = \n");
        assert!(broken.starts_with("line 1, column ") && !broken.contains('\n'), "{broken}");
    }
}
