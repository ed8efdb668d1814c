/* Blocks that are predicted by interpolation: floats from reconstructed floats, or codes of a map as whole numbers. */
#include "block_parts.h"
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Whole numbers of binary32 that the rounding of predictions allows, with room for what is around them. */
#define MOST_SNAPPED (1 << 21)
enum { MOST_POINTS_TO_FIT = 4096 };

#define T float
#define NAME(name) name##f4
#include "block_interpolation.template.h"
#undef T
#undef NAME
#define T double
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

/* Interpolated points must stay far from the type's limits, so that no weighted sum overflows. */
static int is_moderate(const void *values, cdt_type type, size_t n, const uint8_t *exact)
{
    const double most = type == CDT_F4 ? FLT_MAX / 1e6 : DBL_MAX / 1e12;
    for (size_t i = 0; i < n; i++) {
        const double x = type == CDT_F4 ? (double)((const float *)values)[i] : ((const double *)values)[i];
        if (!(fabs(x) < most) && !(exact[i / 8] >> (i % 8) & 1)) return 0;
    }
    return 1;
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
    uint8_t *flags = malloc(2 * n);
    if (!flags) return CDT_NO_MEMORY;
    for (size_t i = 0; i < n; i++) flags[i] = bits[i / 8] >> (i % 8) & 1;
    cdt_permute_back(flags, 1, box->sides, box->axes, layout->order, flags + n);
    memset(bits, 0, (n + 7) / 8);
    for (size_t i = 0; i < n; i++) bits[i / 8] = (uint8_t)(bits[i / 8] | flags[n + i] << (i % 8));
    free(flags);
    return CDT_OK;
}

/* Places that are exact whatever the prediction: not finite, or missing codes. */
static size_t find_special(const cdt_coding *coding, const cdt_box *box, uint8_t *exact)
{
    const size_t n = cdt_count(box->sides, box->axes);
    size_t found = 0;
    for (size_t i = 0; i < n; i++) {
        const double x = coding->type == CDT_F4 ? (double)((const float *)box->values)[i] : ((const double *)box->values)[i];
        int special = !(fabs(x) <= DBL_MAX);
        for (size_t j = 0; j < coding->promise.n_missing; j++)
            special |= coding->type == CDT_F4 ? ((const float *)box->values)[i] == ((const float *)coding->promise.missing)[j]
                                              : x == ((const double *)coding->promise.missing)[j];
        if (special) {
            exact[i / 8] = (uint8_t)(exact[i / 8] | 1u << (i % 8));
            found++;
        }
    }
    return found;
}

typedef struct {
    cdt_pyramid pyramid;
    cdt_interpolation with;
    cdt_entropy entropy;
    cdt_layout layout;
    uint8_t *exact, *bad;
    size_t n_exact;
    uint64_t base;
} work;

static int interpolate_floats(const cdt_coding *coding, const cdt_box *box, work *w)
{
    const size_t n = cdt_count(box->sides, box->axes);
    int status = CDT_NO_MEMORY;
    w->n_exact = find_special(coding, box, w->exact);
    if (!is_moderate(box->values, coding->type, n, w->exact)) return CDT_BAD_ARGUMENT;
    w->with.cells = (cdt_cells){.step = coding->map.step, .bound = coding->promise.value};
    if (coding->type == CDT_F4) {
        if ((double)(float)w->with.cells.bound > w->with.cells.bound)
            w->with.cells.bound = (double)nextafterf((float)w->with.cells.bound, 0.0f);
        float *filled, *values = plain_values_f4(box, &w->layout, w->exact, &filled);
        if (values) {
            w->with.origin = (double)filled[0];
            status = put_interpolated_f4(&w->pyramid, filled, values, &w->with, &w->entropy, w->bad);
            if (filled != values) free(filled);
            free(values);
        }
    } else {
        double *filled, *values = plain_values_f8(box, &w->layout, w->exact, &filled);
        if (values) {
            w->with.origin = filled[0];
            status = put_interpolated_f8(&w->pyramid, filled, values, &w->with, &w->entropy, w->bad);
            if (filled != values) free(filled);
            free(values);
        }
    }
    return status;
}

