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
    /// Images in a batch.
    pub(crate) batch: usize,
    /// What the work was estimated to need.
    pub(crate) needed: Option<DeviceMemory>,
    /// The run, where there is one that can be gone on with.
    pub(crate) run: Option<&'a Path>,
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
    let go_on = |how: &str| match attempt.run {
        Some(run) => format!("; the last checkpoint stands: effmix resume {}{how}", run.display()),
        None => String::new(),
    };
    match failure {
        Failure::Lost(text) => {
            format!(
                "the device failed: {text}{}",
                go_on(" goes on from there (with --device cpu on the CPU)")
            )
        }
        Failure::OutOfMemory => {
            let are_free = free.map_or_else(String::new, |free| format!(" ({} are free)", human_bytes(free)));
            let needed = attempt.needed.map_or_else(String::new, |needed| {
                format!("; the work needs about {}", human_bytes(needed.bytes))
            });
            let fits =
                free.zip(attempt.needed).and_then(|(free, needed)| needed.largest_batch(attempt.batch, free));
            let smaller = match (attempt.batch, fits) {
                (0 | 1, _) => "use smaller images (--size)".to_owned(),
                (now, Some(fits)) if fits < now => format!("a --batch of {fits} fits (now {now})"),
                (now, _) => format!("a --batch of {} (now {now}) takes about half", now / 2),
            };
            format!(
                "no memory is left on the device{are_free}{needed}; {smaller}, or another program has it (nvidia-smi lists them), or say \
                 --device cpu{}",
                go_on(" goes on where more is free")
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn out_of_memory_says_what_was_needed_and_which_batch_to_try() {
        let needed = DeviceMemory::new(640_000_000, 0, 40_000_000, 64);
        let attempt = Attempt { batch: 64, needed: Some(needed), run: None };
        let said = problem(&Failure::OutOfMemory, Some(1_100_000_000), &attempt);
        // The networks take 640 MB; 11 images the rest of what is free.
        for part in ["1.1 GB are free", "3.2 GB", "--batch of 11 fits (now 64)", "--device cpu"] {
            assert!(said.contains(part), "{part:?} is not in {said}");
        }
        let said = problem(&Failure::OutOfMemory, None, &attempt);
        assert!(said.contains("--batch of 32 (now 64) takes about half"), "{said}");
        let said = problem(&Failure::OutOfMemory, None, &Attempt { batch: 1, ..attempt });
        assert!(said.contains("--size") && !said.contains("--batch"), "{said}");
    }

    #[test]
    fn a_lost_device_says_how_to_go_on() {
        let attempt = Attempt { run: Some(Path::new("runs/x-1")), ..Attempt::default() };
        let said = problem(&Failure::Lost("unspecified launch failure".to_owned()), None, &attempt);
        assert!(
            said.contains("unspecified launch failure") && said.contains("effmix resume runs/x-1"),
            "{said}"
        );
        let said = problem(&Failure::Lost("x".to_owned()), None, &Attempt::default());
        assert_eq!(said, "the device failed: x");
    }
}
