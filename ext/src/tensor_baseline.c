#define CDT_SIMD 0
#define CDT_FAMILIES "tensor_all.h"
#include "cdt_tensor.h"
#include "level.h"
