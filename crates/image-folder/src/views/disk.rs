//! Decoded images in a file, which is read image by image. The operating system keeps as much of the file in memory as fits. (If the
//! file were mapped, its pages would count as this process's memory.)
//!
//! The file holds a page with a [`Header`], the pixels of the readable images one after the other, and a CSV of
//! the other images (`index,reason`). It is written as a [`Replacement`], so that it is never there in part.
//! When it is opened again, every byte is checked, at the speed of reading it.

use std::fs::{self, File};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::UNIX_EPOCH;

use rayon::prelude::*;
use replace_file::Replacement;

use super::gather::{self, Reasons};
use super::reader::Reader;
use crate::{Channels, Error, Fit, Interpolation, Pixels, Result, Sample, Transform};

/// The format of the file. It changes whenever the same images would give other bytes.
const FORMAT: &[u8; 16] = b"image-folder v1\0";
/// The length of the header: a page, so that the pixels begin at one.
const HEADER_LENGTH: usize = 4096;
/// The number of bytes that are decoded before they are written: enough for all threads, and small in any memory.
const BLOCK_BYTES: usize = 32 << 20;

/// An open cache file.
#[derive(Debug)]
pub(super) struct CacheFile {
    file: File,
    path: PathBuf,
}

/// The facts that identify a cache file, and its checksum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Header {
    key: [u8; 32],
    pixel_bytes: u64,
    skipped_bytes: u64,
    checksum: [u8; 32],
}

impl CacheFile {
    /// The pixels of the readable image with this index; each image has `length` bytes.
    pub(super) fn image(&self, index: usize, length: usize) -> Result<Vec<u8>> {
        let mut pixels = vec![0; length];
        let offset = (HEADER_LENGTH + index * length) as u64;
        read_at(&self.file, &mut pixels, offset)
            .map_err(|error| Error::io(&self.path, "reading the image cache", error))?;
        Ok(pixels)
    }

