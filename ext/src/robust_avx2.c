#define CDT_SIMD 2
#define CDT_FAMILIES "robust_all.h"
#include <float.h>
#include "cdt_robust.h"
#include "level.h"