/* Codes as whole numbers: predictions are rounded to them, and every residual is exact. */
static int interpolate_codes(const cdt_coding *coding, int lossless, const cdt_box *box, work *w, cdt_measured *measured)
{
    const size_t n = cdt_count(box->sides, box->axes);
    cdt_coded coded = {0};
    float *values = NULL;
    int status = cdt_coded_start(coding, lossless, box, &coded, measured);
    if (status != CDT_OK) goto out;
    status = CDT_BAD_ARGUMENT;
    if (coded.map.width != 4) goto out;
    int32_t *codes = coded.codes;
    w->base = cdt_subtract_first(codes, 4, n);
    for (size_t i = 0; i < n; i++)
        if (codes[i] > MOST_SNAPPED || codes[i] < -MOST_SNAPPED) goto out;
    status = CDT_NO_MEMORY;
    values = malloc(2 * n * sizeof *values);
    if (!values) goto out;
    float *plain = values + n;
    for (size_t i = 0; i < n; i++) plain[i] = (float)codes[i];
    cdt_permute(plain, sizeof *plain, box->sides, box->axes, w->layout.order, values);
    memcpy(w->exact, coded.exact, (n + 7) / 8);
    w->n_exact = coded.n_exact;
    w->with.cells = (cdt_cells){.step = 1.0, .bound = 0.5, .snap = 1};
    status = put_interpolated_f4(&w->pyramid, values, values, &w->with, &w->entropy, w->bad);
out:
    free(values);
    cdt_coded_end(&coded);
    return status;
}

static int plan(work *w, const size_t *sides, unsigned axes, unsigned left_out)
{
    static const unsigned split[3] = {7, 3, 1};
    cdt_layout_measure(&w->layout, sides, axes, left_out);
    if (cdt_pyramid_plan(w->layout.dim, split[left_out], &w->pyramid) != CDT_OK) return CDT_BAD_ARGUMENT;
    return w->pyramid.levels ? CDT_OK : CDT_BAD_ARGUMENT;
}

int cdt_try_interpolation(const cdt_coding *coding, int lossless, const cdt_box *box, unsigned left_out, cdt_attempt *made)
{
    const size_t n = cdt_count(box->sides, box->axes), size = cdt_size_of(coding->type);
    const int snapped = lossless || coding->map.kind != CDT_MAP_LINEAR || coding->type == CDT_F2;
    work w = {0};
    cdt_layout_choose(&w.layout, box->sides, box->axes);
    int status = plan(&w, box->sides, box->axes, left_out);
    if (status != CDT_OK) return CDT_OK;
    w.exact = calloc(2, n / 8 + 32);
    if (!w.exact) return CDT_NO_MEMORY;
    w.bad = w.exact + n / 8 + 32;
    w.with.fitted = levels_to_fit(&w.pyramid);
    status = snapped ? interpolate_codes(coding, lossless, box, &w, &made->measured) : interpolate_floats(coding, box, &w);
    if (status != CDT_OK) goto out;
    if (snapped && w.with.bad) goto out; /* a prediction beyond whole numbers: leave it to differences */
    if (!snapped) {
        status = order_back(box, &w.layout, w.bad);
        if (status != CDT_OK) goto out;
        or_bits(w.exact, w.bad, n);
        w.n_exact = w.with.bad;
        made->measured = (cdt_measured){.max_error = w.with.max_error, .exact = w.n_exact};
    }
    status = CDT_NO_MEMORY;
    made->bytes = malloc(1024 + cdt_exact_bound(n, w.n_exact, size) + cdt_entropy_size(&w.entropy));
    if (!made->bytes) goto out;
    uint8_t *at = made->bytes;
    *at++ = (uint8_t)(CDT_INTERPOLATED | (lossless ? CDT_LOSSLESS_MAP : 0) | (snapped ? CDT_SNAPPED : 0));
    at = cdt_exact_put(at, box->values, size, box->sides, box->axes, w.exact, w.n_exact);
    if (!at) goto out;
    at = cdt_layout_put(at, &w.layout, box->axes);
    *at++ = (uint8_t)left_out;
    at = snapped ? cdt_put_bytes(at, &w.base, 4) : cdt_put_bytes(at, &w.with.origin, 8);
    at = put_weights(at, &w.pyramid, &w.with);
    at = cdt_entropy_put(at, &w.entropy);
    made->length = (size_t)(at - made->bytes);
    status = CDT_OK;
out:
    free(w.exact);
    cdt_entropy_end(&w.entropy);
    return status == CDT_BAD_ARGUMENT ? CDT_OK : status;
}

static int get_codes(const cdt_coding *coding, unsigned head, cdt_bytes *in, work *w, const size_t *sides, unsigned axes, void *values)
{
    const cdt_map map = (head & CDT_LOSSLESS_MAP) ? cdt_lossless_map(coding->type) : coding->map;
    const size_t n = cdt_count(sides, axes);
    if (map.width != 4) return CDT_CORRUPT;
    float *whole = malloc(2 * n * sizeof *whole);
    if (!whole) return CDT_NO_MEMORY;
    int status = get_interpolated_f4(&w->pyramid, &w->with, in, whole);
    if (status == CDT_OK) {
        float *plain = whole + n;
        int32_t *codes = (int32_t *)(void *)whole;
        cdt_permute_back(whole, sizeof *whole, sides, axes, w->layout.order, plain);
        for (size_t i = 0; i < n; i++) {
            if (!(plain[i] >= -8388608.0f && plain[i] <= 8388608.0f)) status = CDT_CORRUPT;
            codes[i] = (int32_t)((status == CDT_OK ? (uint32_t)(int32_t)plain[i] : 0) + (uint32_t)w->base);
        }
        if (status == CDT_OK) status = cdt_map_decode(&map, coding->type, codes, n, values);
    }
    free(whole);
    return status;
}

int cdt_get_interpolation(const cdt_coding *coding, unsigned head, cdt_bytes *in, const size_t *sides, unsigned axes, void *values)
{
    const size_t n = cdt_count(sides, axes), size = cdt_size_of(coding->type);
    const int snapped = (head & CDT_SNAPPED) != 0;
    cdt_bytes exact = *in;
    work w = {0};
    void *ordered = NULL;
    int status = cdt_exact_get(in, values, size, sides, axes);
    if (status != CDT_OK) return status;
    cdt_layout_get(in, &w.layout, axes);
    const uint8_t *left_out = cdt_get_bytes(in, 1), *start = cdt_get_bytes(in, snapped ? 4 : 8);
    if (in->corrupt || *left_out > 2 || plan(&w, sides, axes, *left_out) != CDT_OK) return CDT_CORRUPT;
    if (!snapped && (coding->map.kind != CDT_MAP_LINEAR || (coding->type != CDT_F4 && coding->type != CDT_F8))) return CDT_CORRUPT;
    memcpy(snapped ? (void *)&w.base : (void *)&w.with.origin, start, snapped ? 4 : 8);
    get_weights(in, &w.pyramid, &w.with);
    if (in->corrupt) return CDT_CORRUPT;
    w.with.cells = snapped ? (cdt_cells){.step = 1.0, .snap = 1} : (cdt_cells){.step = coding->map.step};
    if (snapped) status = get_codes(coding, head, in, &w, sides, axes, values);
    else {
        const int plain = cdt_layout_is_plain(&w.layout, axes);
        ordered = plain ? NULL : malloc(n * size);
        void *to = plain ? values : ordered;
        if (!to) return CDT_NO_MEMORY;
        status = coding->type == CDT_F4 ? get_interpolated_f4(&w.pyramid, &w.with, in, to)
                                        : get_interpolated_f8(&w.pyramid, &w.with, in, to);
        if (status == CDT_OK && !plain) cdt_permute_back(ordered, size, sides, axes, w.layout.order, values);
    }
    free(ordered);
    return status == CDT_OK ? cdt_exact_get(&exact, values, size, sides, axes) : status;
}
