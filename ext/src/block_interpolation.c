/* Blocks that are predicted by interpolation: floats from reconstructed floats, or codes of a map as whole numbers. */
#include "block_parts.h"
#include "cdt_keys.h"
#include "cdt_memory.h"
#include <float.h>
#include <math.h>
#include <string.h>

/* Whole numbers of binary32 that the rounding of predictions allows, with room for what is around them. */
#define MOST_SNAPPED (1 << 21)
enum { MOST_POINTS_TO_FIT = 4096 };
/* Beside the number of axes: points outside go on in a straight line. */
enum { STRAIGHT = 128 };

/* Bring values into the layout's order. */
static int in_order(const cdt_box *box, cdt_ordered *way, size_t size)
{
    if (cdt_layout_is_plain(&way->layout, box->axes)) return CDT_OK;
    void *ordered = cdt_new(cdt_count(box->sides, box->axes) * size);
    if (!ordered) return CDT_NO_MEMORY;
    cdt_permute(way->values, size, box->sides, box->axes, way->layout.order, ordered);
    cdt_drop(way->own);
    way->values = way->own = ordered;
    return CDT_OK;
}

#define T float
#define MOST (FLT_MAX / 1e6f)
#define ROWS f4
#define NAME(name) name##f4
#include "block_interpolation.template.h"
#undef T
#undef MOST
#undef ROWS
#undef NAME
#define T double
#define MOST (DBL_MAX / 1e12)
#define ROWS f8
#define NAME(name) name##f8
#include "block_interpolation.template.h"
#undef T
#undef NAME

/* Levels with weights of their own: fewer for small blocks, whose bytes they would be most of. */
static unsigned levels_to_fit(const cdt_pyramid *pyramid)
{
    size_t n = cdt_count(pyramid->dim[0], 4);
    unsigned levels = 1;
    for (; n > 8 * MOST_POINTS_TO_FIT && levels < CDT_FITTED; n /= 4) levels++;
    return levels < pyramid->levels ? levels : pyramid->levels;
}

static unsigned odd_axes(unsigned c)
{
    return (c & 1u) + (c >> 1 & 1u) + (c >> 2);
}

static uint8_t *put_weights(uint8_t *at, const cdt_pyramid *pyramid, const cdt_interpolation *with)
{
    *at++ = (uint8_t)with->fitted;
    for (unsigned level = 0; level < with->fitted; level++)
        for (unsigned c = 1; c < 8; c++)
            if (!(c & ~pyramid->split[level])) at = cdt_put_bytes(at, with->weights[level][c], 2 * odd_axes(c) * odd_axes(c));
    return at;
}

static void get_weights(cdt_bytes *in, const cdt_pyramid *pyramid, cdt_interpolation *with)
{
    const uint8_t *fitted = cdt_get_bytes(in, 1);
    with->fitted = fitted ? *fitted : 0;
    if (with->fitted < 1 || with->fitted > CDT_FITTED || with->fitted > pyramid->levels) {
        in->corrupt = 1;
        return;
    }
    for (unsigned level = 0; level < with->fitted; level++)
        for (unsigned c = 1; c < 8; c++) {
            if (c & ~pyramid->split[level]) continue;
            const size_t size = 2 * odd_axes(c) * odd_axes(c);
            const uint8_t *from = cdt_get_bytes(in, size);
            if (from) memcpy(with->weights[level][c], from, size);
        }
}

static void or_bits(uint8_t *bits, const uint8_t *more, size_t n)
{
    for (size_t i = 0; i < (n + 7) / 8; i++) bits[i] |= more[i];
}

/* Bits of points in the layout's order to bits of places in the block. */
static int order_back(const cdt_box *box, const cdt_layout *layout, uint8_t *bits)
{
    const size_t n = cdt_count(box->sides, box->axes);
    if (cdt_layout_is_plain(layout, box->axes)) return CDT_OK;
    const size_t room = (n + 7) / 8 * 8;
    uint8_t *flags = cdt_new(2 * room);
    if (!flags) return CDT_NO_MEMORY;
    for (size_t i = 0; i < n; i += 8) {
        const uint64_t eight = bits[i / 8] * 0x0101010101010101u & 0x8040201008040201u; /* byte j has bit j or is 0 */
        memcpy(flags + i, &eight, sizeof eight);
    }
    cdt_permute_back(flags, 1, box->sides, box->axes, layout->order, flags + room);
    cdt_active_kernels()->places.pack(flags + room, n, bits);
    cdt_drop(flags);
    return CDT_OK;
}

static int start_floats(const cdt_coding *coding, const cdt_box *box, cdt_ordered *way)
{
    way->cells = (cdt_cells){.step = coding->map.step, .bound = coding->promise.value};
    if (coding->type == CDT_F8) return start_floats_f8(coding, box, way);
    if ((double)(float)way->cells.bound > way->cells.bound) way->cells.bound = (double)nextafterf((float)way->cells.bound, 0.0f);
    return start_floats_f4(coding, box, way);
}

