#include "cdt_tensor.h"
#include <stddef.h>
#include <string.h>

extern const cdt_tensor_kernels cdt_tensor_kernels_baseline;
#if defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__)) && !defined(CDT_BASELINE_ONLY)
extern const cdt_tensor_kernels cdt_tensor_kernels_avx2, cdt_tensor_kernels_avx512;
static int has_avx2(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi") &&
           __builtin_cpu_supports("bmi2");
}

static int has_avx512(void)
{
    return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512cd");
}
#define LEVELS 3
static const cdt_tensor_kernels *const all[LEVELS] = {&cdt_tensor_kernels_avx512, &cdt_tensor_kernels_avx2,
                                                      &cdt_tensor_kernels_baseline};
static int (*const has[LEVELS - 1])(void) = {has_avx512, has_avx2};
#else
#define LEVELS 1
static const cdt_tensor_kernels *const all[LEVELS] = {&cdt_tensor_kernels_baseline};
static int (*const has[1])(void) = {NULL};
#endif
static const char *const names[] = {"avx512", "avx2", "baseline"};

static const cdt_tensor_kernels *active;

int cdt_use_tensor_kernels(const char *name)
{
    for (int i = 0; i < LEVELS; i++) {
        if (name && strcmp(name, names[3 - LEVELS + i]) != 0) continue;
        if (i == LEVELS - 1 || has[i]()) {
            active = all[i];
            return CDT_OK;
        }
    }
    return CDT_BAD_ARGUMENT;
}

const cdt_tensor_kernels *cdt_active_tensor_kernels(void)
{
    if (!active) cdt_use_tensor_kernels(NULL);
    return active;
}

const char *cdt_tensor_kernels_name(void)
{
    const cdt_tensor_kernels *now = cdt_active_tensor_kernels();
    for (int i = 0; i < LEVELS; i++)
        if (all[i] == now) return names[3 - LEVELS + i];
    return names[2];
}
