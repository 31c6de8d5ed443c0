//! Terminals: widths, mistyped words, help.
