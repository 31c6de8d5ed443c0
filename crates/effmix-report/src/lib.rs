//! One self-contained HTML page for an effmix training run.
