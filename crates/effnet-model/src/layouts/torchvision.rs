//! torchvision's names: modules are numbered by their place, the stem as stage 0 and the head as stage 8 of `features`.

use std::collections::HashMap;

use crate::plan::Plan;
use crate::preprocessing::{Interpolation, Preprocessing};

pub(super) const STEM: &str = "features.0.0.weight";

/// Sides in pixels of what its weights of B0 to B7 are tested on, and of what that is cut from (torchvision 0.29's `transforms`).
const SIDES: [(usize, usize); 8] =
    [(224, 256), (240, 255), (288, 288), (300, 320), (380, 384), (456, 456), (528, 528), (600, 600)];

/// Side in pixels and preprocessing of the images that torchvision's default weights of a member were tested on; `size` for a
/// network that it doesn't have.
pub(super) fn published_images(name: &str, size: usize) -> (usize, Preprocessing) {
    let number = name.chars().next_back().and_then(|digit| digit.to_digit(10));
    let (side, resized) = number.and_then(|n| SIDES.get(n as usize)).copied().unwrap_or((size, size));
    // B1's of 2022 (IMAGENET1K_V2) alone.
    let interpolation = if number == Some(1) { Interpolation::Bilinear } else { Interpolation::Bicubic };
    (side, Preprocessing { interpolation, crop: side as f64 / resized as f64, ..Preprocessing::IMAGENET })
}

/// timm's name of each of torchvision's modules, for such a network.
pub(super) fn to_timm(plan: &Plan) -> HashMap<String, String> {
    modules(plan).into_iter().map(|(timm, torchvision)| (torchvision, timm)).collect()
}

/// torchvision's name of each of timm's modules.
pub(crate) fn from_timm(plan: &Plan) -> HashMap<String, String> {
    modules(plan).into_iter().collect()
}

/// All modules that have parameters: timm's name and torchvision's.
fn modules(plan: &Plan) -> Vec<(String, String)> {
    let head = plan.stages.len() + 1;
    let mut modules = vec![
        ("conv_stem".to_owned(), "features.0.0".to_owned()),
        ("bn1".to_owned(), "features.0.1".to_owned()),
        ("conv_head".to_owned(), format!("features.{head}.0")),
        ("bn2".to_owned(), format!("features.{head}.1")),
        ("classifier".to_owned(), "classifier.1".to_owned()),
    ];
    for (s, stage) in plan.stages.iter().enumerate() {
        for (b, block) in stage.iter().enumerate() {
            let projection = if block.expands() { "conv_pwl" } else { "conv_pw" };
            let expansion = block.expands().then_some("conv_pw");
            let parts = [expansion, Some("conv_dw"), block.squeeze.map(|_| "se"), Some(projection)];
            let mut norm = 0;
            for (place, part) in parts.into_iter().flatten().enumerate() {
                let mut add = |timm: &str, inside: &str| {
                    let torchvision = format!("features.{}.{b}.block.{place}.{inside}", s + 1);
                    modules.push((format!("blocks.{s}.{b}.{timm}"), torchvision));
                };
                if part == "se" {
                    add("se.conv_reduce", "fc1");
                    add("se.conv_expand", "fc2");
                } else {
                    norm += 1;
                    add(part, "0");
                    add(&format!("bn{norm}"), "1");
                }
            }
        }
    }
    modules
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Arch;

    #[test]
    fn modules_are_numbered_by_their_place() {
        let plan = Arch::by_name("b1").unwrap().plan().unwrap();
        let names = to_timm(&plan);
        let timm = |name: &str| names.get(name).map(String::as_str);
        for (torchvision, expected) in [
            ("features.0.0", "conv_stem"),
            ("features.8.1", "bn2"),
            ("classifier.1", "classifier"),
            // Without an expansion: depthwise, squeeze and excitation, projection.
            ("features.1.1.block.0.0", "blocks.0.1.conv_dw"),
            ("features.1.1.block.1.fc1", "blocks.0.1.se.conv_reduce"),
            ("features.1.1.block.2.1", "blocks.0.1.bn2"),
            ("features.3.0.block.0.0", "blocks.2.0.conv_pw"),
            ("features.3.0.block.2.fc2", "blocks.2.0.se.conv_expand"),
            ("features.3.0.block.3.0", "blocks.2.0.conv_pwl"),
            ("features.3.0.block.3.1", "blocks.2.0.bn3"),
        ] {
            assert_eq!(timm(torchvision), Some(expected), "{torchvision}");
            assert_eq!(from_timm(&plan)[expected], torchvision);
        }
        assert_eq!(timm("features.1.2.block.0.0"), None, "B1's first stage has two blocks");
        assert_eq!(names.len(), from_timm(&plan).len());
    }
}
