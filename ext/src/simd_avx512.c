/* The kernels for AVX-512 with VBMI2, VPOPCNTDQ and GFNI (Intel since Ice Lake, AMD since Zen 4). */
#define CDT_SIMD 512
#define CDT_LEVEL avx512
#include "simd_level.h"
#ifdef CDT_X86
#ifdef __clang__
#pragma clang attribute push( \
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512cd,avx512vbmi,avx512vbmi2,avx512vpopcntdq," \
                          "gfni,bmi,bmi2,lzcnt,popcnt"))), \
    apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("arch=x86-64-v4,avx512vbmi,avx512vbmi2,avx512vpopcntdq,gfni,prefer-vector-width=512")
#endif
#include "simd_all.h"
#ifdef __clang__
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif
