#define CDT_SIMD 512
#define CDT_FAMILIES "robust_all.h"
#include <float.h>
#include "cdt_robust.h"
#include "level.h"
