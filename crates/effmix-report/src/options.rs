//! How a page is made.

use image::RgbImage;

/// How a page is made: how many pictures it shows, where its figures are, and how an image is decoded.
///
/// ```
/// use effmix_report::Options;
///
/// let decode = |path: &str| image::open(path).map(|image| image.to_rgb8()).map_err(|error| error.to_string());
/// let options = Options { images: Options::IMAGES, summary: None, image: &decode };
/// # assert!((options.image)("no/such.jpg").is_err());
/// ```
#[derive(Clone, Copy)]
pub struct Options<'a> {
    /// Pictures on the page, at most. 0 shows none.
    pub images: usize,
    /// The figures of a run that has not written its `summary.json` yet; `None` takes those of the file.
    pub summary: Option<&'a serde_json::Value>,
    /// The image of a row of `label_issues.csv`, by its path there. An error is shown in the picture's place, in words.
    pub image: &'a (dyn Fn(&str) -> Result<RgbImage, String> + Sync),
}

impl Options<'static> {
    /// The pictures on a page where nobody asks for another number of them.
    pub const IMAGES: usize = 100;

    /// A page of words, numbers and charts alone.
    pub const fn without_pictures() -> Self {
        Self { images: 0, summary: None, image: &|_| Err("this page shows no pictures".to_owned()) }
    }
}
