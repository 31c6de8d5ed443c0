//! What `-h` shows of each command: a dozen flags at most, those that most calls need, and examples. `--help` shows all.

use clap::Command;

/// A command's short help.
struct Short {
    /// The names of the command and of those above it.
    path: &'static [&'static str],
    /// The arguments that are shown, with a text of their own where the whole one is long; nothing where all are.
    shown: &'static [(&'static str, &'static str)],
    /// Commands, and what they do.
    examples: &'static [(&'static str, &'static str)],
}

/// The commands.
const SHORT: &[Short] = &[
    Short {
        path: &[],
        shown: &[],
        examples: &[
            ("effmix train photos", "find the wrong labels of photos/CLASS/*.jpg"),
            ("effmix predict runs/photos-1 cat.jpg", "classify an image with what was trained"),
            ("effmix help train", "all flags of a command"),
        ],
    },
    Short {
        path: &["train"],
        shown: &[
            ("data", "Folder with one folder of images per class [default: the built-in demo set]"),
            ("labels", "CSV file with the labels, path,label [default: the folders' names]"),
            ("test_fraction", "Share of the images that is held out to measure on [default: 0.1]"),
            ("arch", "Network: b0 to b7, efficientnet_lite0, ... [default: that of the weights, else b0]"),
            ("size", "Side of the network's images, in pixels [default: 160 for a frozen network]"),
            (
                "weights",
                "Where to start: auto, none, a file, a run, imagenet or hf://OWNER/REPO [default: auto]",
            ),
            ("freeze", "What stays as it is: backbone or none [default: backbone, up to 50,000 images]"),
            ("method", "Training method: dividemix, ce, mixup, ... [default: dividemix]"),
            ("budget", "Time limit, as 30m: what is left open is chosen to fit [default: none]"),
            ("epochs", "Number of passes over the data, warm-up included [default: 25; 10 or 20 unfrozen]"),
            ("out", "Run folder to write [default: runs/NAME-1, the next free number]"),
            ("device", "auto, cpu or cuda:N [default: auto]"),
            ("config", "TOML file with any of the flags; flags win"),
        ],
        examples: &[
            ("effmix train", "try it on the built-in demo set, with 40 % wrong labels"),
            ("effmix train photos", "find the wrong labels of photos/CLASS/*.jpg"),
            ("effmix train photos --freeze none --budget 2h", "train the whole network, in two hours"),
        ],
    },
    Short {
        path: &["resume"],
        shown: &[],
        examples: &[
            ("effmix resume runs/photos-1", "go on with an interrupted run"),
            ("effmix resume runs/photos-1 --epochs 40", "make it longer"),
            ("effmix resume runs/photos-1 --device cpu", "go on on another device"),
        ],
    },
    Short {
        path: &["predict"],
        shown: &[
            ("model", "A run folder, a file of weights, imagenet, or hf://OWNER/REPO"),
            ("paths", "Images, and folders of images; - for a list of them on stdin"),
            ("top", ""),
            ("out", ""),
            ("logits", "NumPy file to write the logits to"),
            ("embeddings", "NumPy file to write the global features to"),
            ("cam", "New folder for class activation maps, as PNG"),
            ("tta", ""),
            ("no_resize", "Keep each image at its own size"),
            ("arch", "Architecture of a weights file, where its tensors leave it open"),
            ("batch", ""),
            ("device", "auto, cpu or cuda:N"),
            ("json", ""),
            ("force", "Replace output files that an earlier call wrote"),
        ],
        examples: &[
            ("effmix predict runs/photos-1 cat.jpg", "classify an image"),
            (
                "effmix predict runs/photos-1 new --top 3 --out new.csv",
                "a folder, three classes each, to a file",
            ),
            ("effmix predict imagenet cat.jpg --arch b0 --cam maps", "and draw where the network looks"),
        ],
    },
    Short {
        path: &["evaluate"],
        shown: &[
            ("model", "A run folder, a file of weights, imagenet, or hf://OWNER/REPO"),
            ("data", ""),
            ("labels", "CSV file with the labels, path,label [default: the folders' names]"),
            ("arch", "Architecture of a weights file, where its tensors leave it open"),
            ("size", ""),
            ("batch", ""),
            ("device", "auto, cpu or cuda:N"),
            ("out", "Also write the table of classes and the confusion to a CSV"),
            ("force", "Replace a CSV that an earlier call wrote"),
            ("json", ""),
        ],
        examples: &[
            ("effmix evaluate runs/photos-1 photos", "measure a model on labelled images"),
            ("effmix evaluate runs/photos-1 photos --labels checked.csv", "by the labels of a file"),
            ("effmix evaluate runs/photos-1 photos --out table.csv", "and keep the table of classes"),
        ],
    },
    Short {
        path: &["export"],
        shown: &[],
        examples: &[
            ("effmix export runs/photos-1 --format onnx --out m.onnx", "for any runtime"),
            ("effmix export runs/photos-1 --format timm --out m.safetensors", "weights for timm"),
            ("effmix export w.pth --arch b0 --format safetensors --out m.safetensors", "weights for effmix"),
        ],
    },
    Short {
        path: &["noise"],
        shown: &[],
        examples: &[
            ("effmix noise photos --out noisy.csv --rate 0.4", "40 % of the labels drawn anew"),
            ("effmix noise photos --out noisy.csv --kind pair --rate 0.2", "each class for the next"),
            ("effmix train photos --labels noisy.csv --truth-column true_label", "train on them"),
        ],
    },
    Short {
        path: &["report"],
        shown: &[],
        examples: &[
            ("effmix report runs/photos-1", "write the page of a run anew"),
            ("effmix report runs/photos-1 --report-images 500", "with more images"),
        ],
    },
    Short {
        path: &["compare"],
        shown: &[],
        examples: &[
            ("effmix compare runs/photos-1 runs/photos-2", "two runs side by side"),
            ("effmix compare runs", "all runs of a folder, those that differ by their seed as one group"),
            ("effmix compare runs --out runs.csv", "and keep the table"),
        ],
    },
    Short {
        path: &["bench"],
        shown: &[],
        examples: &[
            ("effmix bench", "how fast B0 trains here"),
            ("effmix bench --arch b3 --mode predict --batch 1", "how fast B3 predicts, image by image"),
            ("effmix bench --images 50000 --epochs 30", "how long such a training would take"),
        ],
    },
    Short {
        path: &["scale"],
        shown: &[],
        examples: &[
            ("effmix scale table", "the members of the family and what they cost"),
            ("effmix scale --phi 1.5", "a network between B1 and B2"),
            ("effmix scale search photos", "the bases that suit your images"),
        ],
    },
    Short {
        path: &["scale", "search"],
        shown: &[
            ("data", "Folder with one folder of images per class [default: the built-in demo set]"),
            ("phi", ""),
            ("candidates", ""),
            ("halvings", ""),
            ("alone", ""),
            ("arch", "Baseline that is scaled [default: b0]"),
            ("size", "Side of the baseline's images, in pixels"),
            ("epochs", "Number of passes over the data of the networks that stay [default: 16]"),
            ("out", "Folder of the search [default: runs/NAME-search]"),
            ("device", "auto, cpu or cuda:N [default: auto]"),
            ("json", ""),
        ],
        examples: &[
            ("effmix scale search photos", "the bases that suit your images"),
            ("effmix scale search photos --candidates 4 --epochs 4", "a quick look"),
            ("effmix scale search photos --out runs/photos-search", "go on with a search that was stopped"),
        ],
    },
    Short {
        path: &["completions"],
        shown: &[],
        examples: &[
            ("effmix completions bash > ~/.local/share/bash-completion/completions/effmix", "bash"),
            ("effmix completions zsh > ~/.zfunc/_effmix", "zsh, with ~/.zfunc in fpath"),
            ("effmix completions fish > ~/.config/fish/completions/effmix.fish", "fish"),
        ],
    },
];

