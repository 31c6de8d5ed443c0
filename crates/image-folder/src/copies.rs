//! Files with the same bytes.

use std::collections::HashMap;
use std::fs::{self, File};

use rayon::prelude::*;

use crate::{Pixels, Sample};

/// The pairs of a sample of `some` and the first sample of `others` whose file has the same bytes, as indices into
/// both, ascending. Only files of equal length are read. A file that can't be read, and an image in memory, has no copies.
pub fn copies(some: &[Sample], others: &[Sample]) -> Vec<(usize, usize)> {
    let lengths = |samples: &[Sample]| samples.par_iter().map(length).collect::<Vec<Option<u64>>>();
    let (of_some, of_others) = (lengths(some), lengths(others));
    let mut by_length: HashMap<u64, (Vec<usize>, Vec<usize>)> = HashMap::new();
    for (index, length) in of_some.iter().enumerate() {
        length.iter().for_each(|length| by_length.entry(*length).or_default().0.push(index));
    }
    for (index, length) in of_others.iter().enumerate() {
        if let Some((_, same)) = length.and_then(|length| by_length.get_mut(&length)) {
            same.push(index);
        }
    }
    let alike: Vec<(Vec<usize>, Vec<usize>)> =
        by_length.into_values().filter(|(_, same)| !same.is_empty()).collect();
    let mut found: Vec<(usize, usize)> = alike
        .par_iter()
        .flat_map_iter(|(of_some, of_others)| {
            let mut first: HashMap<blake3::Hash, usize> = HashMap::new();
            for &index in of_others {
                if let Some(hash) = hash(&others[index]) {
                    first.entry(hash).or_insert(index);
                }
            }
            of_some.iter().filter_map(move |&index| Some((index, *first.get(&hash(&some[index])?)?)))
        })
        .collect();
    found.sort_unstable();
    found
}

/// The length of the sample's file in bytes; `None` where there is no file.
pub(crate) fn length(sample: &Sample) -> Option<u64> {
    match &sample.source {
        Pixels::File { path, .. } => {
            fs::metadata(path).ok().filter(|about| about.is_file()).map(|about| about.len())
        }
        Pixels::Row { .. } | Pixels::Memory(_) => None,
    }
}

pub(crate) fn hash(sample: &Sample) -> Option<blake3::Hash> {
    let Pixels::File { path, .. } = &sample.source else { return None };
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(File::open(path).ok()?).ok()?;
    Some(hasher.finalize())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "helpers of tests fail like tests")]
mod tests {
    use std::path::Path;

    use super::*;

    fn sample(folder: &Path, name: &str, bytes: Option<&[u8]>) -> Sample {
        let path = folder.join(name);
        bytes.iter().for_each(|bytes| fs::write(&path, bytes).unwrap());
        Sample { path: name.to_owned(), source: Pixels::file(path), label: 0, truth: None }
    }

    #[test]
    fn copies_are_told_by_their_bytes_alone() {
        let folder = tempfile::tempdir().unwrap();
        let make = |name: &str, bytes: &[u8]| sample(folder.path(), name, Some(bytes));
        let some =
            [make("a", b"one"), make("b", b"two"), make("c", b"three"), sample(folder.path(), "gone", None)];
        let others = [make("d", b"owt"), make("e", b"one"), make("f", b"one"), make("g", b"three!")];
        assert_eq!(copies(&some, &others), [(0, 1)]);
        assert_eq!(copies(&others, &some), [(1, 0), (2, 0)]);
        assert!(copies(&some, &[]).is_empty() && copies(&[], &some).is_empty());
    }
}
