//! Programs in C that call the stubs.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

use super::*;

const BINDINGS: &str = "pub type cuThing = u32;\n\
    pub unsafe fn cuInit(Flags: u32) -> CUresult {\n    cuInit(Flags)\n}\n\
    pub unsafe fn cuMemAlloc_v2(dptr: *mut CUdeviceptr, bytesize: usize) -> CUresult {\n\
    pub unsafe fn cuGetErrorString(error: CUresult, pStr: *mut *const c_char) -> CUresult {\n\
    pub unsafe fn cuGraphLaunch(hGraphExec: CUgraphExec, hStream: CUstream) -> CUresult {\n\
    pub unsafe fn culib() -> &'static Library {\n";

/// Prints the codes of two calls, and how the driver names the first.
const NAMES: &str = r#"
    #include <stdio.h>
    int cuInit(unsigned flags);
    int cuGraphLaunch(void *graph, void *stream);
    int cuGetErrorString(int code, const char **text);
    int main(void) {
        const char *text;
        int code = cuInit(0);
        cuGetErrorString(code, &text);
        printf("%d %d %s", code, cuGraphLaunch(0, 0), text ? text : "-");
    }
"#;

/// Copies there and back, launches a kernel three times, multiplies, and prints the codes of all that.
const WORKS: &str = r#"
    #include <stdio.h>
    typedef unsigned long long address;
    int cuMemAlloc_v2(address *out, size_t bytes);
    int cuMemFree_v2(address of);
    int cuMemcpyHtoD_v2(address out, const void *from, size_t bytes);
    int cuMemcpyDtoH_v2(void *out, address from, size_t bytes);
    int cuModuleGetFunction(void **function, void *module, const char *name);
    int cuLaunchKernel(void *f, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, void *, void **, void **);
    int cublasGemmEx(void);
    int main(void) {
        address a = 0, b = 0;
        void *function;
        int back = 0, sent = 41;
        printf("%d", cuMemAlloc_v2(&a, 64));
        printf(" %d", cuMemAlloc_v2(&b, 64));
        printf(" %d", cuMemcpyHtoD_v2(a, &sent, 4));
        printf(" %d", cuMemcpyDtoH_v2(&back, a, 4));
        printf(" %d", cuModuleGetFunction(&function, 0, "add"));
        printf(" [%d]", back);
        for (int i = 0; i < 3; i++)
            printf(" %d", cuLaunchKernel(function, 1, 1, 1, 32, 1, 1, 0, 0, 0, 0));
        printf(" %d", cuLaunchKernel(function, 0, 1, 1, 32, 1, 1, 0, 0, 0, 0));
        printf(" %d", cublasGemmEx());
        printf(" %d", cuMemFree_v2(a));
    }
"#;

struct Stub(tempfile::TempDir);

impl Stub {
    fn built() -> Self {
        let folder = tempfile::tempdir().unwrap();
        compile(folder.path(), &functions(BINDINGS)).unwrap();
        Self(folder)
    }

    /// Compiles a program; what it prints with these variables.
    fn run(&self, program: &str, variables: &[(&str, &str)]) -> String {
        let path = self.0.path();
        fs::write(path.join("caller.c"), program).unwrap();
        let built = Shell::new(path, "cc").words("caller.c -o caller -L. -lcuda -l:libcublas.so.13");
        assert!(built.succeeds().unwrap());
        let mut caller = Shell::new(path, path.join("caller")).env("LD_LIBRARY_PATH", path.to_str().unwrap());
        for (name, value) in variables {
            caller = caller.env(name, value);
        }
        caller.reads().unwrap()
    }
}

#[test]
fn the_functions_are_read_from_the_bindings() {
    let found: Vec<&str> = functions(BINDINGS).into_iter().collect();
    assert_eq!(found, ["cuGetErrorString", "cuGraphLaunch", "cuInit", "cuMemAlloc_v2"]);
}

#[test]
fn every_function_fails_with_the_code_of_the_environment() {
    let stub = Stub::built();
    let said = |code: &str| stub.run(NAMES, &[("EFFMIX_CUDA_ERROR", code)]);
    assert_eq!(said(""), "100 100 no CUDA-capable device is detected");
    assert_eq!(said("2"), "2 2 out of memory");
    assert_eq!(said("5"), "5 5 -");
    assert_eq!(said("0"), "0 801 -");
}

#[test]
fn a_device_that_works_counts_what_it_is_asked_to_do() {
    let stub = Stub::built();
    let counts = stub.0.path().join("counts.json");
    let variables = [("EFFMIX_CUDA_ERROR", "0"), ("EFFMIX_CUDA_COUNTS", counts.to_str().unwrap())];
    assert_eq!(stub.run(WORKS, &variables), "0 0 0 0 0 [41] 0 0 0 1 0 0");
    let written: serde_json::Value = serde_json::from_str(&fs::read_to_string(counts).unwrap()).unwrap();
    let expected = serde_json::json!({
        "launches": {"add": 3},
        "products": {"cublasGemmEx": 1},
        "copies_to_device": {"times": 1, "bytes": 4},
        "copies_to_host": {"times": 1, "bytes": 4},
        "copies_on_device": {"times": 0, "bytes": 0},
        "fills": {"times": 0, "bytes": 0},
        "allocations": {"times": 2, "bytes": 128},
    });
    assert_eq!(written, expected);
}

#[test]
fn what_does_not_fit_into_the_memory_is_refused() {
    let variables = [("EFFMIX_CUDA_ERROR", "0"), ("EFFMIX_CUDA_MEMORY", "100")];
    assert_eq!(Stub::built().run(WORKS, &variables), "0 2 0 0 0 [41] 0 0 0 1 0 0");
}

#[test]
fn after_a_launch_that_fails_everything_fails() {
    let stub = Stub::built();
    let lost = [("EFFMIX_CUDA_ERROR", "0"), ("EFFMIX_CUDA_FAIL_AT", "2")];
    assert_eq!(stub.run(WORKS, &lost), "0 0 0 0 0 [41] 0 719 719 719 13 719");
    let with_code = [lost[0], lost[1], ("EFFMIX_CUDA_FAIL_CODE", "700")];
    assert_eq!(stub.run(WORKS, &with_code), "0 0 0 0 0 [41] 0 700 700 700 13 700");
}

#[test]
fn a_stub_with_the_same_sources_is_not_compiled_again() {
    let folder = tempfile::tempdir().unwrap();
    let made = || fs::metadata(folder.path().join(DRIVER)).unwrap().modified().unwrap();
    compile(folder.path(), &BTreeSet::from(["cuInit"])).unwrap();
    let first = made();
    compile(folder.path(), &BTreeSet::from(["cuInit"])).unwrap();
    assert_eq!(made(), first);
    compile(folder.path(), &BTreeSet::from(["cuInit", "cuCtxDestroy_v2"])).unwrap();
    assert!(made() > first);
}