    /// The file for these samples, and the reasons why some can't be read. Where the file is missing or damaged, all samples are read
    /// and the file is written.
    pub(super) fn open_or_build(
        folder: &Path,
        samples: &[Sample],
        reader: &Reader,
    ) -> Result<(Self, Reasons)> {
        fs::create_dir_all(folder)
            .map_err(|e| Error::io(folder, "making the folder of the image cache", e))?;
        let key = key(samples, reader.transform);
        let path = path(folder, key);
        match Self::open(&path, key, samples.len(), reader.transform.image_length()) {
            Ok((file, reasons)) => {
                reader.tell(samples.len());
                return Ok((file, reasons));
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => tracing::warn!("{}: {error}; it is made anew", path.display()),
        }
        let writing = |error| Error::io(&path, "writing the image cache", error);
        let mut file = Replacement::create(&path).map_err(writing)?;
        file.write_all(&[0; HEADER_LENGTH]).map_err(writing)?;
        let mut reasons = Reasons::with_capacity(samples.len());
        let mut pixel_bytes = 0;
        for block in samples.chunks((BLOCK_BYTES / reader.transform.image_length()).max(1)) {
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
        header.checksum = file.written().and_then(|file| header.checksum_of(file)).map_err(writing)?;
        file.seek(SeekFrom::Start(0)).map_err(writing)?;
        file.write_all(&header.to_bytes()).map_err(writing)?;
        if reader.stop.load(Ordering::Relaxed) {
            return Err(Error::Stopped);
        }
        let file = file.commit().map_err(writing)?;
        Ok((Self { file, path }, reasons))
    }

    fn open(path: &Path, key: [u8; 32], samples: usize, view_length: usize) -> io::Result<(Self, Reasons)> {
        let file = File::open(path)?;
        let length = file.metadata()?.len();
        let damaged = |what: &str| io::Error::new(io::ErrorKind::InvalidData, format!("damaged: {what}"));
        let mut header = [0; HEADER_LENGTH];
        let no_header = |_| damaged("it has no header");
        read_at(&file, &mut header, 0).map_err(no_header)?;
        let header = Header::from_bytes(&header).ok_or_else(|| damaged("it has no header"))?;
        let skipped_at = (HEADER_LENGTH as u64).checked_add(header.pixel_bytes);
        let expected = skipped_at.and_then(|at| at.checked_add(header.skipped_bytes));
        let (Some(skipped_at), true) = (skipped_at, header.key == key && expected == Some(length)) else {
            return Err(damaged("its length is another"));
        };
        if header.checksum_of(&file)? != header.checksum {
            return Err(damaged("its checksum is another"));
        }
        // Not longer than the file, so it can be allocated.
        let mut skipped = vec![0; usize::try_from(header.skipped_bytes).map_err(io::Error::other)?];
        read_at(&file, &mut skipped, skipped_at)?;
        let reasons = skipped_from_csv(&skipped, samples)?;
        let readable = reasons.iter().filter(|reason| reason.is_none()).count();
        if (readable * view_length) as u64 != header.pixel_bytes {
            return Err(damaged("it has another number of images"));
        }
        Ok((Self { file, path: path.to_owned() }, reasons))
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

    /// The checksum over the header's other fields and everything after the header, in blocks that are read and hashed in parallel.
    fn checksum_of(&self, file: &File) -> io::Result<[u8; 32]> {
        let fields = Self { checksum: [0; 32], ..*self }.to_bytes();
        let end = file.metadata()?.len();
        let starts: Vec<u64> = (HEADER_LENGTH as u64..end).step_by(BLOCK_BYTES).collect();
        let hash = |start: &u64| {
            let mut block = vec![0; (end - start).min(BLOCK_BYTES as u64) as usize];
            read_at(file, &mut block, *start)?;
            Ok(*blake3::hash(&block).as_bytes())
        };
        let blocks: Vec<[u8; 32]> = starts.par_iter().map(hash).collect::<io::Result<_>>()?;
        let mut hasher = blake3::Hasher::new();
        hasher.update(&fields);
        blocks.iter().for_each(|block| {
            hasher.update(block);
        });
        Ok(*hasher.finalize().as_bytes())
    }
}

/// Whether the folder has a file for these samples. It is checked when it is opened.
pub(super) fn is_there(folder: &Path, samples: &[Sample], transform: &Transform) -> bool {
    path(folder, key(samples, transform)).is_file()
}

fn path(folder: &Path, key: [u8; 32]) -> PathBuf {
    folder.join(format!("{}.images", &blake3::Hash::from_bytes(key).to_hex()[..32]))
}

/// A hash of the images (paths, sizes and times of change) and of the transform (sizes and interpolation).
fn key(samples: &[Sample], transform: &Transform) -> [u8; 32] {
    let states: Vec<[u64; 3]> = samples.par_iter().map(state).collect();
    let mut hasher = blake3::Hasher::new();
    hasher.update(FORMAT);
    hasher.update(&(transform.size as u64).to_le_bytes());
    hasher.update(&(transform.resized as u64).to_le_bytes());
    hasher.update(match transform.interpolation {
        Interpolation::Bilinear => b"bilinear",
        Interpolation::Bicubic => b"bicubic ",
    });
    match transform.fit {
        Fit::Crop => {}
        Fit::Squeeze => {
            hasher.update(b"squeeze");
        }
        Fit::Pad => {
            hasher.update(b"pad");
            transform.mean.iter().for_each(|mean| {
                hasher.update(&mean.to_le_bytes());
            });
        }
    }
    match transform.channels {
        Channels::Rgb => {}
        Channels::Grey => {
            hasher.update(b"grey");
        }
        Channels::Rgba { mean, .. } => {
            hasher.update(b"rgba");
            if transform.fit == Fit::Pad {
                hasher.update(&mean.to_le_bytes());
            }
        }
    }
    // Which images are too large to be read is in the file, too. A set has one limit.
    if let Some(limits) = samples.first().and_then(|sample| sample.source.limits()) {
        hasher.update(&limits.key());
    }
    for (sample, state) in samples.iter().zip(states) {
        hasher.update(&(sample.path.len() as u64).to_le_bytes());
        hasher.update(sample.path.as_bytes());
        state.iter().for_each(|number| {
            hasher.update(&number.to_le_bytes());
        });
    }
    *hasher.finalize().as_bytes()
}

/// Numbers that change when the image does: a file's length and time of change, or the hash of pixels in memory.
fn state(sample: &Sample) -> [u64; 3] {
    match &sample.source {
        // The row is in the sample's path.
        Pixels::File { .. } | Pixels::Row { .. } => {
            let Some(Ok(metadata)) = sample.source.path().map(fs::metadata) else { return [u64::MAX; 3] };
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

/// Fills `bytes` from the file at `offset`; several threads may read one file.
#[cfg(unix)]
fn read_at(file: &File, bytes: &mut [u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, offset)
}

/// Fills `bytes` from the file at `offset`; several threads may read one file.
#[cfg(windows)]
fn read_at(file: &File, mut bytes: &mut [u8], mut offset: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        match std::os::windows::fs::FileExt::seek_read(file, bytes, offset)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            count => {
                bytes = &mut bytes[count..];
                offset += count as u64;
            }
        }
    }
    Ok(())
}
