//! Decoded images in a file, mapped into memory: the operating system holds as much of it as there is room.
//!
//! The file: a page with a [`Header`], the pixels of the readable images one after the other, then a CSV of
//! the others (`index,reason`). It is written under another name, flushed, and renamed, so that it is whole
//! or not there; when it is opened again every byte is checked, at the speed of reading it.

use std::fs::{self, File};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::UNIX_EPOCH;

use memmap2::Mmap;
use rayon::prelude::*;

use super::Reader;
use super::gather::{self, Reasons};
use crate::{Error, Interpolation, Pixels, Result, Sample, Transform};

/// Changes whenever the same images would give other bytes.
const FORMAT: &[u8; 16] = b"image-folder v1\0";
/// The pixels begin at a page.
const HEADER_LENGTH: usize = 4096;
/// How much is decoded before it is written: large enough for all threads, small beside any memory.
const BLOCK_BYTES: usize = 32 << 20;

/// An open cache file.
#[derive(Debug)]
pub(super) struct CacheFile {
    map: Mmap,
    pixel_bytes: usize,
}

/// What a cache file must be, known before it is opened, and how to tell that it is whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Header {
    key: [u8; 32],
    pixel_bytes: u64,
    skipped_bytes: u64,
    checksum: [u8; 32],
}

impl CacheFile {
    pub(super) fn pixels(&self) -> &[u8] {
        &self.map[HEADER_LENGTH..][..self.pixel_bytes]
    }

    /// Opens the file for these samples; where it is missing or damaged, reads all samples and writes it.
    pub(super) fn open_or_build(
        folder: &Path,
        samples: &[Sample],
        reader: &Reader,
    ) -> Result<(Self, Reasons)> {
        fs::create_dir_all(folder)
            .map_err(|e| Error::io(folder, "making the folder of the image cache", e))?;
        let key = key(samples, reader.transform);
        let path = path(folder, key);
        match Self::open(&path, key, samples.len(), reader.transform.view_length()) {
            Ok((file, reasons)) => {
                reader.tell(samples.len());
                return Ok((file, reasons));
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => tracing::warn!("{}: {error}; it is made anew", path.display()),
        }
        let writing = |error| Error::io(&path, "writing the image cache", error);
        let mut file = tempfile::NamedTempFile::new_in(folder).map_err(writing)?;
        file.write_all(&[0; HEADER_LENGTH]).map_err(writing)?;
        let mut reasons = Reasons::with_capacity(samples.len());
        let mut pixel_bytes = 0;
        for block in samples.chunks((BLOCK_BYTES / reader.transform.view_length()).max(1)) {
            let (pixels, mut block_reasons) = gather::into_memory(block, reader)?;
            file.write_all(&pixels).map_err(writing)?;
            pixel_bytes += pixels.len();
            reasons.append(&mut block_reasons);
        }
        let skipped = skipped_to_csv(&reasons).map_err(writing)?;
        file.write_all(&skipped).map_err(writing)?;
        let mut header = Header {
            key,
            pixel_bytes: pixel_bytes as u64,
            skipped_bytes: skipped.len() as u64,
            checksum: [0; 32],
        };
        let map = map(file.as_file()).map_err(writing)?;
        header.checksum = header.checksum_of(&map);
        drop(map); // Windows renames no mapped file
        file.seek(SeekFrom::Start(0)).map_err(writing)?;
        file.write_all(&header.to_bytes()).map_err(writing)?;
        file.as_file().sync_all().map_err(writing)?;
        if reader.stop.load(Ordering::Relaxed) {
            return Err(Error::Stopped);
        }
        let file = file.persist(&path).map_err(|error| writing(error.error))?;
        Ok((Self { map: map_of(&file, &path)?, pixel_bytes }, reasons))
    }

    fn open(path: &Path, key: [u8; 32], samples: usize, view_length: usize) -> io::Result<(Self, Reasons)> {
        let map = map(&File::open(path)?)?;
        let damaged = |what: &str| io::Error::new(io::ErrorKind::InvalidData, format!("damaged: {what}"));
        let header = map.first_chunk::<HEADER_LENGTH>().and_then(Header::from_bytes);
        let header = header.ok_or_else(|| damaged("it has no header"))?;
        let pixel_bytes = usize::try_from(header.pixel_bytes).unwrap_or(usize::MAX);
        let skipped_bytes = usize::try_from(header.skipped_bytes).unwrap_or(usize::MAX);
        let length = HEADER_LENGTH.checked_add(pixel_bytes).and_then(|sum| sum.checked_add(skipped_bytes));
        if header.key != key || length != Some(map.len()) {
            return Err(damaged("its length is another"));
        }
        if header.checksum_of(&map) != header.checksum {
            return Err(damaged("its checksum is another"));
        }
        let reasons = skipped_from_csv(&map[HEADER_LENGTH + pixel_bytes..], samples)?;
        if reasons.iter().filter(|reason| reason.is_none()).count() * view_length != pixel_bytes {
            return Err(damaged("it has another number of images"));
        }
        Ok((Self { map, pixel_bytes }, reasons))
    }
}

impl Header {
    fn to_bytes(self) -> Vec<u8> {
        let numbers = [self.pixel_bytes.to_le_bytes(), self.skipped_bytes.to_le_bytes()].concat();
        [&FORMAT[..], &self.key, &numbers, &self.checksum].concat()
    }

