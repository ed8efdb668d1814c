/* The kernels in plain C, for every machine. */
#define CDT_SIMD 0
#define CDT_LEVEL baseline
#include "simd_level.h"
#include "simd_all.h"
