/* Which method a block is stored by: the one with the fewest bytes, by an estimate of each. */
#include "block_parts.h"
#include "cdt_memory.h"
#include <math.h>
#include <string.h>

/* What palettes take of what a block's own numbers do, as far as a look tells, for the one way not to be tried, or the other.
 * Interpolation, which the look leaves out, is worth more to dense blocks. */
static const double ONLY_PALETTES[CDT_PROFILES] = {0.93, 0.93, 0.6}, NO_PALETTES[CDT_PROFILES] = {1.04, 1.04, 1.5};

cdt_map cdt_lossless_map(cdt_type type)
{
    const cdt_map map = {
        .kind = type >= CDT_F2 ? CDT_MAP_KEY : CDT_MAP_STEPS,
        .width = cdt_size_of(type) == 8 ? 8 : 4,
    };
    return map;
}

size_t cdt_block_bound(cdt_type type, size_t n)
{
    return 1 + n * cdt_size_of(type);
}

/* Whether a map loses nothing whatever the numbers. */
static int is_lossless(const cdt_map *map)
{
    return map->kind == CDT_MAP_KEY || (map->kind == CDT_MAP_STEPS && map->integer_step == 0);
}

static void keep_smaller(cdt_attempt *best, cdt_attempt *other)
{
    if (other->bytes && (!best->bytes || other->length < best->length)) {
        cdt_drop(best->bytes);
        *best = *other;
    } else cdt_drop(other->bytes);
    *other = (cdt_attempt){0};
}

/* Interpolation takes about three times as long as differences. Balanced blocks are worth that where they are smooth (so few bits for
 * each number), not yet tiny (so many times smaller already), and interpolation takes less than so much of the bits of differences. */
static const double SMOOTH = 0.6, TINY = 100, BALANCED_SHARE = 0.6;
/* Dense blocks are tried along one axis less where interpolation takes more than so much of the bits of differences. */
static const double DENSE_SHARE = 0.85;

/* Bits for each number of differences below which a block is smooth enough that straight lines lead beyond its ends. */
static const double STRAIGHT_BITS = 3.0;
/* Blocks that became so many times smaller are tried either way. */
enum { VERY_SMOOTH = 100 };
/* Axes so short are hardly worth interpolating along. */
enum { SHORT = 8 };

/* Prepare an interpolation: of the last three axes, or of the last two where the first of the three is short; dense blocks try one
 * axis less, too, where that has not saved much against `bits`. */
static int best_interpolation(const cdt_coding *coding, const cdt_box *box, const cdt_ordered *ordered, double bits,
                              cdt_interpolated *best)
{
    unsigned axes = box->axes < 3 ? box->axes : 3;
    if (axes > 1 && box->sides[ordered->layout.order[box->axes - axes]] < SHORT) axes--;
    int status = cdt_interpolated_prepare(coding, box, ordered, axes, best);
    if (status != CDT_OK || coding->profile != CDT_DENSE || axes == 1 || best->bits < DENSE_SHARE * bits) return status;
    cdt_interpolated other = {0};
    status = cdt_interpolated_prepare(coding, box, ordered, axes - 1, &other);
    if (status == CDT_OK && other.bits < best->bits) {
        cdt_interpolated_end(best);
        *best = other;
    } else cdt_interpolated_end(&other);
    return status;
}

static int may_interpolate(const cdt_coding *coding, int lossless, const cdt_box *box, double bits)
{
    const double n = (double)cdt_count(box->sides, box->axes), raw = 8 * n * (double)cdt_size_of(coding->type);
    /* Images of narrow integers without loss are noise to interpolation, unless they are very smooth. */
    const int is_image = coding->type <= CDT_U2 && (lossless || coding->promise.kind == CDT_LOSSLESS);
    if (coding->profile == CDT_DENSE) return !is_image || bits < SMOOTH * n;
    return coding->profile == CDT_BALANCED && bits < SMOOTH * n && bits > raw / TINY;
}

