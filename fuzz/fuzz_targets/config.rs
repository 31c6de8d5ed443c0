//! A run's settings.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    effmix_fuzz::config(data);
});
