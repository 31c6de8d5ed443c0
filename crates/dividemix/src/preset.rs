//! The settings that DivideMix's authors published for their data sets, by name.

use noisy_labels::mixture::MixtureSettings;
use serde::{Deserialize, Serialize};

use crate::{Hyperparameters, MethodKind, Schedule};

/// A published setting: the paper's (Li, Socher & Hoi, ICLR 2020, section 4.2 and appendix B), and its authors' code where that says
/// more (github LiJunnan1992/DivideMix).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Preset {
    /// CIFAR-10, 20 % symmetric noise.
    Cifar10Sym20,
    /// CIFAR-10, 50 %.
    Cifar10Sym50,
    /// CIFAR-10, 80 %.
    Cifar10Sym80,
    /// CIFAR-10, 90 %: losses averaged over five epochs, threshold 0.6.
    Cifar10Sym90,
    /// CIFAR-10, 40 % asymmetric: the penalty in warm-up.
    Cifar10Asym40,
    /// CIFAR-100, 20 % symmetric noise.
    Cifar100Sym20,
    /// CIFAR-100, 50 %.
    Cifar100Sym50,
    /// CIFAR-100, 80 %.
    Cifar100Sym80,
    /// CIFAR-100, 90 %.
    Cifar100Sym90,
    /// Clothing1M: an epoch of 32,000 images, as many of each class, drawn for each network anew. Warm-up is on as many, in batches of
    /// 32 as ever, where the authors' is on twice as many in batches of 64.
    Clothing1m,
    /// WebVision, the first 50 classes.
    Webvision,
}

impl Preset {
    /// All, by data set and noise.
    pub const ALL: [Self; 11] = [
        Self::Cifar10Sym20,
        Self::Cifar10Sym50,
        Self::Cifar10Sym80,
        Self::Cifar10Sym90,
        Self::Cifar10Asym40,
        Self::Cifar100Sym20,
        Self::Cifar100Sym50,
        Self::Cifar100Sym80,
        Self::Cifar100Sym90,
        Self::Clothing1m,
        Self::Webvision,
    ];

    /// What it is called in settings.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cifar10Sym20 => "cifar10-sym20",
            Self::Cifar10Sym50 => "cifar10-sym50",
            Self::Cifar10Sym80 => "cifar10-sym80",
            Self::Cifar10Sym90 => "cifar10-sym90",
            Self::Cifar10Asym40 => "cifar10-asym40",
            Self::Cifar100Sym20 => "cifar100-sym20",
            Self::Cifar100Sym50 => "cifar100-sym50",
            Self::Cifar100Sym80 => "cifar100-sym80",
            Self::Cifar100Sym90 => "cifar100-sym90",
            Self::Clothing1m => "clothing1m",
            Self::Webvision => "webvision",
        }
    }

    /// Whether its authors started from networks pretrained on ImageNet, and trained all of them.
    pub fn starts_from_imagenet(self) -> bool {
        self == Self::Clothing1m
    }

    /// All numbers of training, for the seed 1.
    ///
    /// | setting | epochs (warm-up) | batch | rate, decay | tau | alpha | lambda_u | penalty |
    /// |---|---|---|---|---|---|---|---|
    /// | CIFAR-10 | 300 (10) | 64 | 0.02, 5e-4 | 0.5; 0.6 at 90 % | 4 | 0, 25, 25, 50; 0 asymmetric | asymmetric |
    /// | CIFAR-100 | 300 (30) | 64 | 0.02, 5e-4 | 0.5; 0.6 at 90 % | 4 | 25, 150, 150, 150 | |
    /// | Clothing1M | 80 (1) | 32 | 0.002, 1e-3 | 0.5 | 0.5 | 0 | yes |
    /// | WebVision | 80 (1) | 32 | 0.01, 5e-4 | 0.5 | 0.5 | 0 | |
    ///
    /// The rate falls to a tenth in the middle; ten iterations of the mixture. An epoch is of all images, but of 32,000 for Clothing1M.
    pub fn hyperparameters(self) -> Hyperparameters {
        let cifar = Hyperparameters {
            method: MethodKind::DivideMix,
            epochs: 300,
            warmup: 10,
            batch: 64,
            lr: 0.02,
            weight_decay: 5e-4,
            schedule: Schedule::Step,
            threshold: 0.5,
            augmentations: 2,
            temperature: 0.5,
            mixup_alpha: 4.0,
            lambda_u_ramp: 16.0,
            lambda_r: 1.0,
            warmup_penalty: 0.0,
            mixture: MixtureSettings::as_published(),
            ..Hyperparameters::default()
        };
        let with = |lambda_u| Hyperparameters { lambda_u: Some(lambda_u), ..cifar.clone() };
        let at_90 = |lambda_u| Hyperparameters { threshold: 0.6, loss_average: 5, ..with(lambda_u) };
        let hundred = |settings: Hyperparameters| Hyperparameters { warmup: 30, ..settings };
        let photographs = Hyperparameters { epochs: 80, warmup: 1, batch: 32, mixup_alpha: 0.5, ..with(0.0) };
        match self {
            Self::Cifar10Sym20 => with(0.0),
            Self::Cifar10Sym50 | Self::Cifar10Sym80 => with(25.0),
            Self::Cifar10Sym90 => at_90(50.0),
            Self::Cifar10Asym40 => Hyperparameters { warmup_penalty: 1.0, ..with(0.0) },
            Self::Cifar100Sym20 => hundred(with(25.0)),
            Self::Cifar100Sym50 | Self::Cifar100Sym80 => hundred(with(150.0)),
            Self::Cifar100Sym90 => hundred(at_90(150.0)),
            Self::Clothing1m => Hyperparameters {
                lr: 0.002,
                weight_decay: 1e-3,
                warmup_penalty: 1.0,
                epoch_images: Some(32_000),
                ..photographs
            },
            Self::Webvision => Hyperparameters { lr: 0.01, ..photographs },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_preset_is_allowed_and_has_the_lambda_that_was_published() {
        let lambdas = [
            (Preset::Cifar10Sym20, 0.0),
            (Preset::Cifar10Sym50, 25.0),
            (Preset::Cifar10Sym80, 25.0),
            (Preset::Cifar10Sym90, 50.0),
            (Preset::Cifar10Asym40, 0.0),
            (Preset::Cifar100Sym20, 25.0),
            (Preset::Cifar100Sym50, 150.0),
            (Preset::Cifar100Sym80, 150.0),
            (Preset::Cifar100Sym90, 150.0),
            (Preset::Clothing1m, 0.0),
            (Preset::Webvision, 0.0),
        ];
        assert_eq!(lambdas.map(|(preset, _)| preset), Preset::ALL);
        for (preset, lambda_u) in lambdas {
            let hyper = preset.hyperparameters();
            hyper.check().unwrap();
            assert_eq!(hyper.lambda_u, Some(lambda_u), "{preset:?}");
            let name = preset.name();
            assert_eq!(serde_json::to_value(preset).unwrap(), name);
            // Averaged losses and a stricter threshold at 90 % alone.
            let at_90 = name.ends_with("90");
            assert_eq!(
                (hyper.loss_average, hyper.threshold),
                if at_90 { (5, 0.6) } else { (1, 0.5) },
                "{name}"
            );
            let drawn = (preset == Preset::Clothing1m).then_some(32_000);
            assert_eq!(hyper.epoch_images, drawn, "{name}");
        }
    }
}
