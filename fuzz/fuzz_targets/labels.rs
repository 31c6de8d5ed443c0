//! A CSV of labels.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    effmix_fuzz::labels(data);
});
