//! Metrics, each as its reference defines it, and `None` where it is undefined.

mod calibration;
mod classification;
mod detection;
mod ranking;

pub use calibration::{CALIBRATION_BINS, calibration_error, expected_calibration_error};
pub use classification::{accuracy, confusion, is_among_top_k, top_k_accuracy};
pub use detection::{Detection, precision_recall_f1};
pub use ranking::{auc, average_precision};
