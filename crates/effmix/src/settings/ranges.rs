//! The range of each setting that is not a hyperparameter, and which settings go together.

use std::collections::HashSet;
use std::path::Path;

use dividemix::MethodKind;

use super::flags::Settings;
use super::values::{Freeze, StrongView};
use super::weights::Weights;
use crate::{Error, Result};

/// The smallest input that the network's five halvings leave something of.
pub(crate) const SMALLEST_SIZE: usize = 8;

/// The largest input side: B7 is published at 600, L2 at 800.
const LARGEST_SIZE: usize = 1024;

/// A square of 65,536 pixels, the largest side that formats of images have: its pixels are 12 GiB.
const MOST_PIXELS: u64 = 1 << 32;

/// TOML's integers are signed.
const LARGEST_SEED: u64 = i64::MAX as u64;
const LARGEST_COUNT: usize = i64::MAX as usize;

impl Settings {
    /// Checks the range of each value that is not the training's own number; [`dividemix::Hyperparameters::check`] does those.
    pub(crate) fn check_ranges(&self) -> Result<()> {
        let positive = |value: f64| value > 0.0 && value <= 10.0;
        require("--width", self.width, positive, "above 0, at most 10")?;
        require("--depth", self.depth, positive, "above 0, at most 10")?;
        let rate = |value: f64| (0.0..1.0).contains(&value);
        require("--dropout", self.dropout, rate, "at least 0, below 1")?;
        require("--drop-path", self.drop_path, rate, "at least 0, below 1")?;
        require("--stem-stride", self.stem_stride, |stride| matches!(stride, 1 | 2), "1 or 2")?;
        check_size(self.size)?;
        require("--test-fraction", self.test_fraction, |part| (0.0..=0.9).contains(&part), "from 0 to 0.9")?;
        let counts = [
            ("--per-class", self.per_class),
            ("--checkpoint-every", self.checkpoint_every),
            ("--patience", self.patience),
        ];
        for (name, count) in counts {
            require(
                name,
                count,
                |count| (1..=LARGEST_COUNT).contains(&count),
                "from 1 to 9223372036854775807",
            )?;
        }
        let pixels = self.max_pixels;
        require(
            "--max-pixels",
            pixels,
            |pixels| (1..=MOST_PIXELS).contains(&pixels),
            "from 1 to 4294967296",
        )?;
        require("--channels", self.channels, |channels| matches!(channels, 1 | 3 | 4), "1, 3 or 4")?;
        let images = self.report_images;
        require("--report-images", images, |images| images <= LARGEST_COUNT, "at most 9223372036854775807")?;
        require("--threads", self.threads, |threads| (1..=1024).contains(&threads), "from 1 to 1024")?;
        require("--seed", self.seed, |seed| seed <= LARGEST_SEED, "at most 9223372036854775807")?;
        Ok(())
    }

    /// What goes together with features of one's own.
    fn check_features(&self) -> Result<()> {
        let Some(_) = &self.features else {
            let further = [
                ("--features-paths", self.features_paths.is_some()),
                ("--features-test", self.features_test.is_some()),
            ];
            return match further.into_iter().find(|(_, given)| *given) {
                Some((flag, _)) => Err(Error::setting(flag, "goes with --features F.npy, which is missing")),
                None => Ok(()),
            };
        };
        if self.data.is_none() {
            return Err(Error::setting(
                "--features",
                "goes with a folder of images, DATA, which has the labels",
            ));
        }
        let network = [
            ("--weights", self.pretrained().is_some() || self.weights.as_deref() == Some(&[Weights::Auto])),
            ("--freeze", self.freeze == Some(Freeze::None)),
            ("--teacher", self.teacher.is_some()),
        ];
        match network.into_iter().find(|(_, given)| *given) {
            Some((flag, _)) => {
                let problem =
                    "can't be used with --features: a head is trained on them, and no network sees an image";
                Err(Error::setting(flag, problem))
            }
            None => Ok(()),
        }
    }

