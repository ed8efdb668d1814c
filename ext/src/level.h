/* The kernels of one level: CDT_FAMILIES compiled for CDT_SIMD (0, 2, 512), and whether this machine can run them.
 * CDT_ICE_LAKE, before an AVX-512 level: with VBMI2, VPOPCNTDQ and GFNI, too. How it is used: cdt_levels.h. */
#include "cdt_levels.h"
/* Headers before the compiler's target changes. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#ifdef CDT_X86
#include <immintrin.h>
#endif

#define LEVEL_JOIN_(a, b) a##_##b
#define LEVEL_JOIN(a, b) LEVEL_JOIN_(a, b)
#define LEVEL(name) LEVEL_JOIN(name, CDT_LEVEL)

#if CDT_SIMD == 0
#define CDT_LEVEL baseline
int cdt_has_baseline(void)
{
    return 1;
}
#include CDT_FAMILIES

#elif defined(CDT_X86)
#define HAS __builtin_cpu_supports
#define HAS_AVX2 (HAS("avx2") && HAS("fma") && HAS("bmi") && HAS("bmi2"))
#define HAS_AVX512 \
    (HAS_AVX2 && HAS("avx512f") && HAS("avx512bw") && HAS("avx512dq") && HAS("avx512vl") && HAS("avx512cd"))
#define HAS_ICE_LAKE \
    (HAS_AVX512 && HAS("avx512vbmi") && HAS("avx512vbmi2") && HAS("avx512vpopcntdq") && HAS("gfni"))
#if CDT_SIMD == 2 /* Intel since Haswell, AMD since Zen */
#define CDT_LEVEL avx2
#define CDT_HAS HAS_AVX2
#define CDT_TARGET "arch=x86-64-v3"
#elif !defined CDT_ICE_LAKE /* Intel since Skylake-SP, AMD since Zen 4 */
#define CDT_LEVEL avx512
#define CDT_HAS HAS_AVX512
#define CDT_TARGET "arch=x86-64-v4"
#else /* Intel since Ice Lake, AMD since Zen 4 */
#define CDT_LEVEL avx512
#define CDT_HAS HAS_ICE_LAKE
#define CDT_TARGET "arch=x86-64-v4,avx512vbmi,avx512vbmi2,avx512vpopcntdq,gfni"
#endif

int LEVEL(cdt_has)(void)
{
    return CDT_HAS;
}
#ifdef __clang__
#pragma clang attribute push(__attribute__((target(CDT_TARGET))), apply_to = function)
#include CDT_FAMILIES
#pragma clang attribute pop
#else
#define PRAGMA(text) _Pragma(#text)
#define GCC_TARGET(text) PRAGMA(GCC target(text))
#pragma GCC push_options
GCC_TARGET(CDT_TARGET)
#if CDT_SIMD == 512
#pragma GCC target("prefer-vector-width=512")
#endif
#include CDT_FAMILIES
#pragma GCC pop_options
#endif
#endif
