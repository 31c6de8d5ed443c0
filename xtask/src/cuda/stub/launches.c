/* Modules have every function that they are asked for, and a launch of one is counted and does nothing. */
#include "stub.h"
#include <stdlib.h>
#include <string.h>

static char module[1];

int cuModuleLoadData(void **out, const void *image) { WORKS(); (void)image; *out = module; return SUCCESS; }
int cuModuleLoad(void **out, const char *path) { WORKS(); (void)path; *out = module; return SUCCESS; }
int cuModuleUnload(void *of) { WORKS(); (void)of; return SUCCESS; }

/* A function is its name. candle asks for each once, so the names are kept to the end. */
int cuModuleGetFunction(void **function, void *of, const char *name) {
    WORKS();
    (void)of;
    *function = strdup(name);
    return *function ? SUCCESS : OUT_OF_MEMORY;
}

int cuFuncSetAttribute(void *function, int attribute, int value) { WORKS(); (void)function; (void)attribute; (void)value; return SUCCESS; }

int cuLaunchKernel(void *function, unsigned grid_x, unsigned grid_y, unsigned grid_z, unsigned block_x, unsigned block_y,
                   unsigned block_z, unsigned shared, void *stream, void **parameters, void **extra) {
    WORKS();
    (void)shared, (void)stream, (void)parameters, (void)extra;
    /* The driver refuses an empty grid or block, and a block of more than 1024 threads. */
    unsigned long long threads = (unsigned long long)block_x * block_y * block_z;
    if (!grid_x || !grid_y || !grid_z || !threads || threads > 1024)
        return INVALID_VALUE;
    return effmix_launch(function);
}
