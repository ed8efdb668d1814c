/* Mondrian cuts for both types of codes, and the table of this level. */
#define CODE uint16_t
#define NAME(name) LEVEL(name##_u2)
#include "partition_cut.simd.h"
#undef CODE
#undef NAME
#undef WIDTH
#undef MOST_CUTS
#define CODE uint32_t
#define NAME(name) LEVEL(name##_u4)
#include "partition_cut.simd.h"

const cdt_kernels LEVEL(cdt_kernels) = {.cut_u2 = LEVEL(cut_all_u2), .cut_u4 = LEVEL(cut_all_u4)};
