#define CDT_SIMD 0
#define CDT_FAMILIES "robust_distances_all.h"
#include "cdt_robust_distances.h"
#include "level.h"