/* A block so smooth that its ends are much of it is made again without straight lines: noise of the bound may be all they carry on. */
static int again_with_nearest(const cdt_coding *coding, const cdt_box *box, cdt_ordered *ordered, unsigned axes, cdt_attempt *made)
{
    cdt_interpolated interpolated = {.bits = INFINITY};
    cdt_attempt nearest = {0};
    ordered->straight = 0;
    int status = cdt_interpolated_prepare(coding, box, ordered, axes, &interpolated);
    if (status == CDT_OK) status = cdt_interpolated_finish(coding, box, ordered, &interpolated, &nearest);
    keep_smaller(made, &nearest);
    cdt_interpolated_end(&interpolated);
    return status;
}

/* A block by interpolation, where that takes fewer bits than differences do; made->bytes stays NULL where not. */
static int try_interpolation(const cdt_coding *coding, int lossless, const cdt_box *box, double bits, cdt_attempt *made)
{
    const size_t n = cdt_count(box->sides, box->axes);
    const double most = coding->profile == CDT_DENSE ? bits : BALANCED_SHARE * bits;
    cdt_ordered ordered = {0};
    cdt_interpolated interpolated = {.bits = INFINITY};
    int status = cdt_ordered_start(coding, lossless, box, &ordered);
    ordered.straight = bits < STRAIGHT_BITS * (double)n;
    if (status == CDT_OK && ordered.fit) status = best_interpolation(coding, box, &ordered, bits, &interpolated);
    if (status == CDT_OK && interpolated.bits < most) status = cdt_interpolated_finish(coding, box, &ordered, &interpolated, made);
    const unsigned axes = interpolated.axes;
    cdt_interpolated_end(&interpolated);
    if (status == CDT_OK && made->bytes && ordered.straight && VERY_SMOOTH * made->length < n * cdt_size_of(coding->type))
        status = again_with_nearest(coding, box, &ordered, axes, made);
    cdt_ordered_end(&ordered);
    return status;
}

/* The best of differences and interpolation, if it is smaller than the best so far. */
static int best_attempt(const cdt_coding *coding, int lossless, const cdt_box *box, cdt_attempt *best)
{
    cdt_differences differences = {0};
    cdt_attempt made = {0};
    int status = cdt_differences_prepare(coding, lossless, box, &differences);
    if (status == CDT_OK && may_interpolate(coding, lossless, box, differences.bits))
        status = try_interpolation(coding, lossless, box, differences.bits, &made);
    if (status == CDT_OK && !made.bytes) status = cdt_differences_finish(coding, box, &differences, &made);
    if (status == CDT_OK) keep_smaller(best, &made);
    cdt_differences_end(&differences);
    return status;
}

int cdt_block_encode(const cdt_coding *coding, const void *values, const size_t *sides, unsigned axes, uint8_t *out,
                     size_t *length, cdt_measured *measured)
{
    const size_t n = cdt_count(sides, axes), size = cdt_size_of(coding->type);
    const cdt_box box = {values, sides, axes};
    cdt_attempt best = {0};
    *measured = (cdt_measured){0};
    if (n == 1 || memcmp(values, (const uint8_t *)values + size, (n - 1) * size) == 0) {
        *out = CDT_CONSTANT;
        memcpy(out + 1, values, size);
        *length = 1 + size;
        return CDT_OK;
    }
    const int lossless = is_lossless(&coding->map);
    cdt_palettes palettes = {0};
    double share = INFINITY;
    int status = CDT_OK;
    if (coding->may_have_palette) status = cdt_palettes_look(coding, lossless, &box, &palettes, &share);
    const int only = share < ONLY_PALETTES[coding->profile];
    if (status == CDT_OK && !only) status = best_attempt(coding, lossless, &box, &best);
    /* What is hardly smaller in a lossy map, or has a palette, may be smaller without loss. */
    if (status == CDT_OK && !only && !lossless && 2 * best.length > n * size) status = best_attempt(coding, 1, &box, &best);
    if (status == CDT_OK && share < NO_PALETTES[coding->profile] && (only || CDT_PALETTE_PART * best.length > n * size)) {
        cdt_attempt made = {0};
        if (!palettes.looked) status = cdt_palettes_find(coding, &box, &palettes);
        if (status == CDT_OK && palettes.entries) status = cdt_palettes_finish(coding, &box, &palettes, &made);
        keep_smaller(&best, &made);
    }
    cdt_palettes_end(&palettes);
    if (status == CDT_OK && !only) {
        cdt_attempt made = {0};
        status = cdt_try_base(coding, &box, &made);
        keep_smaller(&best, &made);
    }
    if (status == CDT_OK && best.bytes && best.length < 1 + n * size) {
        memcpy(out, best.bytes, best.length);
        *length = best.length;
        *measured = best.measured;
    } else if (status == CDT_OK) {
        *out = CDT_RAW;
        memcpy(out + 1, values, n * size);
        *length = 1 + n * size;
    }
    cdt_drop(best.bytes);
    return status;
}

