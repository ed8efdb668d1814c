/* Every family of robust kernels, for both types, and the table of this level. */
#include "vectors.simd.h"
#include "robust_keys.simd.h"
#include "robust_network.simd.h"

#ifdef __GNUC__
#define PREFETCH(at) __builtin_prefetch(at, 0, 1)
#else
#define PREFETCH(at) ((void)(at))
#endif

#define NUMBER float
#define LARGEST FLT_MAX
#define KEY key_f4
#define BITS vi4
#define BITS_ANY vi4_any
#define LANES LANES_F4
#define UNSIGNED vu4
#define WORD int32_t
#define LESSER LESSER_F4
#define LARGER LARGER_F4
#define KEY_MIN MIN_F4
#define KEY_MAX MAX_F4
#define KEY_OTHER OTHER_F4
#define ADD_ABOVE ADD_ABOVE_F4
#define ADD_VOTES_ABOVE ADD_VOTES_ABOVE_F4
#define MIN_FROM MIN_FROM_F4
#define MAX_NOT_ABOVE MAX_NOT_ABOVE_F4
#define INTEGER_KEY LEVEL(integer_key_f4)
#define SHARE SHARE_F4
#define ENCODE ENCODE_F4
#define ORDER_OF_KEY ORDER_OF_KEY_F4
#define KEY_OF_ORDER KEY_OF_ORDER_F4
#define DECODE DECODE_F4
#define KEY_TOP TOP_F4
#define KEY_BOTTOM BOTTOM_F4
#define FLOATS vf4
#define ROBUST(name) LEVEL_JOIN(LEVEL_JOIN(robust_##name, f4), CDT_LEVEL)
#include "robust_families.h"

#define NUMBER double
#define LARGEST DBL_MAX
#define KEY key_f8
#define BITS vi8
#define BITS_ANY vi8_any
#define LANES LANES_F8
#define UNSIGNED vu8
#define WORD int64_t
#define LESSER LESSER_F8
#define LARGER LARGER_F8
#define KEY_MIN MIN_F8
#define KEY_MAX MAX_F8
#define KEY_OTHER OTHER_F8
#define ADD_ABOVE ADD_ABOVE_F8
#define ADD_VOTES_ABOVE ADD_VOTES_ABOVE_F8
#define MIN_FROM MIN_FROM_F8
#define MAX_NOT_ABOVE MAX_NOT_ABOVE_F8
#define INTEGER_KEY LEVEL(integer_key_f8)
#define SHARE SHARE_F8
#define ENCODE ENCODE_F8
#define ORDER_OF_KEY ORDER_OF_KEY_F8
#define KEY_OF_ORDER KEY_OF_ORDER_F8
#define DECODE DECODE_F8
#define KEY_TOP TOP_F8
#define KEY_BOTTOM BOTTOM_F8
#define FLOATS vf8
#define ROBUST(name) LEVEL_JOIN(LEVEL_JOIN(robust_##name, f8), CDT_LEVEL)
#include "robust_families.h"

#define ROBUST_OF(F) {LEVEL(robust_median_##F), LEVEL(robust_weighted_median_##F), LEVEL(robust_trimmed_##F), LEVEL(robust_mean_##F)}

const cdt_kernels LEVEL(cdt_kernels) = {.robust = {ROBUST_OF(f4), ROBUST_OF(f8)}};
