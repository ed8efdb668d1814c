/* Blocks of few distinct numbers, from their bytes: palettes, and what ranks stand for. */
#include "block_parts.h"
#include "cdt_keys.h"
#include "cdt_memory.h"
#include <math.h>
#include <string.h>

enum { STRETCH = 4096 };

/* One palette's numbers from its steps and corrections. */
static int read_palette(cdt_type type, cdt_bytes *heads, const int64_t *steps, const int64_t *corrections, size_t m, void *numbers)
{
    const uint8_t *way = cdt_get_bytes(heads, 1), *first_key = cdt_get_bytes(heads, 8);
    const uint8_t *step_bytes = way && *way == CDT_BY_GRID ? cdt_get_bytes(heads, 8) : way;
    int64_t key;
    double step = 0;
    uint64_t place = 0;
    int status = CDT_OK;
    if (heads->corrupt || *way > CDT_BY_GRID) return CDT_CORRUPT;
    memcpy(&key, first_key, 8);
    if (*way == CDT_BY_GRID) memcpy(&step, step_bytes, 8);
    if (*way == CDT_BY_GRID && !(step > 0 && step < INFINITY)) return CDT_CORRUPT;
    if (cdt_put_key(type, key, numbers, 0) != CDT_OK) return CDT_CORRUPT;
    const double first = cdt_key_number(type, key);
    if (*way == CDT_BY_GRID && !(fabs(first) < INFINITY)) return CDT_CORRUPT;
    for (size_t i = 0; i < m && status == CDT_OK; i++) {
        if (*way == CDT_BY_KEYS) key = (int64_t)((uint64_t)key + (i ? (uint64_t)steps[i] + 1 : 0));
        else {
            place += i ? (uint64_t)steps[i] + 1 : 0;
            key = (int64_t)((uint64_t)cdt_number_key(type, first + (double)(int64_t)place * step) + (uint64_t)corrections[i]);
        }
        status = cdt_put_key(type, key, numbers, i);
    }
    return status;
}

/* The entries of all palettes, whose heads are next; SIZE_MAX where they are damaged. */
static size_t count_entries(cdt_bytes heads, size_t slabs, size_t n)
{
    size_t entries = 0;
    for (size_t s = 0; s < slabs; s++) {
        const size_t m = (size_t)cdt_get_number(&heads);
        if (heads.corrupt || !m || m > n / CDT_PALETTE_SHARE + 1) return SIZE_MAX;
        entries += m;
        const uint8_t *way = cdt_get_bytes(&heads, 1);
        cdt_get_bytes(&heads, way && *way == CDT_BY_GRID ? 16 : 8);
    }
    return heads.corrupt || entries > n ? SIZE_MAX : entries;
}

#define LOOK_UP(T)                                                                                                       \
    for (size_t i = 0; i < n; i++) ((T *)values)[i] = ((const T *)palette)[ranks[i]];                                    \
    break;

/* What ranks stand for, that are all in the palette. */
static void look_up(size_t size, const void *palette, const uint32_t *ranks, size_t n, void *values)
{
    switch (size) {
    case 1: LOOK_UP(uint8_t)
    case 2: LOOK_UP(uint16_t)
    case 4: LOOK_UP(uint32_t)
    default: LOOK_UP(uint64_t)
    }
}

/* Numbers of a part of a block, in stretches that the cache holds between the check and the use of ranks. CDT_CORRUPT: a rank is
 * beyond the m entries. */
static int put_numbers(size_t size, const void *palette, size_t m, const uint32_t *ranks, size_t n, uint8_t *values)
{
    for (size_t from = 0; from < n; from += STRETCH) {
        const size_t count = n - from < STRETCH ? n - from : STRETCH;
        uint32_t beyond = 0; /* its sign: a rank has it, or keeps none when m is subtracted */
        for (size_t i = 0; i < count; i++) beyond |= ranks[from + i] | ~(ranks[from + i] - (uint32_t)m);
        if (beyond >> 31) return CDT_CORRUPT;
        look_up(size, palette, ranks + from, count, values + from * size);
    }
    return CDT_OK;
}

/* Steps and corrections, `entries` of each. */
static int get_steps(cdt_bytes *in, size_t entries, int64_t *steps)
{
    const size_t size = (size_t)cdt_get_number(in), dim[4] = {1, 1, 1, 2 * entries};
    const uint8_t *coded = cdt_get_bytes(in, size);
    cdt_bytes from = {coded, coded ? coded + size : NULL, 0};
    cdt_field field;
    if (!coded || cdt_field_plan(&field, dim, cdt_field_wants_series(dim)) != CDT_OK) return CDT_CORRUPT;
    return cdt_field_decode(&field, &from, 8, steps);
}

/* Ranks: the rest of a block, a block of its own that is no palette. */
static int get_ranks(const cdt_coding *coding, const cdt_bytes *in, const size_t *sides, unsigned axes, uint32_t *ranks)
{
    const cdt_coding inner = {.type = CDT_U4, .map = cdt_lossless_map(CDT_U4), .profile = coding->profile};
    if (in->end == in->at || (*in->at & CDT_METHOD) == CDT_PALETTE) return CDT_CORRUPT;
    return cdt_block_decode(&inner, in->at, (size_t)(in->end - in->at), sides, axes, ranks);
}

/* Go behind the heads of palettes that were counted. */
static void skip_heads(cdt_bytes *in, size_t slabs)
{
    for (size_t s = 0; s < slabs; s++) {
        cdt_get_number(in);
        const uint8_t *way = cdt_get_bytes(in, 1);
        cdt_get_bytes(in, *way == CDT_BY_GRID ? 16 : 8);
    }
}

int cdt_get_palette(const cdt_coding *coding, cdt_bytes *in, const size_t *sides, unsigned axes, void *values)
{
    const size_t n = cdt_count(sides, axes), size = cdt_size_of(coding->type);
    cdt_bytes exact = *in;
    int status = cdt_exact_skip(in, size, n);
    if (status != CDT_OK) return status;
    const uint8_t *many = cdt_get_bytes(in, 1);
    if (!many || *many > 1) return CDT_CORRUPT;
    const size_t slabs = *many ? sides[0] : 1, part = n / slabs, entries = count_entries(*in, slabs, n);
    if (entries == SIZE_MAX || !entries) return CDT_CORRUPT;
    cdt_bytes heads = *in;
    skip_heads(in, slabs);
    int64_t *steps = cdt_new(2 * entries * sizeof *steps);
    uint32_t *ranks = cdt_new(n * sizeof *ranks);
    uint8_t *palette = cdt_new((n / CDT_PALETTE_SHARE + 1) * size);
    status = steps && ranks && palette ? get_steps(in, entries, steps) : CDT_NO_MEMORY;
    if (status == CDT_OK) status = get_ranks(coding, in, sides, axes, ranks);
    for (size_t s = 0, at = 0; s < slabs && status == CDT_OK; s++) {
        const size_t m = (size_t)cdt_get_number(&heads);
        status = read_palette(coding->type, &heads, steps + at, steps + entries + at, m, palette);
        if (status == CDT_OK) status = put_numbers(size, palette, m, ranks + s * part, part, (uint8_t *)values + s * part * size);
        at += m;
    }
    if (status == CDT_OK) status = cdt_exact_get(&exact, values, size, sides, axes);
    cdt_drop(steps);
    cdt_drop(ranks);
    cdt_drop(palette);
    return status;
}
