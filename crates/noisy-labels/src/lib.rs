//! Learning with noisy labels: noise models, losses, sharpening, MixMatch arithmetic, the mixture of per-sample losses, metrics.
