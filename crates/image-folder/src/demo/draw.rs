//! Pictures of shapes.

use image::{Rgb, RgbImage};
use rand::Rng;

use super::shape::Shape;

type Colour = [f32; 3];

/// The number of points that are tested along each side of a pixel, for smooth edges.
const SUPERSAMPLING: usize = 4;
/// The smallest difference of brightness (Rec. 601 luma, 0..255) between a shape and its background: well visible
/// above the noise.
const CONTRAST: f32 = 110.0;
/// The share of shapes that are darker than their background. If it were 0, the pixels that shapes cover most often would tell them
/// apart by their brightness alone.
const DARK: f64 = 0.4;
/// The largest angle by which a shape is turned in either direction, in radians.
const TURN: f32 = 0.2;
/// The standard deviation of each pixel's noise, of 0..255.
const NOISE: f32 = 4.0;

/// A picture of one shape, of which everything else is random.
pub(super) fn picture(shape: Shape, size: usize, random: &mut impl Rng) -> RgbImage {
    let side = size as f32;
    let radius = side * random.random_range(0.37..0.40);
    // Corners are up to 1.3 radii from the centre, so the border of the picture may cut a shape a little.
    let margin = radius * 0.95;
    let centre = [(); 2].map(|()| random.random_range(margin..side - margin));
    let (sine, cosine) = random.random_range(-TURN..TURN).sin_cos();
    let (dark, light) = two_colours(random);
    let (ground, ink) = if random.random_bool(DARK) { (light, dark) } else { (dark, light) };
    // The background is a gradient between two similar colours.
    let slope = [(); 3].map(|()| random.random_range(-25.0..25.0));
    let (down, across) = random.random_range(0.0..std::f32::consts::TAU).sin_cos();
    let clutter = clutter(side, random);

    RgbImage::from_fn(size as u32, size as u32, |column, row| {
        let mut sum = [0.0; 3];
        for part in 0..SUPERSAMPLING * SUPERSAMPLING {
            let at = |pixel: u32, part: usize| pixel as f32 + (part as f32 + 0.5) / SUPERSAMPLING as f32;
            let (x, y) = (at(column, part % SUPERSAMPLING), at(row, part / SUPERSAMPLING));
            let (right, below) = ((x - centre[0]) / radius, (y - centre[1]) / radius);
            let inside = shape.contains(right * cosine + below * sine, below * cosine - right * sine);
            let speck = clutter.iter().find(|speck| (x - speck.x).hypot(y - speck.y) < speck.radius);
            let along = (x * across + y * down) / side;
            let colour: Colour = match (inside, speck) {
                (true, _) => ink,
                (false, Some(speck)) => speck.colour,
                (false, None) => std::array::from_fn(|c| ground[c] + slope[c] * along),
            };
            sum = std::array::from_fn(|c| sum[c] + colour[c]);
        }
        let points = (SUPERSAMPLING * SUPERSAMPLING) as f32;
        Rgb(sum.map(|value| (value / points + NOISE * bell(random)).round().clamp(0.0, 255.0) as u8))
    })
}

/// A dot of any colour that is part of no shape.
struct Speck {
    x: f32,
    y: f32,
    radius: f32,
    colour: Colour,
}

fn clutter(side: f32, random: &mut impl Rng) -> Vec<Speck> {
    let count = random.random_range(0..=3);
    let speck = |_| Speck {
        x: random.random_range(0.0..side),
        y: random.random_range(0.0..side),
        radius: side * random.random_range(0.02..0.05),
        colour: any_colour(random),
    };
    (0..count).map(speck).collect()
}

/// Two colours that differ in brightness, the darker one first.
fn two_colours(random: &mut impl Rng) -> (Colour, Colour) {
    loop {
        let (one, other) = (any_colour(random), any_colour(random));
        if brightness(other) - brightness(one) >= CONTRAST {
            return (one, other);
        }
    }
}

fn any_colour(random: &mut impl Rng) -> Colour {
    [(); 3].map(|()| random.random_range(0.0..255.0))
}

fn brightness([red, green, blue]: Colour) -> f32 {
    0.299 * red + 0.587 * green + 0.114 * blue
}

/// A number with about a normal distribution, of mean 0 and variance 1: the sum of three uniform ones.
fn bell(random: &mut impl Rng) -> f32 {
    // A uniform number in -1..1 has variance 1/3.
    [(); 3].map(|()| random.random_range(-1.0..1.0f32)).iter().sum()
}
