//! Folders: splits, classes, and what else lies there.
