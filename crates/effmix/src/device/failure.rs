//! What a device's error means for a user.

use std::path::Path;

use super::memory::DeviceMemory;
use crate::Error;
use crate::text::human_bytes;

/// How a device failed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(not(any(feature = "cuda", test)), expect(dead_code, reason = "without a device none fails"))]
pub(super) enum Failure {
    /// It has no memory left.
    OutOfMemory,
    /// Anything else, in the driver's words: from here on it answers nothing.
    Lost(String),
}

/// What was tried on a device, for what is said when it fails.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Attempt<'a> {
    /// Images in a batch, where that can be changed.
    pub(crate) batch: Option<usize>,
    /// What the work was estimated to need.
    pub(crate) needed: Option<DeviceMemory>,
    /// The run, once it has a folder, and how many of its epochs are in a checkpoint.
    pub(crate) run: Option<(&'a Path, usize)>,
}

/// candle's error inside of this crate's and the crates' below.
pub(super) fn candle_error(error: &Error) -> Option<&candle_core::Error> {
    use dividemix::Error as Loop;
    match error {
        Error::Tensor(error)
        | Error::Model(effnet_model::Error::Candle(error))
        | Error::Labels(noisy_labels::Error::Tensor(error))
        | Error::Training(Loop::Tensor(error) | Loop::Labels(noisy_labels::Error::Tensor(error))) => {
            Some(error)
        }
        _ => None,
    }
}

/// What is said of a failure, where `free` bytes of the device's memory are left for this process.
pub(super) fn problem(failure: &Failure, free: Option<u64>, attempt: &Attempt<'_>) -> String {
    let go_on = match attempt.run {
        Some((run, 0)) => {
            format!(
                "; no epoch was finished: effmix resume {} begins again, with --device cpu on the CPU",
                run.display()
            )
        }
        Some((run, epochs)) => {
            format!(
                "; effmix resume {} goes on after epoch {epochs}, with --device cpu on the CPU",
                run.display()
            )
        }
        None => String::new(),
    };
    match failure {
        Failure::Lost(text) if go_on.is_empty() => {
            format!("the device failed: {text}; try again, or say --device cpu")
        }
        Failure::Lost(text) => format!("the device failed: {text}{go_on}"),
        Failure::OutOfMemory => {
            let are_free = free.map_or_else(String::new, |free| format!(", {} are there", human_bytes(free)));
            let amounts = attempt.needed.map_or_else(String::new, |needed| {
                format!(" (about {} are needed{are_free})", human_bytes(needed.bytes))
            });
            let fits =
                |batch| attempt.needed.zip(free).and_then(|(needed, free)| needed.largest_batch(batch, free));
            let smaller = match attempt.batch {
                None => String::new(),
                // Half of it would be too small to train on.
                Some(..4) => "use smaller images (--size); or ".to_owned(),
                Some(now) => match fits(now).filter(|fits| *fits < now) {
                    Some(fits) => format!("a --batch of {fits} fits (now {now}); or "),
                    None => format!("a --batch of {} (now {now}) takes about half; or ", now / 2),
                },
            };
            format!(
                "the device has no memory left{amounts}; {smaller}stop other programs that use the GPU (`nvidia-smi` lists them), or say \
                 --device cpu{go_on}"
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn out_of_memory_says_what_was_needed_and_which_batch_to_try() {
        let needed = DeviceMemory::new(640_000_000, 0, 40_000_000, 2_560_000_000);
        let attempt = Attempt { batch: Some(64), needed: Some(needed), run: None };
        let said = problem(&Failure::OutOfMemory, Some(1_100_000_000), &attempt);
        // The networks take 640 MB; 11 images the rest of what is there.
        for part in ["3.2 GB are needed, 1.1 GB are there", "--batch of 11 fits (now 64)", "--device cpu"] {
            assert!(said.contains(part), "{part:?} is not in {said}");
        }
        let said = problem(&Failure::OutOfMemory, None, &attempt);
        assert!(said.contains("--batch of 32 (now 64) takes about half"), "{said}");
        let said = problem(&Failure::OutOfMemory, None, &Attempt { batch: Some(3), ..attempt });
        assert!(said.contains("--size") && !said.contains("--batch"), "{said}");
        let said = problem(&Failure::OutOfMemory, None, &Attempt { batch: None, ..attempt });
        assert!(!said.contains("--size") && !said.contains("--batch"), "{said}");
    }

    #[test]
    fn a_lost_device_says_how_to_go_on() {
        let lost = Failure::Lost("unspecified launch failure".to_owned());
        let said = |epochs: Option<usize>| {
            let run = epochs.map(|epochs| (Path::new("runs/x-1"), epochs));
            problem(&lost, None, &Attempt { run, ..Attempt::default() })
        };
        assert_eq!(
            said(None),
            "the device failed: unspecified launch failure; try again, or say --device cpu"
        );
        let with_a_checkpoint = said(Some(3));
        assert!(
            with_a_checkpoint.contains("effmix resume runs/x-1 goes on after epoch 3"),
            "{with_a_checkpoint}"
        );
        let without = said(Some(0));
        assert!(without.contains("no epoch was finished: effmix resume runs/x-1 begins again"), "{without}");
    }
}
