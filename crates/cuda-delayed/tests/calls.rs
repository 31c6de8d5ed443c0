//! Calls with and without the libraries. The loader reads its search path when a process starts, so each case is a process of
//! its own: this test program again, with [`a_call_returns_a_code`] alone and another environment.

#![cfg(all(target_os = "linux", target_env = "gnu", any(target_arch = "x86_64", target_arch = "aarch64")))]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]
#![allow(clippy::print_stdout, reason = "what a process prints is what the tests look at")]

use std::ffi::{CStr, c_char, c_double, c_int, c_uint, c_void};
use std::path::Path;
use std::process::Command;

unsafe extern "C" {
    fn cuInit(flags: c_uint) -> c_int;
    fn cuLaunchKernel(
        function: *mut c_void,
        grid_x: c_uint,
        grid_y: c_uint,
        grid_z: c_uint,
        block_x: c_uint,
        block_y: c_uint,
        block_z: c_uint,
        shared: c_uint,
        stream: *mut c_void,
        parameters: *mut *mut c_void,
        extra: *mut *mut c_void,
    ) -> c_int;
    fn cublasGetStatusName(status: c_int) -> *const c_char;
    fn cublasLtGetVersion() -> usize;
    fn curandGenerateNormalDouble(
        generator: *mut c_void,
        out: *mut c_double,
        n: usize,
        mean: c_double,
        deviation: c_double,
    ) -> c_int;
}

/// Two libraries with three functions that write down what they get.
const DRIVER: &str = "
    int cuInit(unsigned flags) { return flags + 40; }
    int cuLaunchKernel(void *f, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz,
                       unsigned shared, void *stream, void **parameters, void **extra) {
        unsigned *out = f;
        unsigned all[] = {gx, gy, gz, bx, by, bz, shared, (unsigned long)stream, (unsigned long)parameters, (unsigned long)extra};
        for (int i = 0; i < 10; i++) out[i] = all[i];
        return 7;
    }";
const RANDOM: &str = "
    int curandGenerateNormalDouble(void *g, double *out, unsigned long n, double mean, double deviation) {
        out[0] = mean; out[1] = deviation; out[2] = n;
        return 8;
    }";

fn compile(folder: &Path, file: &str, source: &str) {
    std::fs::create_dir_all(folder).unwrap();
    let from = folder.join("library.c");
    std::fs::write(&from, source).unwrap();
    let done = Command::new("cc")
        .args(["-shared", "-fPIC", "-o"])
        .args([&folder.join(file), &from])
        .status()
        .expect("a C compiler, which Rust needs to link");
    assert!(done.success());
}

/// What a process with these variables prints.
fn process(variables: &[(&str, &Path)]) -> String {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "a_call_returns_a_code", "--nocapture"]);
    for name in ["CUDA_HOME", "CUDA_PATH", "LD_LIBRARY_PATH"] {
        command.env_remove(name);
    }
    let output = command.envs(variables.iter().copied()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Calls a function twice each, for the first call is another way than those that follow. On any machine a call returns.
#[test]
fn a_call_returns_a_code() {
    for _ in 0..2 {
        let (mut integers, mut reals) = ([0u32; 10], [0.0f64; 3]);
        // SAFETY: `cuInit` may be called at any time.
        println!("cuInit {}", unsafe { cuInit(2) });
        if std::env::var_os("CALLED_BY_A_TEST").is_some() {
            let pointer = |value: usize| std::ptr::without_provenance_mut::<c_void>(value);
            // SAFETY: the libraries are those of `DRIVER` and `RANDOM`, or there are none.
            let codes = unsafe {
                let (out, reals) = (integers.as_mut_ptr().cast(), reals.as_mut_ptr());
                let (parameters, extra) = (pointer(9).cast(), pointer(10).cast());
                let launched = cuLaunchKernel(out, 1, 2, 3, 4, 5, 6, 7, pointer(8), parameters, extra);
                (launched, curandGenerateNormalDouble(std::ptr::null_mut(), reals, 3, 1.5, 2.5))
            };
            println!("{codes:?} {integers:?} {reals:?}");
        }
    }
    // SAFETY: both take no pointers; the name is a constant of cuBLAS's or of ours.
    let (name, version) = unsafe { (CStr::from_ptr(cublasGetStatusName(1)), cublasLtGetVersion()) };
    println!("{name:?} {version}");
    println!("{:?}", cuda_delayed::check().map_err(|error| error.to_string()));
}

#[test]
fn arguments_and_results_pass_unharmed() {
    let folder = tempfile::tempdir().unwrap();
    compile(folder.path(), "libcuda.so.1", DRIVER);
    compile(folder.path(), "libcurand.so.10", RANDOM);
    let printed = process(&[("LD_LIBRARY_PATH", folder.path()), ("CALLED_BY_A_TEST", Path::new("1"))]);
    assert_eq!(printed.matches("cuInit 42\n").count(), 2, "{printed}");
    let expected = "(7, 8) [1, 2, 3, 4, 5, 6, 7, 8, 9, 10] [1.5, 2.5, 3.0]\n";
    assert_eq!(printed.matches(expected).count(), 2, "{printed}");
}

#[test]
fn a_function_that_is_missing_returns_a_code_of_its_library() {
    let folder = tempfile::tempdir().unwrap();
    for file in ["libcuda.so.1", "libcurand.so.10"] {
        compile(folder.path(), file, "");
    }
    let printed = process(&[("LD_LIBRARY_PATH", folder.path()), ("CALLED_BY_A_TEST", Path::new("1"))]);
    assert_eq!(printed.matches("cuInit 302\n").count(), 2, "{printed}");
    assert_eq!(printed.matches("(302, 101)").count(), 2, "{printed}");
}

#[test]
fn a_library_that_cannot_be_loaded_is_named_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("libcuda.so.1");
    std::fs::write(
        &file,
        "no library, but longer than the head of one would be, so that the loader reads all of it",
    )
    .unwrap();
    let printed = process(&[("LD_LIBRARY_PATH", folder.path())]);
    let expected = format!("NVIDIA's driver (libcuda.so.1) can't be loaded: {}: ", file.display());
    assert!(printed.contains(&expected), "{printed}");
    assert!(printed.contains("cuInit 302\n"), "{printed}");
}

/// The loader finds the toolkit's libraries by itself only where they are installed, and then they come first.
#[test]
fn a_library_is_found_in_the_folder_of_the_toolkit() {
    let folder = tempfile::tempdir().unwrap();
    compile(&folder.path().join("lib64"), "libcuda.so.1", DRIVER);
    let before = process(&[]);
    if before.contains("cuInit 302\n") {
        let printed = process(&[("CUDA_HOME", folder.path())]);
        assert!(printed.contains("cuInit 42\n"), "{printed}");
    } else {
        println!("skipped: this machine has a driver, which comes first");
    }
}