/* Whole numbers to interpolate in the layout's order: `from` minus `base`. CDT_BAD_ARGUMENT: too far apart. */
static int start_whole(const cdt_box *box, cdt_ordered *way, cdt_type type, const void *from, int64_t base)
{
    const size_t n = cdt_count(box->sides, box->axes);
    float *plain = cdt_new(n * sizeof *plain);
    size_t near = 0;
    if (!plain) return CDT_NO_MEMORY;
    way->base = (uint64_t)base;
    way->values = way->own = plain;
#define WHOLE(CASE, TYPE)                                                                                                \
    case CASE:                                                                                                           \
        for (size_t i = 0; i < n; i++) {                                                                                 \
            const int64_t d = (int64_t)((const TYPE *)from)[i] - base;                                                   \
            near += (d <= MOST_SNAPPED) & (d >= -MOST_SNAPPED);                                                          \
            plain[i] = (float)(int32_t)d;                                                                                \
        }                                                                                                                \
        break;
    switch (type) {
        WHOLE(CDT_I1, int8_t)
        WHOLE(CDT_U1, uint8_t)
        WHOLE(CDT_I2, int16_t)
        WHOLE(CDT_U2, uint16_t)
        WHOLE(CDT_I4, int32_t)
        WHOLE(CDT_U4, uint32_t)
    default: break;
    }
#undef WHOLE
    return near == n ? in_order(box, way, sizeof *plain) : CDT_BAD_ARGUMENT;
}

/* Codes of a map as whole numbers: predictions are rounded to them, and every residual is exact. */
static int start_codes(const cdt_coding *coding, int lossless, const cdt_box *box, cdt_ordered *way)
{
    const size_t n = cdt_count(box->sides, box->axes);
    cdt_coded coded = {0};
    way->cells = (cdt_cells){.step = 1.0, .bound = 0.5, .snap = 1};
    int status = cdt_coded_start(coding, lossless, box, &coded, &way->measured);
    if (status == CDT_OK && coded.map.width != 4) status = CDT_BAD_ARGUMENT;
    if (status == CDT_OK) status = start_whole(box, way, CDT_I4, coded.codes, ((const int32_t *)coded.codes)[0]);
    if (status == CDT_OK) memcpy(way->exact, coded.exact, (n + 7) / 8);
    way->n_exact = coded.n_exact;
    cdt_coded_end(&coded);
    return status;
}

/* Integers in cells of 2 s + 1: predictions are rounded to whole numbers, so that each is off by s at most. */
static int start_integers(const cdt_coding *coding, const cdt_box *box, cdt_ordered *way)
{
    const double cell = 2.0 * (double)coding->map.integer_step + 1.0;
    if (coding->type >= CDT_I8 || coding->promise.n_missing || cell > MOST_SNAPPED) return CDT_BAD_ARGUMENT;
    way->cells = (cdt_cells){.step = cell, .bound = cell / 2, .snap = 1};
    const int64_t base = cdt_number_at(coding->type, box->values, 0);
    way->low = (double)(cdt_number_key(coding->type, -INFINITY) - base);
    way->high = (double)(cdt_number_key(coding->type, INFINITY) - base);
    return start_whole(box, way, coding->type, box->values, base);
}

static int plan(cdt_pyramid *pyramid, cdt_layout *layout, const size_t *sides, unsigned axes, unsigned interpolated)
{
    static const unsigned split[4] = {0, 1, 3, 7};
    if (interpolated < 1 || interpolated > 3) return CDT_BAD_ARGUMENT;
    cdt_layout_measure(layout, sides, axes, 3 - interpolated);
    if (cdt_pyramid_plan(layout->dim, split[interpolated], pyramid) != CDT_OK) return CDT_BAD_ARGUMENT;
    return pyramid->levels ? CDT_OK : CDT_BAD_ARGUMENT;
}

void cdt_ordered_end(cdt_ordered *ordered)
{
    cdt_drop(ordered->own);
    cdt_drop(ordered->exact);
    ordered->own = NULL;
    ordered->exact = NULL;
}

int cdt_ordered_start(const cdt_coding *coding, int lossless, const cdt_box *box, cdt_ordered *ordered)
{
    const size_t n = cdt_count(box->sides, box->axes);
    ordered->lossless = lossless;
    ordered->snapped = lossless || coding->map.kind != CDT_MAP_LINEAR || coding->type == CDT_F2 || coding->on_grid;
    ordered->numbers = !lossless && coding->map.kind == CDT_MAP_STEPS;
    ordered->exact = cdt_new_zeros(n / 8 + 32);
    if (!ordered->exact) return CDT_NO_MEMORY;
    cdt_layout_choose(&ordered->layout, box->sides, box->axes);
    const int status = ordered->numbers   ? start_integers(coding, box, ordered)
                       : ordered->snapped ? start_codes(coding, lossless, box, ordered)
                                          : start_floats(coding, box, ordered);
    ordered->fit = status == CDT_OK;
    return status == CDT_BAD_ARGUMENT ? CDT_OK : status;
}

void cdt_interpolated_end(cdt_interpolated *way)
{
    cdt_drop(way->places);
    way->places = NULL;
}

int cdt_interpolated_prepare(const cdt_coding *coding, const cdt_box *box, const cdt_ordered *ordered, unsigned axes,
                             cdt_interpolated *way)
{
    way->bits = INFINITY;
    way->axes = axes;
    way->layout = ordered->layout;
    way->with.cells = ordered->cells;
    if (!ordered->snapped) {
        way->with.missing = coding->promise.missing;
        way->with.n_missing = coding->promise.n_missing;
    }
    way->with.low = ordered->low;
    way->with.high = ordered->high;
    way->with.straight = ordered->straight;
    if (plan(&way->pyramid, &way->layout, box->sides, box->axes, axes) != CDT_OK) return CDT_OK;
    way->with.fitted = levels_to_fit(&way->pyramid);
    return !ordered->snapped && coding->type == CDT_F8 ? prepare_f8(ordered, way) : prepare_f4(ordered, way);
}

int cdt_interpolated_finish(const cdt_coding *coding, const cdt_box *box, const cdt_ordered *ordered, cdt_interpolated *way,
                            cdt_attempt *made)
{
    const size_t n = cdt_count(box->sides, box->axes), size = cdt_size_of(coding->type);
    size_t n_exact = ordered->n_exact;
    cdt_entropy entropy = {0};
    uint8_t *bad = cdt_new_zeros(n / 8 + 32);
    int status = bad ? CDT_OK : CDT_NO_MEMORY;
    if (status == CDT_OK)
        status = !ordered->snapped && coding->type == CDT_F8 ? encode_f8(ordered, way, &entropy, bad)
                                                             : encode_f4(ordered, way, &entropy, bad);
    if (status != CDT_OK || (ordered->snapped && way->with.bad)) goto out; /* beyond whole numbers: leave it to differences */
    cdt_measured measured = ordered->measured;
    if (!ordered->snapped) {
        if (way->with.bad) status = order_back(box, &way->layout, bad);
        if (status != CDT_OK) goto out;
        n_exact += way->with.bad;
        measured.exact = n_exact;
    }
    if (!ordered->snapped || ordered->numbers) measured.max_error = way->with.max_error;
    or_bits(bad, ordered->exact, n);
    status = CDT_NO_MEMORY;
    made->measured = measured;
    made->measured.lossy = !ordered->lossless && coding->promise.kind != CDT_LOSSLESS;
    made->bytes = cdt_new(1024 + cdt_exact_bound(n, n_exact, size) + cdt_entropy_size(&entropy));
    if (!made->bytes) goto out;
    uint8_t *at = made->bytes;
    *at++ = (uint8_t)(CDT_INTERPOLATED | (ordered->lossless ? CDT_LOSSLESS_MAP : 0) | (ordered->snapped ? CDT_SNAPPED : 0) |
                      (ordered->numbers ? CDT_NUMBERS : 0));
    at = cdt_exact_put(at, box->values, size, box->sides, box->axes, bad, n_exact, 0);
    if (!at) goto out;
    at = cdt_layout_put(at, &way->layout, box->axes);
    *at++ = (uint8_t)(way->axes | (way->with.straight ? STRAIGHT : 0));
    at = ordered->snapped ? cdt_put_bytes(at, &ordered->base, 4) : cdt_put_bytes(at, &way->with.origin, 8);
    at = put_weights(at, &way->pyramid, &way->with);
    at = cdt_entropy_put(at, &entropy);
    made->length = (size_t)(at - made->bytes);
    status = CDT_OK;
out:
    cdt_drop(bad);
    cdt_entropy_end(&entropy);
    return status;
}

/* Sides of a block's points at a level: every 2^level-th along interpolated axes. */
static void coarse_sides(const cdt_interpolated *w, const size_t *sides, unsigned axes, unsigned level, size_t *coarse)
{
    for (unsigned p = 0; p < axes; p++) {
        const unsigned a = w->layout.order[p];
        coarse[a] = p + w->axes < axes || level >= 32 ? sides[a] : (sides[a] + ((size_t)1 << level) - 1) >> level;
    }
}

