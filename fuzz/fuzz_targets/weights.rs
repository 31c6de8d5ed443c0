//! Files of weights: safetensors, and torch's two formats.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    effmix_fuzz::weights(data);
});