    fn from_bytes(bytes: &[u8; HEADER_LENGTH]) -> Option<Self> {
        let rest = bytes.strip_prefix(&FORMAT[..])?;
        let (key, rest) = rest.split_first_chunk()?;
        let (pixel_bytes, rest) = rest.split_first_chunk()?;
        let (skipped_bytes, rest) = rest.split_first_chunk()?;
        let (checksum, _) = rest.split_first_chunk()?;
        Some(Self {
            key: *key,
            pixel_bytes: u64::from_le_bytes(*pixel_bytes),
            skipped_bytes: u64::from_le_bytes(*skipped_bytes),
            checksum: *checksum,
        })
    }

    /// Over the header's other fields and all that follows it, in blocks that are hashed in parallel.
    fn checksum_of(&self, file: &[u8]) -> [u8; 32] {
        let fields = Self { checksum: [0; 32], ..*self }.to_bytes();
        let blocks: Vec<[u8; 32]> = file[HEADER_LENGTH..]
            .par_chunks(BLOCK_BYTES)
            .map(|block| *blake3::hash(block).as_bytes())
            .collect();
        let mut hasher = blake3::Hasher::new();
        hasher.update(&fields);
        blocks.iter().for_each(|block| {
            hasher.update(block);
        });
        *hasher.finalize().as_bytes()
    }
}

/// Whether the folder has a file for these samples; whether it is whole is seen when it is opened.
pub(super) fn is_there(folder: &Path, samples: &[Sample], transform: &Transform) -> bool {
    path(folder, key(samples, transform)).is_file()
}

fn path(folder: &Path, key: [u8; 32]) -> PathBuf {
    folder.join(format!("{}.images", &blake3::Hash::from_bytes(key).to_hex()[..32]))
}

/// Stands for the images and what is done to them: paths, sizes and times of change; size and interpolation.
fn key(samples: &[Sample], transform: &Transform) -> [u8; 32] {
    let states: Vec<[u64; 3]> = samples.par_iter().map(state).collect();
    let mut hasher = blake3::Hasher::new();
    hasher.update(FORMAT);
    hasher.update(&(transform.size as u64).to_le_bytes());
    hasher.update(match transform.interpolation {
        Interpolation::Bilinear => b"bilinear",
        Interpolation::Bicubic => b"bicubic ",
    });
    for (sample, state) in samples.iter().zip(states) {
        hasher.update(&(sample.path.len() as u64).to_le_bytes());
        hasher.update(sample.path.as_bytes());
        state.iter().for_each(|number| {
            hasher.update(&number.to_le_bytes());
        });
    }
    *hasher.finalize().as_bytes()
}

/// What changes when an image does: a file's length and time of change, the hash of pixels in memory.
fn state(sample: &Sample) -> [u64; 3] {
    match &sample.source {
        Pixels::File(path) => {
            let Ok(metadata) = fs::metadata(path) else { return [u64::MAX; 3] };
            let changed = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
            let changed = changed.unwrap_or_default();
            [metadata.len(), changed.as_secs(), u64::from(changed.subsec_nanos())]
        }
        Pixels::Memory(image) => {
            let hash = blake3::hash(image.as_raw());
            let (first, _) = hash.as_bytes().split_first_chunk().expect("a hash has 32 bytes");
            [u64::from_le_bytes(*first), u64::from(image.width()), u64::from(image.height())]
        }
    }
}

fn skipped_to_csv(reasons: &Reasons) -> io::Result<Vec<u8>> {
    let mut writer = csv::WriterBuilder::new().has_headers(false).from_writer(Vec::new());
    for (index, reason) in reasons.iter().enumerate() {
        if let Some(reason) = reason {
            writer.write_record([&index.to_string(), reason])?;
        }
    }
    writer.into_inner().map_err(|error| io::Error::other(error.to_string()))
}

fn skipped_from_csv(bytes: &[u8], samples: usize) -> io::Result<Reasons> {
    let mut reasons = vec![None; samples];
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(bytes);
    for row in reader.deserialize() {
        let (index, reason): (usize, String) = row?;
        let place = reasons.get_mut(index).ok_or_else(|| io::Error::other("damaged: no such image"))?;
        *place = Some(reason);
    }
    Ok(reasons)
}

fn map_of(file: &File, path: &Path) -> Result<Mmap> {
    map(file).map_err(|error| Error::io(path, "opening the image cache", error))
}

fn map(file: &File) -> io::Result<Mmap> {
    // SAFETY: a map is sound while nobody changes the file. Cache files have names of their own; this module
    // writes them under a temporary name only, before the map is made or (the header) after the only map was
    // dropped, and replaces them as a whole by renaming, which leaves a mapped file as it was.
    unsafe { Mmap::map(file) }
}