/* Flags that a method may have. */
static const unsigned flags_of[CDT_BASE + 1] = {
    [CDT_PLANES] = CDT_LOSSLESS_MAP,
    [CDT_CONTEXTS] = CDT_LOSSLESS_MAP | CDT_SERIES,
    [CDT_INTERPOLATED] = CDT_LOSSLESS_MAP | CDT_SNAPPED | CDT_NUMBERS,
};

/* Whether there is such a method, with such flags. */
static int is_head(unsigned head)
{
    const unsigned method = head & CDT_METHOD;
    return method <= CDT_BASE && !(head & ~(CDT_METHOD | flags_of[method]));
}

int cdt_block_decode(const cdt_coding *coding, const uint8_t *bytes, size_t length, const size_t *sides, unsigned axes, void *values)
{
    const size_t n = cdt_count(sides, axes), size = cdt_size_of(coding->type);
    cdt_bytes in = {bytes, bytes + length, 0};
    const uint8_t *head = cdt_get_bytes(&in, 1);
    size_t coarse[CDT_AXES];
    if (!head || !is_head(*head)) return CDT_CORRUPT;
    switch (*head & CDT_METHOD) {
    case CDT_RAW:
        if (length != 1 + n * size) return CDT_CORRUPT;
        memcpy(values, in.at, n * size);
        return CDT_OK;
    case CDT_CONSTANT:
        if (length != 1 + size) return CDT_CORRUPT;
        for (size_t i = 0; i < n; i++) memcpy((uint8_t *)values + i * size, in.at, size);
        return CDT_OK;
    case CDT_PLANES:
    case CDT_CONTEXTS:
        return cdt_get_differences(coding, *head, &in, sides, axes, values);
    case CDT_PALETTE:
        return cdt_get_palette(coding, &in, sides, axes, values);
    case CDT_BASE:
        return cdt_get_base(coding, &in, sides, axes, values);
    case CDT_INTERPOLATED:
        return cdt_get_interpolation(coding, *head, &in, 0, sides, axes, values, coarse);
    default:
        return CDT_CORRUPT;
    }
}

int cdt_block_decode_level(const cdt_coding *coding, const uint8_t *bytes, size_t length, const size_t *sides, unsigned axes,
                           unsigned level, void *values)
{
    const size_t size = cdt_size_of(coding->type);
    cdt_array whole = {.type = coding->type, .axes = axes};
    size_t there[CDT_AXES] = {0}, wanted[CDT_AXES];
    const size_t origin[CDT_AXES] = {0};
    int status;
    void *points = cdt_new(cdt_count(sides, axes) * size);
    if (!points) return CDT_NO_MEMORY;
    /* Coarse points of a block without exact numbers are there before the fine ones; of others, all is decoded first. */
    if (length > 2 && (bytes[0] & CDT_METHOD) == CDT_INTERPOLATED && bytes[1] == 0) {
        cdt_bytes in = {bytes + 1, bytes + length, 0};
        status = is_head(bytes[0]) ? cdt_get_interpolation(coding, bytes[0], &in, level, sides, axes, points, there) : CDT_CORRUPT;
    } else {
        memcpy(there, sides, axes * sizeof *there);
        status = cdt_block_decode(coding, bytes, length, sides, axes, points);
    }
    ptrdiff_t step = (ptrdiff_t)size;
    for (unsigned a = axes; a-- > 0;) {
        wanted[a] = ((sides[a] - 1) >> level) + 1;
        whole.shape[a] = wanted[a];
        whole.strides[a] = there[a] == wanted[a] ? step : step << level;
        step *= (ptrdiff_t)there[a];
    }
    whole.data = points;
    if (status == CDT_OK) cdt_gather(&whole, origin, wanted, values);
    cdt_drop(points);
    return status;
}
