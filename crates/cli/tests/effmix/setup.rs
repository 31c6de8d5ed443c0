//! A small set of images, and the program to run on it.

use std::path::{Path, PathBuf};
use std::process::Output;

use assert_cmd::Command;
use image::{Rgb, RgbImage};
use tempfile::TempDir;

/// Classes of the set, which are told apart by colour.
pub(crate) const CLASSES: [(&str, [u8; 3]); 3] =
    [("blue", [30, 40, 210]), ("green", [30, 200, 40]), ("red", [210, 40, 30])];

/// Side of the images.
const SIDE: u32 = 12;

/// A folder that is gone when the test ends.
pub(crate) struct Folder(TempDir);

impl Folder {
    /// An empty one.
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// With `data/CLASS/NN.png`: `each` images a class.
    pub(crate) fn with_images(each: usize) -> Self {
        let folder = Self::new();
        for (class, (name, _)) in CLASSES.iter().enumerate() {
            for number in 0..each {
                folder.put_image(&format!("data/{name}/{number:02}.png"), class, number);
            }
        }
        folder
    }

    /// A path in it.
    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.0.path().join(below)
    }

    /// Draws an image of a class, with a texture of its own.
    pub(crate) fn put_image(&self, below: &str, class: usize, number: usize) {
        let path = self.path(below);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let shade = |x: u32, y: u32, value: u8| {
            let texture = (x * 7 + y * 13 + number as u32 * 31) % 37;
            value.saturating_add(texture as u8)
        };
        let colour = CLASSES[class].1;
        let mut image = RgbImage::from_fn(SIDE, SIDE, |x, y| Rgb(colour.map(|value| shade(x, y, value))));
        // No two numbers up to 4096 give the same image.
        let digits = [number % 16, number / 16 % 16, number / 256 % 16];
        let corner = image.get_pixel_mut(0, 0);
        corner.0.iter_mut().zip(digits).for_each(|(value, digit)| *value = (*value & 0xf0) | digit as u8);
        image.save(path).unwrap();
    }

    /// Writes a file.
    pub(crate) fn put(&self, below: &str, content: impl AsRef<[u8]>) {
        let path = self.path(below);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    /// The program, at work in this folder and with a cache in it. It sees no GPU: what is compared byte for byte is of the CPU.
    pub(crate) fn effmix(&self, args: &[&str]) -> Command {
        let mut command = Command::cargo_bin("effmix").unwrap();
        command
            .current_dir(self.0.path())
            .env("EFFMIX_CACHE", self.path("cache"))
            .env("CUDA_VISIBLE_DEVICES", "");
        command.args(args);
        command
    }

    /// Runs it, whatever comes of it.
    pub(crate) fn output(&self, args: &[&str]) -> Output {
        self.effmix(args).output().unwrap()
    }

    /// Runs it; it must succeed. Gives stdout.
    pub(crate) fn run(&self, args: &[&str]) -> String {
        let output = self.output(args);
        assert!(output.status.success(), "effmix {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs it; it must end with this status. Gives stderr.
    pub(crate) fn fails(&self, status: i32, args: &[&str]) -> String {
        let output = self.output(args);
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(status), "effmix {args:?}: {errors}");
        assert!(!errors.contains("internal error") && !errors.contains("panicked"), "{errors}");
        errors
    }

    /// Runs until the file is there, sends the signal, and gives the exit status and stderr.
    #[cfg(unix)]
    pub(crate) fn stopped(&self, args: &[&str], signal: &str, file: &str) -> (Option<i32>, String) {
        let mut child = std::process::Command::new(assert_cmd::cargo::cargo_bin("effmix"))
            .args(args)
            .current_dir(self.path(""))
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let began = std::time::Instant::now();
        while !self.path(file).exists() {
            assert!(began.elapsed().as_secs() < 120, "{file} was not written");
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        let id = child.id().to_string();
        assert!(std::process::Command::new("kill").args(["-s", signal, &id]).status().unwrap().success());
        let mut said = String::new();
        std::io::Read::read_to_string(child.stderr.as_mut().unwrap(), &mut said).unwrap();
        (child.wait().unwrap().code(), said)
    }

    /// Trains on `data` with the smallest network, writing `out`; `more` flags win nothing, they add.
    pub(crate) fn train(&self, out: &str, more: &[&str]) -> String {
        self.run(&[&train_args(out), more].concat())
    }
}

/// A training that takes a second or two.
pub(crate) fn train_args(out: &str) -> Vec<&str> {
    vec![
        "train",
        "data",
        "--out",
        out,
        "--width",
        "0.1",
        "--depth",
        "0.1",
        "--epochs",
        "3",
        "--warmup",
        "1",
        "--batch",
        "8",
        "--test-fraction",
        "0.2",
        "--lr",
        "0.01",
    ]
}

/// A file's content, with its name if it is missing.
pub(crate) fn read(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// A JSON file, or a line of one.
pub(crate) fn json(text: &[u8]) -> serde_json::Value {
    serde_json::from_slice(text).unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(text)))
}

/// A matrix of f32 that NumPy would read: shape and values.
pub(crate) fn npy(path: &Path) -> (Vec<usize>, Vec<f32>) {
    let bytes = read(path);
    assert_eq!(&bytes[..8], b"\x93NUMPY\x01\x00");
    let header = usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    let text = std::str::from_utf8(&bytes[10..10 + header]).unwrap();
    assert!(text.contains("'descr': '<f4'") && text.contains("'fortran_order': False"), "{text}");
    let shape = text.split_once('(').unwrap().1.split_once(')').unwrap().0;
    let shape = shape.split(',').filter_map(|dim| dim.trim().parse().ok()).collect();
    let values =
        bytes[10 + header..].chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect();
    (shape, values)
}

/// A CSV's header and rows.
pub(crate) fn csv_rows(content: &[u8]) -> (Vec<String>, Vec<Vec<String>>) {
    let mut reader = csv::Reader::from_reader(content);
    let header = reader.headers().unwrap().iter().map(str::to_owned).collect();
    let rows = reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect();
    (header, rows)
}

/// A file system of 64 KiB in a folder, until it is dropped.
#[cfg(target_os = "linux")]
pub(crate) struct SmallDisk(pub(crate) PathBuf);

#[cfg(target_os = "linux")]
impl SmallDisk {
    /// Mounted at `small` of the folder; none without the right to mount.
    pub(crate) fn mount(folder: &Folder) -> Option<Self> {
        let small = folder.path("small");
        std::fs::create_dir(&small).unwrap();
        let mount = std::process::Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=64k", "tmpfs"])
            .arg(&small)
            .stderr(std::process::Stdio::null())
            .status();
        mount.is_ok_and(|status| status.success()).then(|| Self(small))
    }
}

#[cfg(target_os = "linux")]
impl Drop for SmallDisk {
    fn drop(&mut self) {
        // A test that already fails must not fail again here.
        let _ = std::process::Command::new("umount").arg(&self.0).status();
    }
}
