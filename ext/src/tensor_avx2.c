/* The tensor kernels for AVX2 with FMA (Intel since Haswell, AMD since Zen). */
#define CDT_SIMD 2
#define CDT_LEVEL avx2
#include "tensor_level.h"
#ifdef CDT_X86
#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx2,fma,bmi,bmi2,lzcnt,popcnt"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("arch=x86-64-v3")
#endif
#include "tensor_all.h"
#ifdef __clang__
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif
