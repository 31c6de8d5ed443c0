//! Images of other channels than red, green and blue, kept as RGB images: grey as three equal channels, and an image with opacity as two, one
//! below the other, its colours and its opacity as grey. So sizes, flips and shifts are everywhere those of RGB images.
//!
//! The arithmetic is Pillow's: `convert("L")` of its `Convert.c`, and the way through premultiplied colours by which its `resize` takes an
//! image with opacity.

use std::borrow::Cow;

use image::{Rgb, RgbImage, RgbaImage};

/// The channels of a view.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Channels {
    /// One: luma, 0.299 R + 0.587 G + 0.114 B.
    Grey,
    /// Red, green, blue.
    #[default]
    Rgb,
    /// Red, green, blue and opacity, which is 255 where a file has none.
    Rgba {
        /// The mean of the opacity in 0..1, which is subtracted.
        mean: f32,
        /// Its standard deviation, by which it is divided afterwards.
        std: f32,
    },
}

impl Channels {
    /// The number of channels.
    pub fn count(self) -> usize {
        match self {
            Self::Grey => 1,
            Self::Rgb => 3,
            Self::Rgba { .. } => 4,
        }
    }

    /// The mean of the opacity.
    pub(crate) fn alpha_mean(self) -> f32 {
        if let Self::Rgba { mean, .. } = self { mean } else { 0.0 }
    }

    /// The standard deviation of the opacity.
    pub(crate) fn alpha_std(self) -> f32 {
        if let Self::Rgba { std, .. } = self { std } else { 1.0 }
    }

    /// The number of RGB images, one below the other, as which an image is kept.
    pub(crate) fn images(self) -> usize {
        if matches!(self, Self::Rgba { .. }) { 2 } else { 1 }
    }

