//! What the runs of a sweep will take, before anything is written.

use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use super::plan::PlannedRun;
use crate::device::{Attempt, ComputeDevice};
use crate::resources::{Estimate, Timetable};
use crate::run::{Observer, Prepared, Progress};
use crate::settings::Settings;
use crate::{Error, Result};

/// Measures a run of each method, and adds up. Runs one after the other have the time and disk of all, the memory of the largest, and
/// what the cache keeps once. `None` where none of the images that were tried can be read.
///
/// # Errors
/// Whatever a run's start would be refused for; [`Error::InsufficientResources`] for too little disk for all of them.
pub(super) fn estimate(
    left: &[&PlannedRun],
    device: &ComputeDevice,
    settings: &dyn Fn(&PlannedRun) -> Settings,
    test_name: Option<&Path>,
    stop: &AtomicBool,
) -> Result<Option<Estimate>> {
    let quiet = Quiet { stop };
    let mut total: Option<Estimate> = None;
    let mut measured: Vec<&str> = Vec::new();
    for run in left {
        if measured.contains(&run.method.as_str()) {
            continue;
        }
        measured.push(&run.method);
        let settings = settings(run);
        let attempt = Attempt { batch: settings.batch, ..Attempt::default() };
        let prepared = Prepared::new(device, &settings, test_name, Instant::now(), &quiet);
        let prepared = prepared.map_err(|error| of_method(device.explained(error, &attempt), &run.method))?;
        let Some(one) = &prepared.estimate else { return Ok(None) };
        let runs = left.iter().filter(|other| other.method == run.method).count();
        let added = added(total, one, runs);
        if settings.anyway != Some(true) {
            prepared.has_room_for(&added)?;
        }
        total = Some(added);
    }
    Ok(total)
}

/// With so many runs more.
fn added(total: Option<Estimate>, one: &Estimate, runs: usize) -> Estimate {
    let each = one.seconds - one.cached_seconds;
    let so_far = total.unwrap_or(Estimate {
        seconds: 0.0,
        cached_seconds: 0.0,
        timetable: Timetable::default(),
        memory_bytes: None,
        device_memory: None,
        run_bytes: 0,
        cache_bytes: 0,
    });
    let cached_seconds = so_far.cached_seconds.max(one.cached_seconds);
    let larger = |a: &Option<_>| {
        a.is_none_or(|a: crate::DeviceMemory| one.device_memory.is_some_and(|b| b.bytes > a.bytes))
    };
    Estimate {
        seconds: so_far.seconds - so_far.cached_seconds + cached_seconds + each * runs as f64,
        cached_seconds,
        timetable: Timetable::default(),
        memory_bytes: so_far.memory_bytes.max(one.memory_bytes),
        device_memory: if larger(&so_far.device_memory) { one.device_memory } else { so_far.device_memory },
        run_bytes: so_far.run_bytes + one.run_bytes * runs as u64,
        cache_bytes: so_far.cache_bytes.max(one.cache_bytes),
    }
}

/// A wrong setting with the method whose run it is wrong for.
fn of_method(error: Error, method: &str) -> Error {
    match error {
        Error::Setting { name, problem } => {
            Error::Setting { name, problem: format!("{problem} (for the runs by --method {method})") }
        }
        other => other,
    }
}

/// An observer that says nothing: the run itself says it all again.
struct Quiet<'a> {
    stop: &'a AtomicBool,
}

impl Observer for Quiet<'_> {
    fn observe(&self, _: Progress<'_>) {}

    fn stop(&self) -> &AtomicBool {
        self.stop
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_cache_keeps_is_counted_once() {
        let one = Estimate {
            seconds: 110.0,
            cached_seconds: 100.0,
            timetable: Timetable::default(),
            memory_bytes: Some(5),
            device_memory: None,
            run_bytes: 7,
            cache_bytes: 9,
        };
        let three = added(None, &one, 3);
        assert_eq!((three.seconds, three.run_bytes, three.cache_bytes), (130.0, 21, 9));
        let other = Estimate { seconds: 125.0, memory_bytes: Some(8), ..one };
        let all = added(Some(three), &other, 2);
        assert_eq!((all.seconds, all.memory_bytes, all.run_bytes), (180.0, Some(8), 35));
    }
}
