#define CDT_SIMD 512
#define CDT_ICE_LAKE
#define CDT_FAMILIES "simd_all.h"
#include "cdt_simd.h"
#include "level.h"
