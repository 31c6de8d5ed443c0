//! Labelled image folders to training batches: readers, decoding, augmentation, caching, prefetching.
