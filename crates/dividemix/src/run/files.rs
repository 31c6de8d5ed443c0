//! Reading and writing whole files, so that a file of ours is there complete or not at all.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::{Error, Result};

/// A file in the making: under a temporary name beside its own until it is committed. Dropped before that, nothing has
/// changed.
#[derive(Debug)]
pub struct AtomicFile {
    path: PathBuf,
    out: BufWriter<NamedTempFile>,
}

impl AtomicFile {
    /// Begins it.
    ///
    /// # Errors
    /// The disk's, naming `path`.
    pub fn create(path: &Path) -> Result<Self> {
        let mut builder = tempfile::Builder::new();
        builder.prefix(".effmix-");
        as_readable_as_others(&mut builder);
        let temporary = builder.tempfile_in(parent(path)).map_err(Error::io("can't write", path))?;
        Ok(Self { path: path.to_owned(), out: BufWriter::new(temporary) })
    }

    /// To the disk, then under its name.
    ///
    /// # Errors
    /// The disk's, naming the path; then nothing has changed.
    pub fn commit(self) -> Result<()> {
        let Self { path, out } = self;
        let finish = || -> io::Result<()> {
            let temporary = out.into_inner().map_err(io::IntoInnerError::into_error)?;
            temporary.as_file().sync_all()?;
            temporary.persist(&path).map_err(|failed| failed.error)?;
            sync_folder(parent(&path))
        };
        finish().map_err(Error::io("can't write", &path))
    }
}

impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.out.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Writes a file as a whole: to a temporary file beside it, to the disk, then under its name.
///
/// # Errors
/// The disk's, naming `path`; then nothing has changed.
pub fn write_atomic(path: &Path, fill: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<()> {
    let mut file = AtomicFile::create(path)?;
    fill(&mut file).map_err(Error::io("can't write", path))?;
    file.commit()
}

/// A table of f32 in the making, as NumPy's format 1.0 in C order.
#[derive(Debug)]
pub struct NpyFile {
    file: AtomicFile,
    missing: usize,
}

impl NpyFile {
    /// Begins a table of this shape.
    ///
    /// # Errors
    /// The disk's.
    pub fn create(path: &Path, shape: &[usize]) -> Result<Self> {
        let failed = || Error::io("can't write", path);
        let head = npy_head("<f4", NpyOrder::C, shape).map_err(failed())?;
        let mut file = AtomicFile::create(path)?;
        file.write_all(&head).map_err(failed())?;
        Ok(Self { file, missing: shape.iter().product() })
    }

    /// Adds the next values.
    ///
    /// # Errors
    /// The disk's.
    pub fn add(&mut self, values: &[f32]) -> Result<()> {
        self.missing = self.missing.wrapping_sub(values.len());
        let file = &mut self.file;
        let added = values.iter().try_for_each(|value| file.write_all(&value.to_le_bytes()));
        added.map_err(Error::io("can't write", &self.file.path))
    }

    /// To the disk, then under its name.
    ///
    /// # Errors
    /// The disk's; or more or fewer values than the shape says were added.
    pub fn commit(self) -> Result<()> {
        if self.missing != 0 {
            let wrong = io::Error::other("other values than the shape says were added");
            return Err(Error::io("can't write", &self.file.path)(wrong));
        }
        self.file.commit()
    }
}

/// Which values of a table stand beside each other: of a row, or of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NpyOrder {
    C,
    Fortran,
}

/// What stands before the values in NumPy's format 1.0
/// (<https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html>): magic, version, length of the header, which is
/// padded so that the values start at a multiple of 64. `kind` is NumPy's name of the values' type.
pub(crate) fn npy_head(kind: &str, order: NpyOrder, shape: &[usize]) -> io::Result<Vec<u8>> {
    let mut dims = shape.iter().map(|n| format!("{n}, ")).collect::<String>();
    dims.truncate(dims.len() - if shape.len() > 1 { 2 } else { 1 });
    let fortran = if order == NpyOrder::Fortran { "True" } else { "False" };
    let mut header = format!("{{'descr': '{kind}', 'fortran_order': {fortran}, 'shape': ({dims}), }}");
    let padding = (64 - (10 + header.len() + 1) % 64) % 64;
    header.push_str(&" ".repeat(padding));
    header.push('\n');
    let length = u16::try_from(header.len()).map_err(|_| io::Error::other("the shape's text is too long"))?;
    Ok([&b"\x93NUMPY\x01\x00"[..], &length.to_le_bytes(), header.as_bytes()].concat())
}

/// Writes a table of f32 as NumPy's format 1.0, C order.
///
/// # Errors
/// The disk's; or there are more or fewer values than the shape says.
pub fn write_npy(path: &Path, values: &[f32], shape: &[usize]) -> Result<()> {
    let mut file = NpyFile::create(path, shape)?;
    file.add(values)?;
    file.commit()
}

