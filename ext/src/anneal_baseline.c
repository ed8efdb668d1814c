#define CDT_SIMD 0
#define CDT_FAMILIES "anneal_all.h"
#include "cdt_anneal.h"
#include "level.h"
