//! Settings from two places.

use super::flags::Settings;

/// A `Settings` whose named fields are the first's where they were given, else the second's. The compiler sees that none is missing.
macro_rules! merged {
    ($first:expr, $second:expr, $($field:ident),* $(,)?) => {
        Settings { $($field: $first.$field.as_ref().or($second.$field.as_ref()).cloned()),* }
    };
}

impl Settings {
    /// These settings, completed by those of `other` where a field was not given. No value is checked here. A seed here means one run,
    /// whatever seeds `other` has, and seeds here leave out the seed of `other`.
    #[must_use]
    pub fn or(&self, other: &Self) -> Self {
        let of_this = self.seed.is_some() || self.seeds.is_some();
        let (seed, seeds) = if of_this { (None, None) } else { (other.seed, other.seeds.clone()) };
        let other = &Self { seed, seeds, ..other.clone() };
        merged!(
            self,
            other,
            data,
            labels,
            path_column,
            label_column,
            truth_column,
            split_column,
            reviewed,
            classes,
            test_fraction,
            test,
            per_class,
            fit,
            max_pixels,
            cache,
            arch,
            width,
            depth,
            stem_stride,
            channels,
            dropout,
            drop_path,
            size,
            weights,
            weights_key,
            features,
            features_paths,
            features_test,
            freeze,
            start_from,
            method,
            own_method,
            preset,
            ablate,
            loss_average,
            strength,
            teacher,
            teacher_temperature,
            budget,
            epochs,
            warmup,
            batch,
            epoch_images,
            lr,
            backbone_lr,
            schedule,
            momentum,
            weight_decay,
            ema,
            class_weights,
            threshold,
            division,
            augment,
            strong_view,
            augmentations,
            temperature,
            mixup_alpha,
            lambda_u,
            lambda_u_ramp,
            lambda_r,
            warmup_penalty,
            patience,
            seed,
            seeds,
            checkpoint_every,
            report_images,
            trajectories,
            format,
            out,
            force,
            threads,
            device,
            anyway,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_and_seeds_are_one_setting() {
        let one = Settings { seed: Some(3), ..Settings::default() };
        let several = Settings { seeds: Some(vec![1, 2]), ..Settings::default() };
        assert_eq!(one.or(&several), one);
        assert_eq!(several.or(&one), several);
        assert_eq!(Settings::default().or(&several), several);
    }

    #[test]
    fn the_first_settings_win_and_the_second_fill_in() {
        let flags = Settings { lr: Some(0.1), seed: Some(u64::MAX), ..Settings::default() };
        let file = Settings { lr: Some(0.2), epochs: Some(7), ..Settings::default() };
        let expected =
            Settings { lr: Some(0.1), seed: Some(u64::MAX), epochs: Some(7), ..Settings::default() };
        assert_eq!(flags.or(&file), expected);
        assert_eq!(Settings::default().or(&expected), expected);
    }
}
