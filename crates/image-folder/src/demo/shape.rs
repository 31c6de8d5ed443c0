//! The ten classes of the demo set, as tests whether a point is inside.

use std::f32::consts::PI;

/// The shape that a picture shows, in the order of the names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Checker,
    Crescent,
    Cross,
    Disc,
    Ring,
    Square,
    Star,
    Stripes,
    Triangle,
    TwoDots,
}

impl Shape {
    pub(super) const ALL: [Self; 10] = [
        Self::Checker,
        Self::Crescent,
        Self::Cross,
        Self::Disc,
        Self::Ring,
        Self::Square,
        Self::Star,
        Self::Stripes,
        Self::Triangle,
        Self::TwoDots,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Checker => "checker",
            Self::Crescent => "crescent",
            Self::Cross => "cross",
            Self::Disc => "disc",
            Self::Ring => "ring",
            Self::Square => "square",
            Self::Star => "star",
            Self::Stripes => "stripes",
            Self::Triangle => "triangle",
            Self::TwoDots => "two-dots",
        }
    }

    /// Whether a point is inside of the shape, whose radius is 1 or a little less and whose centre is the origin.
    pub(super) fn contains(self, x: f32, y: f32) -> bool {
        let radius = x.hypot(y);
        let in_square = |half: f32| x.abs() < half && y.abs() < half;
        // Whether a coordinate is in an even stripe: these are inside.
        let stripe = |coordinate: f32, width: f32| (coordinate / width).floor().rem_euclid(2.0) == 0.0;
        match self {
            Self::Checker => in_square(0.9) && (stripe(x, 0.45) == stripe(y, 0.45)),
            Self::Crescent => radius < 0.95 && (x - 0.5).hypot(y) > 0.75,
            Self::Cross => in_square(0.95) && (x.abs() < 0.27 || y.abs() < 0.27),
            Self::Disc => radius < 0.85,
            Self::Ring => (0.55..0.95).contains(&radius),
            Self::Square => in_square(0.72),
            Self::Star => radius < star_edge(y.atan2(x)),
            Self::Stripes => in_square(0.9) && stripe(x + 0.9, 0.36),
            Self::Triangle => in_triangle(x, y),
            Self::TwoDots => (x.abs() - 0.58).hypot(y) < 0.38,
        }
    }
}

/// Whether a point is in an equilateral triangle whose corners are 1.05 from the centre.
fn in_triangle(x: f32, y: f32) -> bool {
    [PI / 3.0, PI, -PI / 3.0].iter().all(|side| x * side.cos() + y * side.sin() < 1.05 / 2.0)
}

/// The distance of the edge of a five-pointed star in a direction; its points are at 1.05, the corners between them at 0.42.
fn star_edge(angle: f32) -> f32 {
    const POINT: f32 = 1.05;
    const CORNER: f32 = 0.42;
    let half = PI / 5.0;
    // The angle to the nearest point's direction, from 0 to half the angle between two points.
    let off = (angle.rem_euclid(2.0 * half) - half).abs();
    let off = half - off;
    // The straight line from the point (at 0) to the corner (at `half`), in polar form.
    let (corner_x, corner_y) = (CORNER * half.cos(), CORNER * half.sin());
    POINT * corner_y / (corner_y * off.cos() + (POINT - corner_x) * off.sin())
}
