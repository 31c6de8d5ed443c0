/* The device's memory is main memory, up to the limit of EFFMIX_CUDA_MEMORY, and zero where nothing was copied to. */
#include "stub.h"
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef unsigned long long address;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static size_t used, peak;

/* Stands before the bytes of an allocation, which are aligned as the driver's are. */
enum { HEADER = 256 };

static size_t total(void) { return (size_t)effmix_number("EFFMIX_CUDA_MEMORY", 80LL << 30); }

static address at(const void *pointer) { return (address)(uintptr_t)pointer; }
static void *to(address of) { return (void *)(uintptr_t)of; }

int cuDeviceTotalMem_v2(size_t *bytes, int device) { WORKS(); (void)device; *bytes = total(); return SUCCESS; }

int cuMemGetInfo_v2(size_t *free_bytes, size_t *total_bytes) {
    WORKS();
    pthread_mutex_lock(&lock);
    *total_bytes = total();
    *free_bytes = *total_bytes - used;
    pthread_mutex_unlock(&lock);
    return SUCCESS;
}

static int allocate(address *out, size_t bytes) {
    WORKS();
    if (bytes == 0)
        return INVALID_VALUE;
    pthread_mutex_lock(&lock);
    int fits = bytes <= total() - used;
    if (fits)
        used += bytes;
    if (used > peak)
        peak = used;
    pthread_mutex_unlock(&lock);
    char *block = NULL;
    if (!fits || posix_memalign((void **)&block, HEADER, HEADER + bytes))
        return OUT_OF_MEMORY;
    memset(block, 0, HEADER + bytes);
    *(size_t *)block = bytes;
    *out = at(block + HEADER);
    effmix_count(ALLOCATIONS, bytes);
    return SUCCESS;
}

static int release(address of) {
    WORKS();
    if (of) {
        char *block = (char *)to(of) - HEADER;
        pthread_mutex_lock(&lock);
        used -= *(size_t *)block;
        pthread_mutex_unlock(&lock);
        free(block);
    }
    return SUCCESS;
}

int cuMemAlloc_v2(address *out, size_t bytes) { return allocate(out, bytes); }
int cuMemAllocAsync(address *out, size_t bytes, void *stream) { (void)stream; return allocate(out, bytes); }
int cuMemFree_v2(address of) { return release(of); }
int cuMemFreeAsync(address of, void *stream) { (void)stream; return release(of); }
int cuMemHostAlloc(void **out, size_t bytes, unsigned flags) { WORKS(); (void)flags; *out = calloc(1, bytes); return *out ? SUCCESS : OUT_OF_MEMORY; }
int cuMemFreeHost(void *of) { WORKS(); free(of); return SUCCESS; }

/* The one pool of memory has what is used, and keeps nothing. */
static char pool_of_device[1];

int cuDeviceGetDefaultMemPool(void **pool, int device) { WORKS(); (void)device; *pool = pool_of_device; return SUCCESS; }
int cuDeviceGetMemPool(void **pool, int device) { return cuDeviceGetDefaultMemPool(pool, device); }

/* The numbers are those of CUmemPool_attribute in cuda.h: reserved and used memory, now (5, 7) and at most (6, 8). */
int cuMemPoolGetAttribute(void *pool, int attribute, void *value) {
    WORKS();
    if (pool != pool_of_device || attribute < 5 || attribute > 8)
        return INVALID_VALUE;
    pthread_mutex_lock(&lock);
    *(uint64_t *)value = attribute % 2 ? used : peak;
    pthread_mutex_unlock(&lock);
    return SUCCESS;
}

/* The most can be set to 0 alone: from then on it is counted anew. */
int cuMemPoolSetAttribute(void *pool, int attribute, void *value) {
    WORKS();
    if (pool != pool_of_device || (attribute != 6 && attribute != 8) || *(uint64_t *)value != 0)
        return INVALID_VALUE;
    pthread_mutex_lock(&lock);
    peak = used;
    pthread_mutex_unlock(&lock);
    return SUCCESS;
}

static int copy(enum effmix_kind kind, void *out, const void *from, size_t bytes) {
    WORKS();
    memmove(out, from, bytes);
    effmix_count(kind, bytes);
    return SUCCESS;
}

int cuMemcpyHtoD_v2(address out, const void *from, size_t bytes) { return copy(TO_DEVICE, to(out), from, bytes); }
int cuMemcpyHtoDAsync_v2(address out, const void *from, size_t bytes, void *stream) { (void)stream; return copy(TO_DEVICE, to(out), from, bytes); }
int cuMemcpyDtoH_v2(void *out, address from, size_t bytes) { return copy(TO_HOST, out, to(from), bytes); }
int cuMemcpyDtoHAsync_v2(void *out, address from, size_t bytes, void *stream) { (void)stream; return copy(TO_HOST, out, to(from), bytes); }
int cuMemcpyDtoD_v2(address out, address from, size_t bytes) { return copy(ON_DEVICE, to(out), to(from), bytes); }
int cuMemcpyDtoDAsync_v2(address out, address from, size_t bytes, void *stream) { (void)stream; return copy(ON_DEVICE, to(out), to(from), bytes); }

static int fill(address out, unsigned char value, size_t bytes) {
    WORKS();
    memset(to(out), value, bytes);
    effmix_count(FILLS, bytes);
    return SUCCESS;
}

int cuMemsetD8_v2(address out, unsigned char value, size_t bytes) { return fill(out, value, bytes); }
int cuMemsetD8Async(address out, unsigned char value, size_t bytes, void *stream) { (void)stream; return fill(out, value, bytes); }
