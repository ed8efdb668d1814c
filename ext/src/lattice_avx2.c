#define CDT_SIMD 2
#define CDT_FAMILIES "lattice_all.h"
#include "cdt_lattice.h"
#include "level.h"
