//! timm's `config.json`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    effmix_fuzz::timm_config(data);
});
