/* The tensor kernels in plain C with vectors of 16 bytes, for every machine. */
#define CDT_SIMD 0
#define CDT_LEVEL baseline
#include "tensor_level.h"
#include "tensor_all.h"
