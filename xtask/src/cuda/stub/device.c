/* One device like an H100, its context, streams and events. A stream does everything at once, so there is nothing to wait for. */
#include "stub.h"
#include <string.h>

/* Any address that is not NULL stands for a context, a stream or an event. */
static char anything[1];
static _Thread_local void *current;

int cuInit(unsigned flags) { (void)flags; return effmix_state(); }
int cuDriverGetVersion(int *version) { WORKS(); *version = 13000; return SUCCESS; }
int cuDeviceGetCount(int *count) { WORKS(); *count = 1; return SUCCESS; }

int cuDeviceGet(int *device, int ordinal) {
    WORKS();
    *device = ordinal;
    return ordinal == 0 ? SUCCESS : 101;
}

int cuDeviceGetName(char *name, int length, int device) {
    WORKS();
    (void)device;
    if (length > 0) {
        strncpy(name, "stub of a GPU", (size_t)length - 1);
        name[length - 1] = 0;
    }
    return SUCCESS;
}

/* The numbers are those of CUdevice_attribute in cuda.h. */
int cuDeviceGetAttribute(int *value, int attribute, int device) {
    WORKS();
    (void)device;
    switch (attribute) {
    case 1: *value = 1024; break;               /* threads per block */
    case 2: case 3: *value = 1024; break;       /* block's x and y */
    case 4: *value = 64; break;                 /* block's z */
    case 5: *value = 2147483647; break;         /* grid's x */
    case 6: case 7: *value = 65535; break;      /* grid's y and z */
    case 8: *value = 49152; break;              /* shared memory per block */
    case 10: *value = 32; break;                /* warp */
    case 16: *value = 132; break;               /* multiprocessors */
    case 39: *value = 2048; break;              /* threads per multiprocessor */
    case 75: *value = 9; break;                 /* compute capability, major */
    case 76: *value = 0; break;                 /* compute capability, minor */
    case 97: *value = 232448; break;            /* shared memory per block, if asked for */
    case 115: *value = 1; break;                /* memory pools */
    default: *value = 0;
    }
    return SUCCESS;
}

int cuDevicePrimaryCtxRetain(void **context, int device) { WORKS(); (void)device; *context = anything; return SUCCESS; }
int cuDevicePrimaryCtxRelease_v2(int device) { WORKS(); (void)device; return SUCCESS; }
int cuCtxGetCurrent(void **context) { WORKS(); *context = current; return SUCCESS; }
int cuCtxSetCurrent(void *context) { WORKS(); current = context; return SUCCESS; }
int cuCtxSynchronize(void) { return effmix_state(); }

int cuStreamCreate(void **stream, unsigned flags) { WORKS(); (void)flags; *stream = anything; return SUCCESS; }
int cuStreamDestroy_v2(void *stream) { WORKS(); (void)stream; return SUCCESS; }
int cuStreamSynchronize(void *stream) { WORKS(); (void)stream; return SUCCESS; }
int cuStreamIsCapturing(void *stream, int *status) { WORKS(); (void)stream; *status = 0; return SUCCESS; }
int cuStreamWaitEvent(void *stream, void *event, unsigned flags) { WORKS(); (void)stream; (void)event; (void)flags; return SUCCESS; }

int cuEventCreate(void **event, unsigned flags) { WORKS(); (void)flags; *event = anything; return SUCCESS; }
int cuEventDestroy_v2(void *event) { WORKS(); (void)event; return SUCCESS; }
int cuEventRecord(void *event, void *stream) { WORKS(); (void)event; (void)stream; return SUCCESS; }
int cuEventQuery(void *event) { WORKS(); (void)event; return SUCCESS; }
int cuEventSynchronize(void *event) { WORKS(); (void)event; return SUCCESS; }
int cuEventElapsedTime_v2(float *milliseconds, void *start, void *end) { WORKS(); (void)start; (void)end; *milliseconds = 0; return SUCCESS; }
