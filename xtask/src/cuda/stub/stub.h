/* What the parts of the stub know of each other.

   The stub stands in for NVIDIA's driver (libcuda.so.1), cuBLAS and cuRAND where there is no GPU. The environment says how it behaves:

   EFFMIX_CUDA_ERROR      code (CUresult) that every function fails with; 100, no device, is the default. 0 is a device that computes nothing:
                          memory is real and copies are made, but a kernel leaves it as it is.
   EFFMIX_CUDA_MEMORY     bytes of memory that the device has; 80 GiB is the default. What doesn't fit fails with 2, out of memory.
   EFFMIX_CUDA_COUNTS     file to which the process adds a line of JSON when it ends: what was launched, copied and allocated.
   EFFMIX_CUDA_FAIL_AT    number of the launch, from 1, that fails; matrix products count as launches. From then on all that works on the device
                          fails too, as after a lost device.
   EFFMIX_CUDA_FAIL_CODE  the code that it fails with; 719, launch failed, is the default. */
#include <stddef.h>

enum { SUCCESS = 0, INVALID_VALUE = 1, OUT_OF_MEMORY = 2, NOT_SUPPORTED = 801 };

/* The variable as a number. */
long long effmix_number(const char *variable, long long otherwise);

/* The code that a function of the driver begins with: that of EFFMIX_CUDA_ERROR, or of a device that is lost; 0 if it works. */
int effmix_state(void);

/* Counts a launch. Returns its code: 0, or that of EFFMIX_CUDA_FAIL_CODE. */
int effmix_launch(const char *kernel);
/* Counts a matrix product, likewise. */
int effmix_product(const char *function);

enum effmix_kind { TO_DEVICE, TO_HOST, ON_DEVICE, FILLS, ALLOCATIONS, KINDS };
void effmix_count(enum effmix_kind kind, size_t bytes);

#define WORKS() do { int code = effmix_state(); if (code) return code; } while (0)
