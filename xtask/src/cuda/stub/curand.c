/* Stands in for cuRAND: a generator leaves the numbers as they are, which is counted as a launch. The functions are those that candle calls. */
#include "stub.h"

/* CURAND_STATUS_INITIALIZATION_FAILED and CURAND_STATUS_LAUNCH_FAILURE. */
enum { INITIALIZATION_FAILED = 203, LAUNCH_FAILURE = 201 };

static char generator[1];

int curandCreateGenerator(void **out, int kind) { (void)kind; *out = generator; return effmix_state() ? INITIALIZATION_FAILED : SUCCESS; }
int curandDestroyGenerator(void *of) { (void)of; return SUCCESS; }
int curandSetPseudoRandomGeneratorSeed(void *of, unsigned long long seed) { (void)of; (void)seed; return SUCCESS; }
int curandSetGeneratorOffset(void *of, unsigned long long offset) { (void)of; (void)offset; return SUCCESS; }
int curandSetStream(void *of, void *stream) { (void)of; (void)stream; return SUCCESS; }

/* In the C ABI a function may leave its arguments unread. */
#define DRAWS(name) int name(void) { return effmix_launch(#name) ? LAUNCH_FAILURE : SUCCESS; }
DRAWS(curandGenerateUniform)
DRAWS(curandGenerateUniformDouble)
DRAWS(curandGenerateNormal)
DRAWS(curandGenerateNormalDouble)
DRAWS(curandGenerateLogNormal)
DRAWS(curandGenerateLogNormalDouble)
