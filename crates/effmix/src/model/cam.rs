//! Pictures of class activation maps.

use std::path::{Path, PathBuf};

use effmix_report::overlay_heatmap;
use image_folder::{RgbImage, Sample};
use noisy_labels::argmax;

use super::inference::{EncodedImage, OutputBatch};
use super::open::Model;
use crate::files::write_atomic;
use crate::{Error, Result};

impl Model {
    /// Draws each image of `batch` with the class activation map of its likeliest class into `folder`, as `00012-NAME.png` by its
    /// number and its name. The batch must come from [`Model::infer`] with `keep_images`.
    ///
    /// # Errors
    /// The disk's; a network that has no local features.
    pub fn draw_activation_maps(&self, batch: &OutputBatch<'_>, folder: &Path) -> Result<()> {
        let classes = self.classes().len();
        for EncodedImage { position, image, local_features } in &batch.images {
            let sample = &batch.samples[*position];
            let maps = self.saved.class_activation_maps(local_features)?;
            let (_, _, width, _) = maps.dims4()?;
            let class = argmax(&batch.logits[position * classes..][..classes]);
            let map = maps.narrow(3, class, 1)?.flatten_all()?.to_vec1::<f32>()?;
            let hot = overlay_heatmap(&self.transform.shown(image), &map, width)
                .ok_or_else(|| Error::Data(format!("{}: the map has no rows", sample.path)))?;
            let png = png(&hot)?;
            write_atomic(&folder.join(name(sample, batch.first + position + 1)), |out| out.write_all(&png))?;
        }
        Ok(())
    }
}

/// Makes a folder for drawings, which must be new or empty: nothing in it is replaced.
///
/// # Errors
/// [`Error::Output`] where it holds something; the disk's.
pub fn make_empty_folder(folder: &Path) -> Result<()> {
    replace_file::create_folder(folder).map_err(Error::io("can't make", folder))?;
    match std::fs::read_dir(folder).map_err(Error::io("can't read", folder))?.next() {
        None => Ok(()),
        Some(_) => {
            let problem = "not empty; choose a new folder".to_owned();
            Err(Error::Output { path: folder.to_owned(), problem })
        }
    }
}

/// Bytes of an image's name that its picture's has too: with the number, the longest name that file systems take is 255.
const NAME: usize = 200;

/// `00012-NAME.png`: images of one name in two folders get two files.
fn name(sample: &Sample, number: usize) -> PathBuf {
    let stem = Path::new(&sample.path).file_stem().unwrap_or_default().to_string_lossy();
    PathBuf::from(format!("{number:05}-{}.png", &stem[..stem.floor_char_boundary(NAME)]))
}

fn png(image: &RgbImage) -> Result<Vec<u8>> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    image
        .write_to(&mut bytes, image::ImageFormat::Png)
        .map_err(|error| Error::Data(format!("PNG: {error}")))?;
    Ok(bytes.into_inner())
}
