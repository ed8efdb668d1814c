#define CDT_SIMD 0
#define CDT_FAMILIES "simd_all.h"
#include "cdt_simd.h"
#include "level.h"