/// Reads what [`write_npy`] writes: a matrix of f32.
///
/// # Errors
/// Names the file if it holds something else.
pub fn read_npy(path: &Path) -> Result<(Vec<f32>, Vec<usize>)> {
    let bytes = fs::read(path).map_err(Error::io("can't read", path))?;
    parse_npy(&bytes).ok_or_else(|| Error::Format {
        path: path.to_owned(),
        problem: "not a NumPy file (format 1.0) of little-endian f32 in C order".to_owned(),
    })
}

fn parse_npy(bytes: &[u8]) -> Option<(Vec<f32>, Vec<usize>)> {
    let rest = bytes.strip_prefix(b"\x93NUMPY\x01\x00")?;
    let (length, rest) = rest.split_first_chunk::<2>()?;
    let (header, values) = rest.split_at_checked(usize::from(u16::from_le_bytes(*length)))?;
    let header = std::str::from_utf8(header).ok()?;
    if !header.contains("'<f4'") || !header.contains("'fortran_order': False") {
        return None;
    }
    let dims = header.split_once('(')?.1.split_once(')')?.0;
    let shape = dims
        .split(',')
        .map(str::trim)
        .filter(|dim| !dim.is_empty())
        .map(|dim| dim.parse().ok())
        .collect::<Option<Vec<usize>>>()?;
    let count = shape.iter().try_fold(1usize, |product, &dim| product.checked_mul(dim))?;
    if count.checked_mul(4)? != values.len() {
        return None;
    }
    let values = values.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
    Some((values, shape))
}

/// Reads a text file, saying which one it was if that fails.
pub(crate) fn read_to_string(path: &Path) -> Result<String> {
    fs::read_to_string(path).map_err(Error::io("can't read", path))
}

/// Makes a folder, if it is not there, and makes sure that files can be made in it.
pub(crate) fn make_writable(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    tempfile::tempfile_in(folder).map(|_| ())
}

/// The folder that a path is in.
pub(crate) fn parent(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// A temporary file is its owner's alone; a result is as readable as what the user creates (the umask decides).
#[cfg(unix)]
fn as_readable_as_others(builder: &mut tempfile::Builder<'_, '_>) {
    use std::os::unix::fs::PermissionsExt;
    builder.permissions(fs::Permissions::from_mode(0o666));
}

#[cfg(not(unix))]
fn as_readable_as_others(_builder: &mut tempfile::Builder<'_, '_>) {}

/// The rename itself is on the disk only when the folder is. Windows can't open folders as files.
fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_matrix_comes_back_from_npy_and_starts_at_a_multiple_of_64() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("m.npy");
        write_npy(&path, &[1.0, -2.5, f32::MIN_POSITIVE, 4.0, 5.0, 6.0], &[2, 3]).unwrap();
        let bytes = fs::read(&path).unwrap();
        assert_eq!((bytes.len() - 24) % 64, 0);
        assert!(bytes.starts_with(
            b"\x93NUMPY\x01\x00v\x00{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }"
        ));
        assert_eq!(read_npy(&path).unwrap(), (vec![1.0, -2.5, f32::MIN_POSITIVE, 4.0, 5.0, 6.0], vec![2, 3]));
    }

    #[test]
    fn a_vector_has_pythons_comma_in_its_shape() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("v.npy");
        write_npy(&path, &[1.0, 2.0], &[2]).unwrap();
        assert!(String::from_utf8_lossy(&fs::read(&path).unwrap()).contains("'shape': (2,), }"));
        assert_eq!(read_npy(&path).unwrap().1, vec![2]);
    }

    #[test]
    fn a_table_may_be_added_to_and_must_be_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("m.npy");
        let mut file = NpyFile::create(&path, &[2, 2]).unwrap();
        file.add(&[1.0, 2.0, 3.0]).unwrap();
        file.add(&[4.0]).unwrap();
        assert!(!path.exists(), "nothing is there before it is whole");
        file.commit().unwrap();
        assert_eq!(read_npy(&path).unwrap(), (vec![1.0, 2.0, 3.0, 4.0], vec![2, 2]));
        for count in [1, 5] {
            let other = folder.path().join("other.npy");
            assert!(write_npy(&other, &vec![0.0; count], &[2, 2]).is_err());
            assert!(!other.exists());
        }
    }

    #[test]
    fn truncated_and_foreign_npy_files_are_errors() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("m.npy");
        write_npy(&path, &[1.0, 2.0], &[1, 2]).unwrap();
        let whole = fs::read(&path).unwrap();
        for length in 0..whole.len() {
            assert!(parse_npy(&whole[..length]).is_none(), "{length} bytes of {} were read", whole.len());
        }
        assert!(parse_npy(b"path,label\n").is_none());
    }

    #[test]
    fn a_failed_write_leaves_the_old_file_and_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f.txt");
        write_atomic(&path, |out| out.write_all(b"old")).unwrap();
        let failed = write_atomic(&path, |out| {
            out.write_all(b"half")?;
            Err(io::Error::other("no space left"))
        });
        let message = failed.unwrap_err().to_string();
        assert!(message.contains("f.txt") && message.contains("no space left"), "{message}");
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
