#include "cdt_stats.h"

#include <math.h>
#include <string.h>

#include "cdt_status.h"

/* A tile of two arrays, its work copies and bin numbers stay in the first-level cache. */
#define TILE 1024
/* Sums run in so many lanes: what vectors do anyway, and one order of additions on every path. */
#define LANES 8

static void count_bins(const int32_t *where, size_t n, int64_t *counts)
{
    for (size_t i = 0; i < n; i++)
        counts[where[i]]++;
}

#define T float
#define U uint32_t
#define SUFFIX f4
#define IS_FLOAT 1
#include "stats.template.h"
#undef T
#undef U
#undef SUFFIX
#undef IS_FLOAT

#define T double
#define U uint64_t
#define SUFFIX f8
#define IS_FLOAT 1
#include "stats.template.h"
#undef T
#undef U
#undef SUFFIX
#undef IS_FLOAT

#define T int8_t
#define U uint8_t
#define SUFFIX i1
#define IS_FLOAT 0
#include "stats.template.h"
#undef T
#undef U
#undef SUFFIX
#undef IS_FLOAT

#define T int16_t
#define U uint16_t
#define SUFFIX i2
#define IS_FLOAT 0
#include "stats.template.h"
#undef T
#undef U
#undef SUFFIX
#undef IS_FLOAT

#define T int32_t
#define U uint32_t
#define SUFFIX i4
#define IS_FLOAT 0
#include "stats.template.h"
#undef T
#undef U
#undef SUFFIX
#undef IS_FLOAT

#define T int64_t
#define U uint64_t
#define SUFFIX i8
#define IS_FLOAT 0
#include "stats.template.h"
#undef T
#undef U
#undef SUFFIX
#undef IS_FLOAT

#define T uint8_t
#define U uint8_t
#define SUFFIX u1
#define IS_FLOAT 0
#include "stats.template.h"
#undef T
#undef U
#undef SUFFIX
#undef IS_FLOAT

#define T uint16_t
#define U uint16_t
#define SUFFIX u2
#define IS_FLOAT 0
#include "stats.template.h"
#undef T
#undef U
#undef SUFFIX
#undef IS_FLOAT

#define T uint32_t
#define U uint32_t
#define SUFFIX u4
#define IS_FLOAT 0
#include "stats.template.h"
#undef T
#undef U
#undef SUFFIX
#undef IS_FLOAT

#define T uint64_t
#define U uint64_t
#define SUFFIX u8
#define IS_FLOAT 0
#include "stats.template.h"
#undef T
#undef U
#undef SUFFIX
#undef IS_FLOAT