    /// The image as it is kept, of one without opacity.
    pub(crate) fn of_opaque(self, image: Cow<'_, RgbImage>) -> Cow<'_, RgbImage> {
        match self {
            Self::Rgb => image,
            Self::Grey => {
                let mut image = image.into_owned();
                for pixel in image.as_chunks_mut::<3>().0 {
                    *pixel = [luma(*pixel); 3];
                }
                Cow::Owned(image)
            }
            Self::Rgba { .. } => {
                let opaque = RgbImage::from_pixel(image.width(), image.height(), Rgb([255; 3]));
                Cow::Owned(below(&image, &opaque))
            }
        }
    }
}

/// Luma, to the bit as Pillow's `convert("L")` makes it.
fn luma([red, green, blue]: [u8; 3]) -> u8 {
    ((19595 * u32::from(red) + 38470 * u32::from(green) + 7471 * u32::from(blue) + 32768) >> 16) as u8
}

/// An image with opacity as it is kept: its colours, and below them its opacity as grey.
pub(crate) fn with_opacity(image: &RgbaImage) -> RgbImage {
    let (width, height) = image.dimensions();
    let colours = RgbImage::from_fn(width, height, |x, y| {
        let [red, green, blue, _] = image.get_pixel(x, y).0;
        Rgb([red, green, blue])
    });
    let opacity = RgbImage::from_fn(width, height, |x, y| Rgb([image.get_pixel(x, y).0[3]; 3]));
    below(&colours, &opacity)
}

/// An image with opacity in another size, by what changes the size of an RGB image where a border has this colour: opacity as it is, colours
/// premultiplied by it. The border has a colour and an opacity.
pub(crate) fn resized_with_opacity(
    image: &RgbImage,
    (colour, opaque): (Rgb<u8>, Rgb<u8>),
    resized: impl Fn(&RgbImage, Rgb<u8>) -> RgbImage,
) -> RgbImage {
    let (mut colours, opacity) = halves(image);
    for (pixel, alpha) in colours.as_chunks_mut::<3>().0.iter_mut().zip(opacity.as_chunks::<3>().0) {
        *pixel = pixel.map(|value| premultiplied(value, alpha[0]));
    }
    let border = Rgb(colour.0.map(|value| premultiplied(value, opaque.0[0])));
    let (mut colours, opacity) = (resized(&colours, border), resized(&opacity, opaque));
    for (pixel, alpha) in colours.as_chunks_mut::<3>().0.iter_mut().zip(opacity.as_chunks::<3>().0) {
        *pixel = pixel.map(|value| divided(value, alpha[0]));
    }
    below(&colours, &opacity)
}

/// value * alpha / 255, rounded: Pillow's `MULDIV255`.
fn premultiplied(value: u8, alpha: u8) -> u8 {
    let product = u32::from(value) * u32::from(alpha) + 128;
    (((product >> 8) + product) >> 8) as u8
}

/// The value of a premultiplied one: `CLIP8(255 * value / alpha)` of Pillow's `rgba2rgbA`.
fn divided(value: u8, alpha: u8) -> u8 {
    match alpha {
        0 | 255 => value,
        _ => (255 * u32::from(value) / u32::from(alpha)).min(255) as u8,
    }
}

/// Two images of one size, the second below the first.
pub(crate) fn below(first: &RgbImage, second: &RgbImage) -> RgbImage {
    let mut both = RgbImage::new(first.width(), 2 * first.height());
    let (upper, lower) = both.split_at_mut(first.as_raw().len());
    upper.copy_from_slice(first.as_raw());
    lower.copy_from_slice(second.as_raw());
    both
}

/// The colours and the opacity of an image that is kept as two.
pub(crate) fn halves(image: &RgbImage) -> (RgbImage, RgbImage) {
    let (width, height) = (image.width(), image.height() / 2);
    let half = |bytes: &[u8]| {
        let mut half = RgbImage::new(width, height);
        half.copy_from_slice(bytes);
        half
    };
    let (upper, lower) = image.as_raw().split_at(image.as_raw().len() / 2);
    (half(upper), half(lower))
}

/// The numbers of a kept image's pixels, of a channel by its place: what `write` makes of byte and channel.
pub(crate) fn each_channel(channels: Channels, bytes: &[u8], mut write: impl FnMut(u8, usize)) {
    match channels {
        Channels::Grey => bytes.as_chunks::<3>().0.iter().for_each(|pixel| write(pixel[0], 0)),
        Channels::Rgb => bytes.iter().enumerate().for_each(|(at, byte)| write(*byte, at % 3)),
        Channels::Rgba { .. } => {
            let (colours, opacity) = bytes.split_at(bytes.len() / 2);
            for (pixel, alpha) in colours.as_chunks::<3>().0.iter().zip(opacity.as_chunks::<3>().0) {
                pixel.iter().chain(&alpha[..1]).enumerate().for_each(|(channel, byte)| write(*byte, channel));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn luma_is_pillows() {
        // Image.new("RGB", (1, 1), pixel).convert("L").getpixel((0, 0)).
        let pillow = [
            ([255, 0, 0], 76),
            ([0, 255, 0], 150),
            ([0, 0, 255], 29),
            ([12, 200, 77], 130),
            ([1, 2, 3], 2),
            ([254, 255, 253], 254),
        ];
        for (pixel, grey) in pillow {
            assert_eq!(luma(pixel), grey, "{pixel:?}");
        }
        assert!((0..=255).all(|value| luma([value; 3]) == value), "grey stays as it is");
    }

    #[test]
    fn opacity_goes_through_premultiplied_colours_as_in_pillow() {
        // Image.new("RGBA", (1, 1), (200, 100, 3, alpha)).convert("RGBa").convert("RGBA").getpixel((0, 0)).
        for (alpha, back) in [
            (0, [0, 0, 0]),
            (1, [255, 0, 0]),
            (100, [198, 99, 2]),
            (254, [199, 100, 3]),
            (255, [200, 100, 3]),
        ] {
            let through = [200, 100, 3].map(|value| divided(premultiplied(value, alpha), alpha));
            assert_eq!(through, back, "{alpha}");
        }
    }

    #[test]
    fn an_image_of_two_is_taken_apart_as_it_was_put_together() {
        let image = RgbaImage::from_fn(3, 2, |x, y| image::Rgba([x as u8, y as u8, 7, (10 * x + y) as u8]));
        let (colours, opacity) = halves(&with_opacity(&image));
        for (x, y, pixel) in image.enumerate_pixels() {
            let [red, green, blue, alpha] = pixel.0;
            assert_eq!(
                (colours.get_pixel(x, y).0, opacity.get_pixel(x, y).0),
                ([red, green, blue], [alpha; 3])
            );
        }
        let mut values = Vec::new();
        let rgba = Channels::Rgba { mean: 0.0, std: 1.0 };
        each_channel(rgba, with_opacity(&image).as_raw(), |byte, _| values.push(byte));
        assert_eq!(values, *image.as_raw());
    }
}
