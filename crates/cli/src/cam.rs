//! Pictures of class activation maps.

use std::path::{Path, PathBuf};

use dividemix::run::{to_tensor, write_atomic};
use effmix_report::heat_over;
use image_folder::{Limits, RgbImage, Sample, Views, load};
use noisy_labels::quality::argmax;

use crate::exit::Failure;
use crate::model::Predictor;

/// Makes the folder, which must be new or empty: nothing in it is replaced.
pub(crate) fn make_folder(folder: &Path) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::Other(format!("--cam {}: {error}", folder.display()));
    std::fs::create_dir_all(folder).map_err(failed)?;
    match std::fs::read_dir(folder).map_err(failed)?.next() {
        None => Ok(()),
        Some(_) => Err(Failure::Other(format!("--cam {}: not empty; choose a new folder", folder.display()))),
    }
}

/// Draws each view with the activation map of its likeliest class. The files are named by the samples' numbers and names.
pub(crate) fn draw(
    predictor: &Predictor,
    views: &Views,
    numbers: impl Iterator<Item = usize>,
    logits: &[Vec<f32>],
    folder: &Path,
) -> Result<(), Failure> {
    for (index, ((sample, number), logits)) in views.samples().iter().zip(numbers).zip(logits).enumerate() {
        let image = to_tensor(views.plain(&[index])?)?;
        let maps = predictor.model.class_activation_maps(&image)?;
        let (_, _, width, _) = maps.dims4()?;
        let map = maps.narrow(3, argmax(logits), 1)?.flatten_all()?.to_vec1::<f32>()?;
        let picture = picture(predictor, sample)?;
        let hot = heat_over(&picture, &map, width)
            .ok_or_else(|| Failure::Other(format!("{}: the map has no rows", sample.path)))?;
        let path = folder.join(name(sample, number));
        let png = png(&hot)?;
        write_atomic(&path, |out| out.write_all(&png))?;
    }
    Ok(())
}

/// The image as the network sees it.
fn picture(predictor: &Predictor, sample: &Sample) -> Result<RgbImage, Failure> {
    let image = load(Path::new(&sample.path), &Limits::default())?;
    Ok(predictor.transform.fit(&image).into_owned())
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