/// The commands with short help of their own.
pub(super) fn with_short_help(command: Command) -> Command {
    SHORT.iter().fold(command, |command, short| at(command, short.path, &|found| short.applied(found)))
}

/// Changes the command at `path`.
fn at(command: Command, path: &[&'static str], change: &dyn Fn(Command) -> Command) -> Command {
    match path.split_first() {
        None => change(command),
        Some((name, below)) => command.mut_subcommand(*name, |found| at(found, below, change)),
    }
}

impl Short {
    fn applied(&self, command: Command) -> Command {
        let full = format!("All flags: effmix {} --help", self.path.join(" "));
        let examples = self.examples();
        let command = command.after_long_help(examples.clone());
        if self.shown.is_empty() {
            return command.after_help(examples);
        }
        let command = command.after_help(format!("{examples}\n\n{full}"));
        command.mut_args(|arg| {
            // A setting's help says its values itself.
            let says_values = arg.get_help().is_some_and(|help| help.to_string().contains("[default: "));
            let arg = arg.hide_possible_values(says_values);
            let arg = if arg.is_positional() { arg.display_order(0) } else { arg };
            match self.shown.iter().find(|(id, _)| arg.get_id() == id) {
                None => {
                    // The manual page has the long help of what the short one leaves out.
                    let whole = arg.get_help().cloned().unwrap_or_default();
                    arg.hide_short_help(true).long_help(whole)
                }
                Some((_, "")) => arg,
                Some((_, short)) => {
                    let whole = arg.get_help().cloned().unwrap_or_default();
                    arg.help(*short).long_help(whole)
                }
            }
        })
    }

    fn examples(&self) -> String {
        let lines = self.examples.iter().map(|(command, does)| format!("  # {does}\n  {command}"));
        format!("Examples:\n{}", lines.collect::<Vec<_>>().join("\n"))
    }
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::*;
    use crate::args::Arguments;

    #[test]
    fn all_that_is_shown_exists() {
        for short in SHORT {
            let mut command = Arguments::command();
            for name in short.path {
                command = command.find_subcommand(name).cloned().unwrap();
            }
            for (id, _) in short.shown {
                assert!(command.get_arguments().any(|arg| arg.get_id() == id), "{:?}: {id}", short.path);
            }
        }
    }

    #[test]
    fn every_example_is_a_command_line() {
        for (line, _) in SHORT.iter().flat_map(|short| short.examples) {
            let words = line.split(" > ").next().unwrap_or_default().split(' ');
            let parsed = Arguments::try_parse_from(words);
            let is_help = |error: &clap::Error| error.kind() == clap::error::ErrorKind::DisplayHelp;
            assert!(parsed.as_ref().err().is_none_or(is_help), "{line}: {parsed:?}");
        }
    }

    #[test]
    fn every_command_has_examples_and_at_most_a_dozen_flags_in_its_short_help() {
        let command = with_short_help(Arguments::command());
        for command in command.get_subcommands().filter(|command| !command.is_hide_set()) {
            let name = command.get_name();
            assert!(command.get_after_help().is_some_and(|text| text.to_string().contains("# ")), "{name}");
            let flags =
                command.get_arguments().filter(|arg| !arg.is_positional() && !arg.is_hide_short_help_set());
            assert!(flags.count() <= 12, "{name}");
        }
    }
}
