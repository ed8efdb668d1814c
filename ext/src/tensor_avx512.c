/* The tensor kernels for AVX-512 (Intel since Skylake-SP, AMD since Zen 4). */
#define CDT_SIMD 512
#define CDT_LEVEL avx512
#include "tensor_level.h"
#ifdef CDT_X86
#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512cd,avx2,fma,bmi,bmi2,lzcnt,popcnt"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("arch=x86-64-v4,prefer-vector-width=512")
#endif
#include "tensor_all.h"
#ifdef __clang__
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif
