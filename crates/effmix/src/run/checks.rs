//! What is checked before a run takes its time: whether its settings, weights and images can be used.

use std::path::{Path, PathBuf};

use image_folder::{Pixels, Sample};

use super::class_names::{NAMED, first_of};
use super::data_issues::{DATA_ISSUES, DuplicateCounts};
use super::folder::RunFolder;
use super::formats::check_formats;
use super::progress::{Observer, Progress};
use super::start_from::finished_run;
use super::test_copy::TestCopy;
use crate::data::{Data, Sets};
use crate::device::ComputeDevice;
use crate::model::teacher_of;
use crate::settings::Settings;
use crate::weights::content_hash;
use crate::{Error, Result};

/// An accuracy on fewer images than this is warned about.
const FEWEST_HELD_OUT: usize = 50;

/// Number of copies, with both names, that a message lists.
const COPIES_NAMED: usize = 10;

/// Checks the settings before anything is fetched. Where it is still open which pretrained weights are meant, the settings are checked
/// without weights.
pub(super) fn before_fetching(settings: &Settings, data: &Data) -> Result<()> {
    if let (Some(test), true) = (&settings.test, data.folder.test.is_empty()) {
        let problem =
            "none of its images lies in a folder of a class; they are expected as DIR/CLASS/NAME.jpg";
        return Err(Error::Format { path: test.clone(), problem: problem.to_owned() });
    }
    let is_file = |sample: &Sample| matches!(sample.source, Pixels::File { .. });
    check_formats(settings.format.as_deref().unwrap_or_default(), data.folder.train.iter().all(is_file))?;
    if settings.pretrained().is_some() {
        return Ok(());
    }
    Settings { weights: None, freeze: None, ..settings.clone() }.resolve(&data.stats).map(|_| ())
}

/// Checks the other run and the teacher that the settings name, as far as that is possible before images are read.
pub(super) fn other_runs(settings: &Settings, classes: &[String], device: &ComputeDevice) -> Result<()> {
    if let Some(run) = &settings.start_from {
        finished_run(run, classes)?;
    }
    if let Some(teacher) = &settings.teacher {
        teacher_of(teacher, classes, device)?;
    }
    Ok(())
}

/// Makes sure that no input of the run is among the files that `--force` takes away from `out`, by whatever name it is given.
pub(crate) fn inputs_stay(out: &Path, settings: &Settings) -> Result<()> {
    let removed = RunFolder::removed_by_force(out)?;
    let removed: Vec<PathBuf> = removed.iter().filter_map(|file| file.canonicalize().ok()).collect();
    let inputs = [
        ("--labels", settings.labels.as_deref()),
        ("--reviewed", settings.reviewed.as_deref()),
        ("--classes", settings.classes.as_deref()),
        ("--start-from", settings.start_from.as_deref()),
        ("--teacher", settings.teacher.as_deref()),
        ("--features", settings.features.as_deref()),
        ("--features-paths", settings.features_paths.as_deref()),
        ("--features-test", settings.features_test.as_deref()),
    ];
    let weights = settings.all_pretrained().map(|weights| ("--weights", Some(weights)));
    for (flag, input) in inputs.into_iter().chain(weights) {
        // The name of weights on a hub is no path.
        let Some(input) = input.and_then(|input| input.canonicalize().ok()) else { continue };
        if removed.iter().any(|file| file.starts_with(&input)) {
            let out = out.display();
            let problem = format!(
                "is {}, which --force would remove from --out {out}; choose another --out",
                input.display()
            );
            return Err(Error::setting(flag, problem));
        }
    }
    Ok(())
}

/// Makes sure that all weights are those that the run started from, where their hashes were kept.
pub(super) fn same_weights(settings: &Settings, hashes: Option<&str>) -> Result<()> {
    let Some(hashes) = hashes else { return Ok(()) };
    settings.all_pretrained().zip(hashes.split(' ')).try_for_each(|(weights, hash)| is_same(weights, hash))
}

fn is_same(weights: &Path, hash: &str) -> Result<()> {
    let found = content_hash(weights)?;
    if hash == found {
        return Ok(());
    }
    let problem = format!(
        "these are not the weights that the run started from ({found}, and config.toml has {hash}); \
         put the first ones there again, or start a new run"
    );
    Err(Error::Format { path: weights.to_owned(), problem })
}

