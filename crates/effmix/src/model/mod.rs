//! A trained model, applied to images.
//!
//! | file | holds |
//! |---|---|
//! | `source`, `open` | where a model is, and the model |
//! | `inputs` | the images that paths name |
//! | `inference` | a model's outputs, batch by batch |
//! | `of_features` | the outputs for features of one's own |
//! | `own_size` | images that keep their own sizes |
//! | `predict`, `evaluation`, `cam` | classes of images; a model against labels; class activation maps |
//! | `teacher` | logits to distil from |

mod cam;
mod evaluation;
mod inference;
mod inputs;
mod of_features;
mod open;
mod own_size;
mod predict;
mod source;
mod teacher;

pub use cam::make_empty_folder;
pub use evaluation::{ClassEvaluation, EVALUATION_COLUMNS, Evaluation};
pub use inference::{AveragedViews, InferenceOptions, OutputBatch};
pub use inputs::{NamedImages, list_images};
pub use of_features::FeatureFile;
pub use open::{Model, ModelOptions};
pub use predict::{Prediction, ranked_classes};
pub use source::ModelSource;
pub(crate) use teacher::{teacher_logits, teacher_of};
