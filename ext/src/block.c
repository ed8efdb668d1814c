/* Which method a block is stored by: the one with the fewest bytes, by trial on a sample of it. */
#include "block_parts.h"
#include <stdlib.h>
#include <string.h>

/* Samples hold about one in SAMPLE_PART numbers of a block, within limits. */
enum { SAMPLE_PART = 8, SAMPLE_LEAST = 1 << 15, SAMPLE_MOST = 1 << 18 };
/* Palettes are tried for blocks that are more than one in so many of their bytes. */
enum { PALETTE_PART = 24 };

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

static int is_lossless(const cdt_map *map)
{
    return map->kind == CDT_MAP_KEY || (map->kind == CDT_MAP_STEPS && map->integer_step == 0);
}

static void keep_smaller(cdt_attempt *best, cdt_attempt *other)
{
    if (other->bytes && (!best->bytes || other->length < best->length)) {
        free(best->bytes);
        *best = *other;
    } else free(other->bytes);
    *other = (cdt_attempt){0};
}

/* A way to store: by differences (-1), or by interpolation with so many axes left out. */
static int try_way(const cdt_coding *coding, int lossless, const cdt_box *box, int way, cdt_attempt *made)
{
    return way < 0 ? cdt_try_differences(coding, lossless, box, made)
                   : cdt_try_interpolation(coding, lossless, box, (unsigned)way, made);
}

/* A box in the middle of a block: shorter along its longest axes, until it is small enough. */
static void sample_sides(const cdt_box *box, size_t *sides)
{
    const size_t n = cdt_count(box->sides, box->axes);
    size_t wanted = n / SAMPLE_PART;
    wanted = wanted < SAMPLE_LEAST ? SAMPLE_LEAST : wanted > SAMPLE_MOST ? SAMPLE_MOST : wanted;
    memcpy(sides, box->sides, box->axes * sizeof *sides);
    while (cdt_count(sides, box->axes) > wanted) {
        unsigned longest = 0;
        for (unsigned a = 1; a < box->axes; a++)
            if (sides[a] >= sides[longest]) longest = a;
        sides[longest] = sides[longest] * 3 / 4;
    }
}

static int choose_way(const cdt_coding *coding, int lossless, const cdt_box *box, int *way)
{
    const size_t size = cdt_size_of(coding->type), n = cdt_count(box->sides, box->axes);
    size_t sides[CDT_AXES], origin[CDT_AXES], least = SIZE_MAX;
    int status = CDT_OK;
    cdt_array all = {.data = (unsigned char *)(uintptr_t)box->values, .type = coding->type, .axes = box->axes};
    sample_sides(box, sides);
    memcpy(all.shape, box->sides, box->axes * sizeof *all.shape);
    for (unsigned a = box->axes; a-- > 0;) {
        all.strides[a] = a + 1 == box->axes ? (ptrdiff_t)size : all.strides[a + 1] * (ptrdiff_t)all.shape[a + 1];
        origin[a] = (box->sides[a] - sides[a]) / 2;
    }
    const size_t m = cdt_count(sides, box->axes);
    void *sample = m < n ? malloc(m * size) : NULL;
    if (m < n && !sample) return CDT_NO_MEMORY;
    if (sample) cdt_gather(&all, origin, sides, sample);
    const cdt_box part = {sample ? sample : box->values, sides, box->axes};
    *way = -1;
    for (int w = -1; status == CDT_OK && w < (int)(box->axes < 3 ? box->axes : 3); w++) {
        cdt_attempt made = {0};
        status = try_way(coding, lossless, &part, w, &made);
        if (status == CDT_OK && made.bytes && made.length < least) {
            least = made.length;
            *way = w;
        }
        free(made.bytes);
    }
    free(sample);
    return status;
}

static int best_attempt(const cdt_coding *coding, int lossless, const cdt_box *box, cdt_attempt *best)
{
    int way = -1, status = CDT_OK;
    cdt_attempt made = {0};
    if (coding->profile == CDT_DENSE) status = choose_way(coding, lossless, box, &way);
    if (status == CDT_OK) status = try_way(coding, lossless, box, way, &made);
    if (status == CDT_OK && !made.bytes) status = try_way(coding, lossless, box, -1, &made);
    if (status == CDT_OK) keep_smaller(best, &made);
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
    int status = best_attempt(coding, is_lossless(&coding->map), &box, &best);
    /* What is hardly smaller in a lossy map, or has a palette, may be smaller without loss. */
    if (status == CDT_OK && !is_lossless(&coding->map) && 2 * best.length > n * size)
        status = best_attempt(coding, 1, &box, &best);
    if (status == CDT_OK && coding->may_have_palette && PALETTE_PART * best.length > n * size) {
        cdt_attempt made = {0};
        status = cdt_try_palette(coding, &box, &made);
        keep_smaller(&best, &made);
    }
    if (status == CDT_OK && best.length < 1 + n * size) {
        memcpy(out, best.bytes, best.length);
        *length = best.length;
        *measured = best.measured;
    } else if (status == CDT_OK) {
        *out = CDT_RAW;
        memcpy(out + 1, values, n * size);
        *length = 1 + n * size;
    }
    free(best.bytes);
    return status;
}

int cdt_block_decode(const cdt_coding *coding, const uint8_t *bytes, size_t length, const size_t *sides, unsigned axes, void *values)
{
    const size_t n = cdt_count(sides, axes), size = cdt_size_of(coding->type);
    cdt_bytes in = {bytes, bytes + length, 0};
    const uint8_t *head = cdt_get_bytes(&in, 1);
    if (!head) return CDT_CORRUPT;
    switch (*head & CDT_METHOD) {
    case CDT_RAW:
        if (*head != CDT_RAW || length != 1 + n * size) return CDT_CORRUPT;
        memcpy(values, in.at, n * size);
        return CDT_OK;
    case CDT_CONSTANT:
        if (*head != CDT_CONSTANT || length != 1 + size) return CDT_CORRUPT;
        for (size_t i = 0; i < n; i++) memcpy((uint8_t *)values + i * size, in.at, size);
        return CDT_OK;
    case CDT_PLANES:
    case CDT_CONTEXTS:
        return cdt_get_differences(coding, *head, &in, sides, axes, values);
    case CDT_PALETTE:
        return cdt_get_palette(coding, &in, sides, axes, values);
    case CDT_INTERPOLATED:
        return cdt_get_interpolation(coding, *head, &in, sides, axes, values);
    default:
        return CDT_CORRUPT;
    }
}
