//! Image files: formats, shapes, sizes and names.
