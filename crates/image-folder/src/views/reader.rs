//! The images of a set, read one by one.

use std::borrow::Cow;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use image::RgbImage;

use crate::{Error, Result, Sample, Transform};

/// Reads the images of a set and reports progress.
pub(super) struct Reader<'a> {
    pub(super) transform: &'a Transform,
    pub(super) progress: &'a (dyn Fn(usize, usize) + Sync),
    pub(super) stop: &'a AtomicBool,
    pub(super) done: AtomicUsize,
    pub(super) all: usize,
}

impl Reader<'_> {
    /// Reads a sample and gives its fitted pixels to `take`. Returns the reason where it can't be read.
    pub(super) fn read(&self, sample: &Sample, take: impl FnOnce(&[u8])) -> Result<Option<String>> {
        if self.stop.load(Ordering::Relaxed) {
            return Err(Error::Stopped);
        }
        let reason = read(sample, self.transform).map(|image| take(image.as_raw())).err();
        self.tell(1);
        Ok(reason)
    }

    pub(super) fn tell(&self, count: usize) {
        let done = self.done.fetch_add(count, Ordering::Relaxed) + count;
        (self.progress)(done, self.all);
    }
}

pub(super) fn read<'a>(
    sample: &'a Sample,
    transform: &Transform,
) -> std::result::Result<Cow<'a, RgbImage>, String> {
    Ok(match transform.image_of(sample)? {
        Cow::Borrowed(image) => transform.fit(image),
        Cow::Owned(image) => match transform.fit(&image) {
            Cow::Borrowed(_) => Cow::Owned(image),
            Cow::Owned(fitted) => Cow::Owned(fitted),
        },
    })
}
