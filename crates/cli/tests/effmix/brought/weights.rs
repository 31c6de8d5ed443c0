//! Checkpoints and names of architectures.
