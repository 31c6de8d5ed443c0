//! The pickle inside torch's two formats.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    effmix_fuzz::pickle(data);
});
