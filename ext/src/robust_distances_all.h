/* Every family of kernels of robust_distances, for both types of numbers, and the table of this level. */
#include "vectors.simd.h"
#include "robust_distances_vectors.simd.h"

/* Rows of numbers start on a line of cache. */
#define LINE ((size_t)64)

#define NUMBER float
#define VECTOR vf4
#define NUMBER_MAX __FLT_MAX__
#define LESSER LESSER_F4
#define LARGER LARGER_F4
#define LANES ((size_t)LANES_F4)
#define LOAD LOAD_F4
#define STORE STORE_F4
#define LOAD_WIDE LOAD_F4_WIDE
#define STORE_NARROW STORE_F4_NARROW
#define BIAS 127
#define BIT int32_t
#define BITS vi4
#define MAGNITUDE INT32_MAX
#define LARGER_BITS LARGER_I4
/* Sums of floats have room in double; those of doubles are of halves and shares. */
#define WINDOW_HALF(value) (value)
#define WINDOW_SHARE(value, kept) (value)
#define WINDOW_WHOLE(sum, kept) ((sum) / (double)(kept))
#define FOLD LEVEL(fold_f4)
#define SUM LEVEL(sum_f4)
#define TYPED(name) LEVEL_JOIN(LEVEL_JOIN(name, f4), CDT_LEVEL)
#include "robust_distances.template.h"
#undef NUMBER
#undef VECTOR
#undef NUMBER_MAX
#undef LESSER
#undef LARGER
#undef LANES
#undef LOAD
#undef STORE
#undef LOAD_WIDE
#undef STORE_NARROW
#undef BIAS
#undef BIT
#undef BITS
#undef MAGNITUDE
#undef LARGER_BITS
#undef WINDOW_HALF
#undef WINDOW_SHARE
#undef WINDOW_WHOLE
#undef FOLD
#undef SUM
#undef TYPED

#define NUMBER double
#define VECTOR vf8
#define NUMBER_MAX __DBL_MAX__
#define LESSER LESSER_F8
#define LARGER LARGER_F8
#define LANES ((size_t)LANES_F8)
#define LOAD LOAD_F8
#define STORE STORE_F8
#define LOAD_WIDE LOAD_F8
#define STORE_NARROW STORE_F8
#define BIAS 1023
#define BIT int64_t
#define BITS vi8
#define MAGNITUDE INT64_MAX
#define LARGER_BITS LARGER_I8
#define WINDOW_HALF(value) (0.5 * (value))
#define WINDOW_SHARE(value, kept) ((value) / (double)(kept))
#define WINDOW_WHOLE(sum, kept) (sum)
#define FOLD LEVEL(fold_f8)
#define SUM LEVEL(sum_f8)
#define TYPED(name) LEVEL_JOIN(LEVEL_JOIN(name, f8), CDT_LEVEL)
#include "robust_distances.template.h"

#define DISTANCES_OF(F) {LEVEL(gram_##F), LEVEL(apart_##F), LEVEL(weigh_##F), LEVEL(window_mean_##F)}

const cdt_kernels LEVEL(cdt_kernels) = {.distances = {DISTANCES_OF(f4), DISTANCES_OF(f8)}};
