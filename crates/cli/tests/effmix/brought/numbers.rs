//! Thousands of classes.
