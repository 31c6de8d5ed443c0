//! Pictures of class activation maps.

use std::path::{Path, PathBuf};

use dividemix::run::write_atomic;
use effmix_report::heat_over;
use image_folder::{RgbImage, Sample};
use noisy_labels::argmax;

use crate::exit::Failure;
use crate::model::Predictor;
use crate::outputs::{Rows, Seen};

/// Makes the folder, which must be new or empty: nothing in it is replaced.
pub(crate) fn make_folder(folder: &Path) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::Other(format!("--cam {}: {error}", folder.display()));
    std::fs::create_dir_all(folder).map_err(failed)?;
    match std::fs::read_dir(folder).map_err(failed)?.next() {
        None => Ok(()),
        Some(_) => Err(Failure::Other(format!("--cam {}: not empty; choose a new folder", folder.display()))),
    }
}

/// Draws each image of a batch with the activation map of its likeliest class. The files are named by the images' numbers and
/// names.
pub(crate) fn draw(predictor: &Predictor, rows: &Rows<'_>, folder: &Path) -> Result<(), Failure> {
    for Seen { place, image, local_features } in &rows.seen {
        let sample = &rows.samples[*place];
        let maps = predictor.model.class_activation_maps(local_features)?;
        let (_, _, width, classes) = maps.dims4()?;
        let class = argmax(&rows.logits[place * classes..][..classes]);
        let map = maps.narrow(3, class, 1)?.flatten_all()?.to_vec1::<f32>()?;
        let hot = heat_over(image, &map, width)
            .ok_or_else(|| Failure::Other(format!("{}: the map has no rows", sample.path)))?;
        let png = png(&hot)?;
        write_atomic(&folder.join(name(sample, rows.first + place + 1)), |out| out.write_all(&png))?;
    }
    Ok(())
}

/// `00012-NAME.png`: images of one name in two folders get two files.
fn name(sample: &Sample, number: usize) -> PathBuf {
    let stem = Path::new(&sample.path).file_stem().unwrap_or_default().to_string_lossy();
    PathBuf::from(format!("{number:05}-{stem}.png"))
}

fn png(image: &RgbImage) -> Result<Vec<u8>, Failure> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    image
        .write_to(&mut bytes, image::ImageFormat::Png)
        .map_err(|error| Failure::Other(format!("PNG: {error}")))?;
    Ok(bytes.into_inner())
}