static int get_codes(const cdt_coding *coding, unsigned head, cdt_bytes *in, const cdt_interpolated *w, uint64_t start,
                     unsigned level, const size_t *sides, unsigned axes, void *values)
{
    const cdt_map map = (head & CDT_LOSSLESS_MAP) ? cdt_lossless_map(coding->type) : coding->map;
    const size_t n = cdt_count(sides, axes);
    if (map.width != 4 || ((head & CDT_NUMBERS) && map.kind != CDT_MAP_STEPS)) return CDT_CORRUPT;
    float *whole = cdt_new(2 * n * sizeof *whole);
    if (!whole) return CDT_NO_MEMORY;
    int status = get_interpolated_f4(&w->pyramid, &w->with, in, level, whole);
    if (status == CDT_OK) {
        float *plain = whole + n;
        int32_t *codes = (int32_t *)(void *)whole;
        const int64_t base = coding->type == CDT_U4 ? (int64_t)(uint32_t)start : (int64_t)(int32_t)start;
        cdt_permute_back(whole, sizeof *whole, sides, axes, w->layout.order, plain);
        for (size_t i = 0; i < n; i++)
            if (!(plain[i] >= -8388608.0f && plain[i] <= 8388608.0f)) status = CDT_CORRUPT;
        for (size_t i = 0; status == CDT_OK && i < n; i++) {
            codes[i] = (int32_t)((uint32_t)(int32_t)plain[i] + (uint32_t)start);
            if (head & CDT_NUMBERS) cdt_put_nearest(coding->type, base + (int32_t)plain[i], values, i);
        }
        if (status == CDT_OK && !(head & CDT_NUMBERS)) status = cdt_map_decode(&map, coding->type, codes, n, values);
    }
    cdt_drop(whole);
    return status;
}

int cdt_get_interpolation(const cdt_coding *coding, unsigned head, cdt_bytes *in, unsigned level, const size_t *sides, unsigned axes,
                          void *values, size_t *coarse)
{
    const size_t size = cdt_size_of(coding->type);
    const int snapped = (head & CDT_SNAPPED) != 0;
    cdt_bytes exact = *in;
    cdt_interpolated w = {0};
    void *ordered = NULL;
    int status = cdt_exact_skip(in, size, cdt_count(sides, axes));
    if (status != CDT_OK) return status;
    cdt_layout_get(in, &w.layout, axes);
    const uint8_t *interpolated = cdt_get_bytes(in, 1), *start = cdt_get_bytes(in, snapped ? 4 : 8);
    if (in->corrupt || plan(&w.pyramid, &w.layout, sides, axes, *interpolated & ~(unsigned)STRAIGHT) != CDT_OK) return CDT_CORRUPT;
    if (!snapped && ((head & CDT_LOSSLESS_MAP) || coding->map.kind != CDT_MAP_LINEAR)) return CDT_CORRUPT;
    if (!snapped && coding->type != CDT_F4 && coding->type != CDT_F8) return CDT_CORRUPT;
    uint64_t base = 0;
    memcpy(snapped ? (void *)&base : (void *)&w.with.origin, start, snapped ? 4 : 8);
    get_weights(in, &w.pyramid, &w.with);
    if (in->corrupt || ((head & CDT_NUMBERS) && (!snapped || (head & CDT_LOSSLESS_MAP)))) return CDT_CORRUPT;
    if (!snapped && !(fabs(w.with.origin) <= (coding->type == CDT_F4 ? FLT_MAX : DBL_MAX))) return CDT_CORRUPT;
    if (!snapped && coding->type == CDT_F4 && (double)(float)w.with.origin != w.with.origin) return CDT_CORRUPT;
    w.axes = *interpolated & ~(unsigned)STRAIGHT;
    w.with.straight = (*interpolated & STRAIGHT) != 0;
    w.with.cells = snapped ? (cdt_cells){.step = 1.0, .snap = 1} : (cdt_cells){.step = coding->map.step};
    if (head & CDT_NUMBERS) w.with.cells.step = 2.0 * (double)coding->map.integer_step + 1.0;
    level = level < w.pyramid.levels ? level : w.pyramid.levels;
    coarse_sides(&w, sides, axes, level, coarse);
    if (snapped) status = get_codes(coding, head, in, &w, base, level, coarse, axes, values);
    else {
        const int plain = cdt_layout_is_plain(&w.layout, axes);
        ordered = plain ? NULL : cdt_new(cdt_count(coarse, axes) * size);
        void *to = plain ? values : ordered;
        if (!to) return CDT_NO_MEMORY;
        status = coding->type == CDT_F4 ? get_interpolated_f4(&w.pyramid, &w.with, in, level, to)
                                        : get_interpolated_f8(&w.pyramid, &w.with, in, level, to);
        if (status == CDT_OK && !plain) cdt_permute_back(ordered, size, coarse, axes, w.layout.order, values);
    }
    cdt_drop(ordered);
    return status == CDT_OK && !level ? cdt_exact_get(&exact, values, size, sides, axes) : status;
}