/// Checks the training images that can be read: there must be two classes, and a class without images is warned about.
pub(super) fn readable(sets: &Sets, classes: &[String], observer: &dyn Observer) -> Result<()> {
    let counts = counts(sets.samples.iter().map(|sample| sample.label), classes);
    let unreadable = || match sets.skipped.first() {
        Some(first) => format!(
            " ({} files were skipped; the first is {}: {})",
            sets.skipped.len(),
            first.path,
            first.reason
        ),
        None => String::new(),
    };
    if counts.iter().filter(|count| **count > 0).count() < 2 {
        return Err(Error::Data(format!(
            "the readable training images are of fewer than two classes{}; a classifier needs two or more",
            unreadable()
        )));
    }
    let missing: Vec<&str> = without_images(&counts, classes).collect();
    match missing[..] {
        [] => {}
        [class] => observer
            .observe(Progress::Warning(&format!("class {class:?} has no training image that can be read"))),
        _ => observer.observe(Progress::Warning(&format!(
            "{} of the {} classes have no training image that can be read: {}",
            missing.len(),
            classes.len(),
            first_of(&missing)
        ))),
    }
    Ok(())
}

/// Warns of what makes an accuracy on the held-out images worth little. The demo's are known.
pub(super) fn held_out(sets: &Sets, classes: &[String], settings: &Settings, observer: &dyn Observer) {
    let warn = |warning: String| observer.observe(Progress::Warning(&warning));
    let images = sets.test_samples.len();
    let none_wanted = settings.test_fraction == Some(0.0) && settings.test.is_none() && images == 0;
    if settings.data.is_none() || none_wanted {
        return;
    }
    if images < FEWEST_HELD_OUT {
        let share = 100.0 / images.max(1) as f64;
        let one = if images == 0 { String::new() } else { format!(" (one of them is {share:.0} %)") };
        let more = match sets.test_is_split_off {
            true => "More can be held out with --test-fraction, or given with --test DIR",
            false => "More can be put into the test set, or given with --test DIR",
        };
        warn(format!("{images} images are held out: an accuracy on so few{one} says little. {more}"));
    }
    let counts = counts(sets.test_samples.iter().map(|sample| sample.label), classes);
    let missing: Vec<&str> = without_images(&counts, classes).collect();
    if images > 0 && !missing.is_empty() {
        let more = if missing.len() > NAMED { " classes" } else { "" };
        warn(format!("no image is held out of {}{more}: the accuracy leaves them out", first_of(&missing)));
    }
    let twice = sets.test_copies.len();
    if twice > 0 {
        let named = TestCopy::all(sets).take(COPIES_NAMED);
        let named = named.map(|copy| format!("{} is {}", copy.path, copy.train_path)).collect::<Vec<_>>();
        let more = match twice.saturating_sub(COPIES_NAMED) {
            0 => String::new(),
            more => format!("; and {more} more, listed in summary.json"),
        };
        warn(format!(
            "{twice} of the {images} held-out images {} as well: the accuracy counts what was learnt by heart ({}{more})",
            if twice == 1 { "is a training image" } else { "are training images" },
            named.join("; "),
        ));
    }
}

/// Says how many labels are taken as sure.
pub(super) fn verified(sets: &Sets, settings: &Settings, observer: &dyn Observer) {
    if let Some(file) = &settings.reviewed {
        let all = sets.samples.iter().chain(&sets.test_samples);
        let count = all.filter(|sample| sets.verified.contains(&sample.path)).count();
        let are = if count == 1 { "label is" } else { "labels are" };
        observer.observe(Progress::Notice(&format!("{count} {are} taken as sure, by {}", file.display())));
    }
}

/// Says which images are there more than once.
pub(super) fn duplicates(sets: &Sets, observer: &dyn Observer) {
    let DuplicateCounts { one_label, two_labels, train_and_test } = DuplicateCounts::of(sets);
    if two_labels > 0 {
        let are = if two_labels == 1 { "image is" } else { "images are" };
        observer.observe(Progress::Warning(&format!(
            "{two_labels} {are} there under two labels, and one of the two is wrong: look at the first rows of label_issues.csv"
        )));
    }
    if one_label > 0 {
        let are = if one_label == 1 { "image is" } else { "images are" };
        let both = if train_and_test > 0 { ", some trained on and held out" } else { "" };
        observer.observe(Progress::Notice(&format!(
            "{one_label} {are} there more than once under the same label{both}: listed in {DATA_ISSUES}"
        )));
    }
}

/// How many images each class has.
fn counts(labels: impl Iterator<Item = usize>, classes: &[String]) -> Vec<usize> {
    let mut counts = vec![0; classes.len()];
    labels.for_each(|label| counts[label] += 1);
    counts
}

fn without_images<'a>(counts: &[usize], classes: &'a [String]) -> impl Iterator<Item = &'a str> {
    classes.iter().zip(counts).filter(|(_, count)| **count == 0).map(|(class, _)| class.as_str())
}
