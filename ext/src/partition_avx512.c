#define CDT_SIMD 512
#define CDT_FAMILIES "partition_all.h"
#include "cdt_partition.h"
#include "level.h"
