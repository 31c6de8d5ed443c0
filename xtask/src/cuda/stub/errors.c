/* The errors of the driver, by name and text. */
#include "stub.h"
#include <stdlib.h>

typedef struct {
    int code;
    const char *name;
    const char *text;
} error;

/* The driver's own names and texts of the codes that our tests ask for (cuda.h, cuGetErrorString). */
static const error ERRORS[] = {
    {1, "CUDA_ERROR_INVALID_VALUE", "invalid argument"},
    {2, "CUDA_ERROR_OUT_OF_MEMORY", "out of memory"},
    {3, "CUDA_ERROR_NOT_INITIALIZED", "initialization error"},
    {34, "CUDA_ERROR_STUB_LIBRARY", "CUDA driver is a stub library"},
    {46, "CUDA_ERROR_DEVICE_UNAVAILABLE", "CUDA-capable device(s) is/are busy or unavailable"},
    {100, "CUDA_ERROR_NO_DEVICE", "no CUDA-capable device is detected"},
    {101, "CUDA_ERROR_INVALID_DEVICE", "invalid device ordinal"},
    {222, "CUDA_ERROR_UNSUPPORTED_PTX_VERSION", "the provided PTX was compiled with an unsupported toolchain."},
    {700, "CUDA_ERROR_ILLEGAL_ADDRESS", "an illegal memory access was encountered"},
    {719, "CUDA_ERROR_LAUNCH_FAILED", "unspecified launch failure"},
    {801, "CUDA_ERROR_NOT_SUPPORTED", "operation not supported"},
    {803, "CUDA_ERROR_SYSTEM_DRIVER_MISMATCH", "system has unsupported display driver / cuda driver combination"},
    {999, "CUDA_ERROR_UNKNOWN", "unknown error"},
};

static const error *find(int code) {
    for (size_t i = 0; i < sizeof ERRORS / sizeof *ERRORS; i++)
        if (ERRORS[i].code == code)
            return &ERRORS[i];
    return NULL;
}

/* These two answer, as the driver's do on a machine without a device. */
int cuGetErrorName(int code, const char **name) {
    const error *found = find(code);
    *name = found ? found->name : NULL;
    return found ? 0 : 1;
}

int cuGetErrorString(int code, const char **text) {
    const error *found = find(code);
    *text = found ? found->text : NULL;
    return found ? 0 : 1;
}
