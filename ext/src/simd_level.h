/* What the levels share: headers, before any of them changes the compiler's target, and the level's own names. */
#include "cdt_simd.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#if defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__)) && !defined(CDT_BASELINE_ONLY)
#define CDT_X86
#include <immintrin.h>
#endif

#define LEVEL_JOIN_(a, b) a##_##b
#define LEVEL_JOIN(a, b) LEVEL_JOIN_(a, b)
#define LEVEL(name) LEVEL_JOIN(name, CDT_LEVEL)
