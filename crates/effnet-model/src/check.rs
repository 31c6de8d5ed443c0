//! Which architectures can be built, and the plan of one that can.

use effnet_ops::Padding;

use crate::arch::{Arch, ClassifierKind};
use crate::error::{Error, Result};
use crate::plan::Plan;

/// Coefficients above this are refused: B7 has 2.0 and 3.1, and memory grows with their product.
const LARGEST_COEFFICIENT: f64 = 16.0;
/// Sides above this are refused.
const LARGEST_SIZE: usize = 8192;
/// Widths of a hidden classifier layer above this are refused.
const LARGEST_HIDDEN: usize = 1 << 20;

impl Arch {
    /// All widths, kernels and strides.
    ///
    /// # Errors
    /// [`Error::InvalidArch`] as [`Arch::check`].
    pub fn plan(&self) -> Result<Plan> {
        self.check()?;
        Ok(Plan::new(self))
    }

    /// Number of trainable numbers with a classifier of so many classes, counted without building anything.
    ///
    /// # Errors
    /// [`Error::InvalidArch`] as [`Arch::check`].
    pub fn parameters(&self, classes: usize) -> Result<usize> {
        let plan = self.plan()?;
        Ok(plan.backbone_parameters() + self.classifier.parameters(plan.head, classes))
    }

    /// Whether a network can be built.
    ///
    /// # Errors
    /// [`Error::InvalidArch`] with the field, its value, and what it may be.
    pub fn check(&self) -> Result<()> {
        let coefficient = |v: f64| v > 0.0 && v <= LARGEST_COEFFICIENT;
        let rate = |v: f64| (0.0..1.0).contains(&v);
        let must = |holds: bool, reason: String| match holds {
            true => Ok(()),
            false => Err(Error::InvalidArch { name: self.name.clone(), reason }),
        };
        let scaling = &self.scaling;
        let range = format!("above 0 and at most {LARGEST_COEFFICIENT}");
        must(coefficient(scaling.width), format!("width {} must be {range}", scaling.width))?;
        must(coefficient(scaling.depth), format!("depth {} must be {range}", scaling.depth))?;
        let sizes = 1..=LARGEST_SIZE;
        must(sizes.contains(&self.size), format!("size {} must be 1 to {LARGEST_SIZE} pixels", self.size))?;
        must(
            matches!(self.channels, 1 | 3 | 4),
            format!("channels {} must be 1 (luma), 3 (RGB) or 4 (RGBA)", self.channels),
        )?;
        must(matches!(self.stem_stride, 1 | 2), format!("stem stride {} must be 1 or 2", self.stem_stride))?;
        must(
            self.bn_eps > 0.0 && self.bn_eps < 1.0,
            format!("bn_eps {} must be between 0 and 1", self.bn_eps),
        )?;
        let momentum = self.bn_momentum;
        must((0.0..=1.0).contains(&momentum), format!("bn_momentum {momentum} must be 0 to 1"))?;
        must(rate(self.dropout), format!("dropout {} must be at least 0 and below 1", self.dropout))?;
        must(rate(self.drop_path), format!("drop path {} must be at least 0 and below 1", self.drop_path))?;
        self.preprocessing.check().or_else(|reason| must(false, reason))?;
        if let ClassifierKind::Mlp { hidden } = self.classifier {
            let widths = 1..=LARGEST_HIDDEN;
            must(widths.contains(&hidden), format!("hidden width {hidden} must be 1 to {LARGEST_HIDDEN}"))?;
        }
        let Padding::Fixed(nominal) = self.padding else { return Ok(()) };
        must(
            sizes.contains(&nominal),
            format!("padding is fixed for {nominal} pixels: 1 to {LARGEST_SIZE}"),
        )?;
        let smallest = self.smallest_size();
        let rule = format!("padding that is fixed for {nominal} pixels: take {smallest} or more");
        must(self.size >= smallest, format!("size {} is too small for {rule}", self.size))
    }
}
