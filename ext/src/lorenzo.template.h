/* Differences along axes and their inverse, once per width: U, NAME, and PLAIN for what has one code at a time. */
#define V U
#define LANES 1
#define VECTOR PLAIN
#define ROWS PLAIN
#include "lorenzo_plain.template.h"
#include "lorenzo_rows.template.h"
#undef V
#undef LANES
#undef VECTOR
#undef ROWS

#if CDT_SIMD
#define V LEVEL(lorenzo_vector)
#define LANES (LORENZO_BYTES / sizeof(U))
#define VECTOR NAME
#define ROWS NAME
#include "lorenzo_vectors.template.h"
#include "lorenzo_rows.template.h"
#undef V
#undef LANES
#undef VECTOR
#undef ROWS
#endif

/* Rows around a row: itself, then those before it along axes, so that the bits set in a row's place say along how many. A row's
 * difference takes those of an odd number away, and adds the others. Returns the number of axes. */
static inline unsigned NAME(around)(const U *row, const size_t steps[3], const size_t index[3], unsigned axes, const U *from[8])
{
    unsigned found = 0;
    from[0] = row;
    for (unsigned a = 0; a < 3; a++) {
        if (!(axes >> a & 1) || index[a] == 0) continue;
        for (unsigned k = 0; k < 1u << found; k++) from[k + (1u << found)] = from[k] - steps[a];
        found++;
    }
    return found;
}

typedef void (*NAME(rows))(const U *const *from, unsigned axes, int along, U *kept, const size_t size[2], U *out);

/* The functions for rows of n codes. */
static inline NAME(rows) NAME(rows_of)(size_t n, int cumulate)
{
#if CDT_SIMD
    if (n >= LORENZO_BYTES / sizeof(U)) return cumulate ? NAME(cumulate_rows) : NAME(difference_rows);
#else
    (void)n;
#endif
    return cumulate ? PLAIN(cumulate_rows) : PLAIN(difference_rows);
}

/* One difference along each of `axes` (bits of batch, z, y, x), the last plane first, or sums, the first one first, so that both can
 * be in place. Rows that are not long keep the row before: what was just stored cannot be read again soon. */
static void NAME(once)(const U *codes, const size_t dim[4], unsigned axes, int cumulate, U *out)
{
    _Alignas(64) U kept[LORENZO_ROW];
    const size_t steps[3] = {dim[1] * dim[2] * dim[3], dim[2] * dim[3], dim[3]};
    const int along_y = axes >> 2 & 1, along_x = axes >> 3 & 1, keep = along_y && dim[3] <= LORENZO_ROW;
    const size_t rows = along_y && !keep ? 1 : dim[2], parts = dim[2] / rows, n = rows * dim[3], all = dim[0] * dim[1] * parts;
    const size_t size[2] = {along_y || along_x ? rows : 1, along_y || along_x ? dim[3] : n};
    const NAME(rows) over_rows = NAME(rows_of)(size[1], cumulate);
    for (size_t i = 0; i < all; i++) {
        const size_t part = cumulate ? i : all - 1 - i;
        const size_t index[3] = {part / parts / dim[1], part / parts % dim[1], part % parts};
        const U *from[8];
        const unsigned found = NAME(around)(codes + part * n, steps, index, axes, from);
        if (keep) memset(kept, 0, (dim[3] + 15) / 16 * 16 * sizeof(U));
        over_rows(from, found, along_x, keep ? kept : NULL, size, out + part * n);
    }
}

static void NAME(difference)(const U *codes, const size_t dim[4], const uint8_t orders[4], U *residuals)
{
    const unsigned once = LEVEL(lorenzo_axes)(orders, 1), twice = LEVEL(lorenzo_axes)(orders, 2);
    if (once || residuals != codes) NAME(once)(codes, dim, once, 0, residuals);
    if (twice) NAME(once)(residuals, dim, twice, 0, residuals);
}

static void NAME(cumulate)(U *codes, const size_t dim[4], const uint8_t orders[4])
{
    const unsigned once = LEVEL(lorenzo_axes)(orders, 1), twice = LEVEL(lorenzo_axes)(orders, 2);
    if (twice) NAME(once)(codes, dim, twice, 1, codes);
    if (once) NAME(once)(codes, dim, once, 1, codes);
}
