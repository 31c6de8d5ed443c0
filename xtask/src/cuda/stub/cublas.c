/* Stands in for cuBLAS: a matrix product is counted and computes nothing. The functions are those that candle calls. */
#include "stub.h"

/* CUBLAS_STATUS_NOT_INITIALIZED, and CUBLAS_STATUS_EXECUTION_FAILED after a lost device. */
enum { NOT_INITIALIZED = 1, EXECUTION_FAILED = 13 };

static char handle[1];

int cublasCreate_v2(void **out) { *out = handle; return effmix_state() ? NOT_INITIALIZED : SUCCESS; }
int cublasDestroy_v2(void *of) { (void)of; return SUCCESS; }
int cublasSetStream_v2(void *of, void *stream) { (void)of; (void)stream; return SUCCESS; }
int cublasSetMathMode(void *of, int mode) { (void)of; (void)mode; return SUCCESS; }
int cublasSetWorkspace_v2(void *of, void *workspace, unsigned long bytes) { (void)of; (void)workspace; (void)bytes; return SUCCESS; }

/* In the C ABI a function may leave its arguments unread. */
#define PRODUCT(name) int name(void) { return effmix_product(#name) ? EXECUTION_FAILED : SUCCESS; }
PRODUCT(cublasSgemm_v2)
PRODUCT(cublasDgemm_v2)
PRODUCT(cublasHgemm)
PRODUCT(cublasGemmEx)
PRODUCT(cublasSgemmStridedBatched)
PRODUCT(cublasDgemmStridedBatched)
PRODUCT(cublasHgemmStridedBatched)
PRODUCT(cublasGemmStridedBatchedEx)