    /// [`Settings::check_ranges`], and which settings go together.
    pub(super) fn check(&self) -> Result<()> {
        self.check_ranges()?;
        self.check_features()?;
        if self.frozen() && self.pretrained().is_none() && self.features.is_none() {
            let problem = "backbone needs pretrained weights (--weights): a backbone of random numbers has nothing to say".to_owned();
            return Err(Error::setting("--freeze", problem));
        }
        let several = self.weights.as_ref().is_some_and(|weights| weights.len() > 1);
        if several && self.all_pretrained().count() < self.weights.iter().flatten().count() {
            let problem = "auto and none stand alone; name each of the networks whose features are to stand side by side";
            return Err(Error::setting("--weights", problem));
        }
        let names: HashSet<&Path> = self.all_pretrained().collect();
        if names.len() < self.all_pretrained().count() {
            return Err(Error::setting("--weights", "one of them is there twice; give each once"));
        }
        if several && !self.frozen() {
            let problem = "of several --weights the features alone are used, and a head is trained on them: --freeze backbone";
            return Err(Error::setting("--freeze", problem));
        }
        if self.arch.as_ref().is_some_and(|archs| archs.len() > 1) && !several {
            let problem = "is there several times, which is for several --weights; give one";
            return Err(Error::setting("--arch", problem));
        }
        if self.weights_key.is_some() && self.pretrained().is_none() {
            let problem = "names weights in a file; give the file with --weights";
            return Err(Error::setting("--weights-key", problem));
        }
        if self.frozen() && self.backbone_lr.is_some() {
            let problem = "has nothing to set: --freeze backbone keeps the backbone as it is".to_owned();
            return Err(Error::setting("--backbone-lr", problem));
        }
        let strong_view = self.strong_view.unwrap_or(StrongView::None);
        if self.frozen() && strong_view != StrongView::None {
            let problem = "changes images, and --freeze backbone trains on features that are computed once, of each image as it is \
                           and mirrored";
            return Err(Error::setting("--strong-view", problem.to_owned()));
        }
        let distills = match &self.own_method {
            Some(own) => own.needs_teacher(self.strength),
            None => self.method.as_ref().is_some_and(|methods| methods.first() == MethodKind::Distill),
        };
        if distills != self.teacher.is_some() {
            let problem = match distills {
                true => "is missing: --method distill learns from a MODEL for the same classes",
                false => "is for --method distill alone",
            };
            return Err(Error::setting("--teacher", problem.to_owned()));
        }
        if self.data.is_none() {
            let needs_data = [
                ("--labels", self.labels.is_some()),
                ("--reviewed", self.reviewed.is_some()),
                ("--test", self.test.is_some()),
                ("--test-fraction", self.test_fraction.is_some()),
                ("--per-class", self.per_class.is_some()),
                ("--classes", self.classes.is_some()),
                ("--fit", self.fit.is_some()),
                ("--max-pixels", self.max_pixels.is_some()),
            ];
            if let Some((name, _)) = needs_data.iter().find(|(_, given)| *given) {
                let problem = "is about a folder of images, and none was given (DATA)".to_owned();
                return Err(Error::setting(name, problem));
            }
        }
        let needs_labels = [
            ("--path-column", self.path_column.is_some()),
            ("--label-column", self.label_column.is_some() && self.data.is_none()),
            ("--truth-column", self.truth_column.is_some()),
            ("--split-column", self.split_column.is_some()),
        ];
        match needs_labels.iter().find(|(_, given)| *given && self.labels.is_none()) {
            Some((name, _)) => Err(Error::setting(name, "names a column of a CSV; give it with --labels")),
            None => Ok(()),
        }
    }
}

/// Checks the size also where it was not given: weights can bring their own.
pub(super) fn check_size(size: Option<usize>) -> Result<()> {
    let sizes = SMALLEST_SIZE..=LARGEST_SIZE;
    require("--size", size, |size| sizes.contains(&size), "from 8 to 1024")
}

/// Checks a value. One that was not given is right; one outside its range is an error that names the range.
fn require<T: Copy + std::fmt::Display>(
    name: &'static str,
    value: Option<T>,
    allowed: impl Fn(T) -> bool,
    range: &str,
) -> Result<()> {
    match value {
        Some(value) if !allowed(value) => {
            Err(Error::setting(name, format!("{value} is not allowed; it must be {range}")))
        }
        _ => Ok(()),
    }
}
