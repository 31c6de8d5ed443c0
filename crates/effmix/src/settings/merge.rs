//! Settings from two places.

use super::flags::Settings;

/// A `Settings` whose named fields are the first's where they were given, else the second's. The compiler sees that none is missing.
macro_rules! merged {
    ($first:expr, $second:expr, $($field:ident),* $(,)?) => {
        Settings { $($field: $first.$field.as_ref().or($second.$field.as_ref()).cloned()),* }
    };
}

impl Settings {
    /// These settings, completed by those of `other` where a field was not given. No value is checked here.
    #[must_use]
    pub fn or(&self, other: &Self) -> Self {
        merged!(
            self,
            other,
            data,
            labels,
            path_column,
            label_column,
            truth_column,
            test_fraction,
            test,
            per_class,
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
            freeze,
            start_from,
            method,
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
            checkpoint_every,
            report_images,
            trajectories,
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
    fn the_first_settings_win_and_the_second_fill_in() {
        let flags = Settings { lr: Some(0.1), seed: Some(u64::MAX), ..Settings::default() };
        let file = Settings { lr: Some(0.2), epochs: Some(7), ..Settings::default() };
        let expected =
            Settings { lr: Some(0.1), seed: Some(u64::MAX), epochs: Some(7), ..Settings::default() };
        assert_eq!(flags.or(&file), expected);
        assert_eq!(Settings::default().or(&expected), expected);
    }
}
