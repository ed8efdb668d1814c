/* Lorenzo prediction at one level; cdt_lorenzo.h is the contract. */
#define LORENZO_ROW 1024    /* codes: rows up to this long are kept */
#define LORENZO_STRIP 64    /* codes of a sample that are one after another */
#define LORENZO_LEAD 16     /* codes before a strip that are looked at too: at least 2, and 16 keep vectors whole */
#define LORENZO_SMALL 1024  /* codes: smaller blocks are tried whole */
#define LORENZO_ZERO 0x7e00 /* the log of a residual of 0: the bits of 0.5f >> 15 */
#define LORENZO_MOST 4      /* differences along batch, z and y together that are tried */
#define LORENZO_TRIALS 27   /* orders of 0..2 along these three */

#if CDT_SIMD == 512
#include "lorenzo_512.h"
#elif CDT_SIMD == 2
#include "lorenzo_avx2.h"
#endif

/* The axes, as bits, along which at least `order` differences are taken. */
static inline unsigned LEVEL(lorenzo_axes)(const uint8_t orders[4], unsigned order)
{
    unsigned axes = 0;
    for (unsigned a = 0; a < 4; a++) axes |= (unsigned)(orders[a] >= order) << a;
    return axes;
}

#include "lorenzo_trials.simd.h"

#define U uint32_t
#define S int32_t
#define WIDE 0
#define NAME(name) LEVEL(lorenzo_##name##_4)
#define PLAIN(name) LEVEL(lorenzo_plain_##name##_4)
#include "lorenzo.template.h"
#include "lorenzo_choose.template.h"
#undef U
#undef S
#undef WIDE
#undef NAME
#undef PLAIN

#define U uint64_t
#define S int64_t
#define WIDE 1
#define NAME(name) LEVEL(lorenzo_##name##_8)
#define PLAIN(name) LEVEL(lorenzo_plain_##name##_8)
#include "lorenzo.template.h"
#include "lorenzo_choose.template.h"
#undef U
#undef S
#undef WIDE
#undef NAME
#undef PLAIN
