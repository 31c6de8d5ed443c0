//! Images that are there more than once.

use std::collections::{BTreeMap, HashMap};

use rayon::prelude::*;

use crate::copies::{hash, length};
use crate::{Pixels, Sample};

/// What identical images have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Same {
    /// Every byte of their files.
    Bytes,
    /// Every pixel, once they are decoded; their files differ.
    Pixels,
}

/// Images that are one and the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Duplicates {
    /// The images, as ascending indices; two or more.
    pub images: Vec<usize>,
    /// What all of them have in common.
    pub same: Same,
}

/// The images that are there more than once, by the first of each. Only images that are read are looked at, and of these only such that have a length
/// or a fingerprint in common.
///
/// `fingerprints` has a number for each sample that is the same wherever the decoded pixels are, such as
/// [`Views::fingerprints`](crate::Views::fingerprints); images that have it in common are decoded and compared. Without fingerprints, files are compared byte by byte alone.
pub fn duplicates(samples: &[Sample], fingerprints: Option<&[u128]>) -> Vec<Duplicates> {
    // For each sample the first one of the same bytes.
    let by_bytes = first_of_same_bytes(samples);
    let mut first = by_bytes.clone();
    if let Some(fingerprints) = fingerprints {
        unite_same_pixels(samples, fingerprints, &mut first);
    }
    let mut groups: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    first.iter().enumerate().for_each(|(index, first)| groups.entry(*first).or_default().push(index));
    let groups = groups.into_values().filter(|images| images.len() > 1);
    groups
        .map(|images| {
            let same_bytes = images.iter().all(|index| by_bytes[*index] == by_bytes[images[0]]);
            Duplicates { images, same: if same_bytes { Same::Bytes } else { Same::Pixels } }
        })
        .collect()
}

/// For each sample the first one whose file has the same bytes.
fn first_of_same_bytes(samples: &[Sample]) -> Vec<usize> {
    let lengths: Vec<Option<u64>> = samples.par_iter().map(length).collect();
    let mut by_length: HashMap<u64, Vec<usize>> = HashMap::new();
    for (index, length) in lengths.iter().enumerate() {
        length.iter().for_each(|length| by_length.entry(*length).or_default().push(index));
    }
    let alike: Vec<usize> = by_length.into_values().filter(|same| same.len() > 1).flatten().collect();
    let hashes = alike.par_iter().filter_map(|&index| Some((index, hash(&samples[index])?)));
    first_of_same(samples.len(), hashes.collect())
}

/// Makes the first of the same pixels the first of each, where that is another file.
fn unite_same_pixels(samples: &[Sample], fingerprints: &[u128], first: &mut [usize]) {
    let mut by_fingerprint: HashMap<u128, Vec<usize>> = HashMap::new();
    let is_read = |index: &usize| !matches!(samples[*index].source, Pixels::Memory(_));
    // One of each file's content is enough.
    for index in (0..samples.len()).filter(|index| first[*index] == *index).filter(is_read) {
        by_fingerprint.entry(fingerprints[index]).or_default().push(index);
    }
    let alike: Vec<usize> = by_fingerprint.into_values().filter(|same| same.len() > 1).flatten().collect();
    let hashes = alike.par_iter().filter_map(|&index| Some((index, hash_of_pixels(&samples[index])?)));
    let by_pixels = first_of_same(samples.len(), hashes.collect());
    first.iter_mut().for_each(|first| *first = by_pixels[*first]);
}

/// For each of so many the first one of the same hash, which is itself where it has none.
fn first_of_same(count: usize, mut hashes: Vec<(usize, blake3::Hash)>) -> Vec<usize> {
    hashes.sort_unstable_by_key(|(index, _)| *index);
    let mut first: Vec<usize> = (0..count).collect();
    let mut seen: HashMap<blake3::Hash, usize> = HashMap::new();
    hashes.into_iter().for_each(|(index, hash)| first[index] = *seen.entry(hash).or_insert(index));
    first
}

/// A hash of the decoded image; nothing where it can't be read.
fn hash_of_pixels(sample: &Sample) -> Option<blake3::Hash> {
    let image = sample.image().ok()?;
    let mut hasher = blake3::Hasher::new();
    hasher.update(&image.width().to_le_bytes());
    hasher.update(image.as_raw());
    Some(hasher.finalize())
}

/// A number that is the same for the same bytes, and else differs: half of their BLAKE3 hash.
pub fn fingerprint(bytes: &[u8]) -> u128 {
    let hash = blake3::hash(bytes);
    hash.as_bytes().first_chunk().map_or(0, |first| u128::from_le_bytes(*first))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "helpers of tests fail like tests")]
mod tests {
    use std::path::Path;

    use image::{ImageFormat, RgbImage};

    use super::*;

    fn save(folder: &Path, name: &str, grey: u8, format: ImageFormat) -> Sample {
        let path = folder.join(name);
        RgbImage::from_pixel(4, 3, image::Rgb([grey; 3])).save_with_format(&path, format).unwrap();
        Sample { path: name.to_owned(), source: Pixels::file(path), label: 0, truth: None }
    }

    #[test]
    fn duplicates_are_told_by_bytes_and_by_pixels() {
        let folder = tempfile::tempdir().unwrap();
        let save = |name, grey, format| save(folder.path(), name, grey, format);
        let samples = [
            save("a", 1, ImageFormat::Bmp),
            save("b", 2, ImageFormat::Bmp),
            save("c", 1, ImageFormat::Bmp),
            save("d", 2, ImageFormat::Png),
            save("e", 3, ImageFormat::Png),
            save("f", 2, ImageFormat::Bmp),
        ];
        let of = |images: &[usize], same| Duplicates { images: images.to_vec(), same };
        let by_bytes = duplicates(&samples, None);
        assert_eq!(by_bytes, [of(&[0, 2], Same::Bytes), of(&[1, 5], Same::Bytes)]);
        // All have the same fingerprint: pixels decide.
        let by_pixels = duplicates(&samples, Some(&[7; 6]));
        assert_eq!(by_pixels, [of(&[0, 2], Same::Bytes), of(&[1, 3, 5], Same::Pixels)]);
        // Images whose fingerprints differ are not decoded.
        assert_eq!(duplicates(&samples, Some(&[0, 1, 2, 3, 4, 5])), by_bytes);
    }

    #[test]
    fn what_can_t_be_read_and_what_is_no_file_has_no_duplicates() {
        let in_memory = Sample {
            path: "m".to_owned(),
            source: Pixels::Memory(std::sync::Arc::new(RgbImage::new(4, 3))),
            label: 0,
            truth: None,
        };
        let gone = Sample { path: "g".to_owned(), source: Pixels::file("nowhere"), label: 0, truth: None };
        let samples = [in_memory.clone(), in_memory, gone.clone(), gone];
        assert!(duplicates(&samples, Some(&[1; 4])).is_empty());
    }
}
