/* What the process asked of the device, written as a line of JSON when it ends; and the device's state. */
#include "stub.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    char name[120];
    long long times;
} kernel;

typedef struct {
    kernel kernels[1024];
    size_t length;
} table;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static table launches, products;
static long long launched;
static struct {
    long long times, bytes;
} counts[KINDS];
static const char *const KIND_NAMES[KINDS] = {"copies_to_device", "copies_to_host", "copies_on_device", "fills", "allocations"};

long long effmix_number(const char *variable, long long otherwise) {
    const char *text = getenv(variable);
    return text && *text ? atoll(text) : otherwise;
}

static int is_lost(void) {
    long long at = effmix_number("EFFMIX_CUDA_FAIL_AT", 0);
    return at > 0 && launched >= at;
}

static int code_of_loss(void) {
    return is_lost() ? (int)effmix_number("EFFMIX_CUDA_FAIL_CODE", 719) : SUCCESS;
}

int effmix_state(void) {
    int code = (int)effmix_number("EFFMIX_CUDA_ERROR", 100);
    if (code)
        return code;
    pthread_mutex_lock(&lock);
    code = code_of_loss();
    pthread_mutex_unlock(&lock);
    return code;
}

static void add(table *to, const char *name) {
    size_t i = 0;
    while (i < to->length && strcmp(to->kernels[i].name, name))
        i++;
    if (i == sizeof to->kernels / sizeof *to->kernels)
        return;
    if (i == to->length) {
        strncpy(to->kernels[i].name, name, sizeof to->kernels[i].name - 1);
        to->length++;
    }
    to->kernels[i].times++;
}

static int count_launch(table *to, const char *name) {
    pthread_mutex_lock(&lock);
    launched++;
    int code = code_of_loss();
    if (!code)
        add(to, name);
    pthread_mutex_unlock(&lock);
    return code;
}

int effmix_launch(const char *kernel) { return count_launch(&launches, kernel); }
int effmix_product(const char *function) { return count_launch(&products, function); }

void effmix_count(enum effmix_kind kind, size_t bytes) {
    pthread_mutex_lock(&lock);
    counts[kind].times++;
    counts[kind].bytes += (long long)bytes;
    pthread_mutex_unlock(&lock);
}

/* Names of kernels and functions are identifiers: nothing in them has to be escaped. */
static void write_table(FILE *out, const char *name, const table *of) {
    fprintf(out, "\"%s\":{", name);
    for (size_t i = 0; i < of->length; i++)
        fprintf(out, "%s\"%s\":%lld", i ? "," : "", of->kernels[i].name, of->kernels[i].times);
    fprintf(out, "}");
}

__attribute__((destructor)) static void write_counts(void) {
    const char *path = getenv("EFFMIX_CUDA_COUNTS");
    FILE *out = path && *path ? fopen(path, "a") : NULL;
    if (!out)
        return;
    fprintf(out, "{");
    write_table(out, "launches", &launches);
    fprintf(out, ",");
    write_table(out, "products", &products);
    for (int kind = 0; kind < KINDS; kind++)
        fprintf(out, ",\"%s\":{\"times\":%lld,\"bytes\":%lld}", KIND_NAMES[kind], counts[kind].times, counts[kind].bytes);
    fprintf(out, "}\n");
    fclose(out);
}
