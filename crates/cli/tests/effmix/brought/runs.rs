//! Several seeds and methods, and runs to compare.
