#include "cdt_stream.h"
#include "cdt_bytes.h"
#include "cdt_grid.h"
#include "cdt_status.h"
#include "cdt_memory.h"
#include <float.h>
#include <math.h>

static const uint8_t signature[5] = {0x93, 'C', 'D', 'T', 2};
/* Flags of the head. */
enum { APPLIED_DIFFERS = 1, HAS_OFFSET = 2, WIDE_CODES = 4 };

static cdt_type type_of(int dtype)
{
    switch (dtype) {
    case CDT_BOOL: return CDT_U1;
    case CDT_DATETIME:
    case CDT_TIMEDELTA: return CDT_I8;
    case CDT_C8: return CDT_F4;
    case CDT_C16: return CDT_F8;
    default: return (cdt_type)dtype;
    }
}

int cdt_stream_box(cdt_stream *s)
{
    size_t kept[CDT_STREAM_AXES];
    unsigned axes = 0;
    uint64_t bytes = cdt_size_of(s->coding.type);
    if (s->axes > CDT_STREAM_AXES) return CDT_BAD_ARGUMENT;
    for (unsigned a = 0; a < s->axes; a++) {
        if (s->shape[a] > 1 && bytes > ((uint64_t)1 << 62) / s->shape[a]) return CDT_BAD_ARGUMENT;
        if (s->shape[a] > 1) bytes *= s->shape[a];
        if (s->shape[a] != 1) kept[axes++] = (size_t)s->shape[a];
    }
    if (!axes) kept[axes++] = 1;
    size_t joined = 0;
    while (axes - joined > CDT_AXES) {
        kept[joined + 1] *= kept[joined];
        joined++;
    }
    s->box_axes = axes - (unsigned)joined;
    memcpy(s->box, kept + joined, s->box_axes * sizeof *s->box);
    return CDT_OK;
}

static uint64_t count_blocks(const cdt_stream *s)
{
    uint64_t blocks = 1;
    for (unsigned a = 0; a < s->box_axes; a++) blocks *= (s->box[a] + s->block[a] - 1) / s->block[a];
    return blocks;
}

/* Cut the axis with the most parts left until a block is small enough; pieces of an axis are of equal length, as far as they can. */
static void cut(size_t *sides, unsigned axes, size_t wanted, size_t row)
{
    size_t pieces[CDT_AXES], whole[CDT_AXES];
    for (unsigned a = 0; a < axes; a++) {
        pieces[a] = 1;
        whole[a] = sides[a];
    }
    while (cdt_count(sides, axes) > wanted) {
        unsigned longest = axes;
        for (unsigned a = 0; a < axes; a++) {
            const size_t weight = a + 1 == axes ? row : 1;
            if (sides[a] > weight && (longest == axes || sides[a] / weight > sides[longest] / (longest + 1 == axes ? row : 1))) longest = a;
        }
        if (longest == axes)
            for (longest = 0; longest + 1 < axes && sides[longest] == 1;) longest++;
        sides[longest] = (whole[longest] + pieces[longest]) / (pieces[longest] + 1);
        pieces[longest]++;
        if (sides[longest] >= 64 && wanted > (1u << 18)) sides[longest] = (sides[longest] + 15) / 16 * 16;
    }
}

void cdt_stream_choose_blocks(cdt_stream *s, cdt_profile profile)
{
    static const size_t samples[CDT_PROFILES] = {1 << 15, 1 << 18, 1 << 21};
    static const size_t row[CDT_PROFILES] = {16, 8, 1};
    for (unsigned a = 0; a < s->box_axes; a++) s->block[a] = s->box[a] ? s->box[a] : 1;
    if (cdt_count(s->box, s->box_axes)) cut(s->block, s->box_axes, samples[profile], row[profile]);
    s->blocks = cdt_count(s->box, s->box_axes) ? count_blocks(s) : 0;
}

/* How far a linear step may be below twice the bound so that rounded products keep it. */
static const double MOST_LOST = 0.05;

cdt_map cdt_map_for(cdt_type type, int kind, double bound, double largest)
{
    cdt_map map = cdt_lossless_map(type);
    if (kind == CDT_LOSSLESS) return map;
    if (type < CDT_F2) {
        const double most = (double)(((uint64_t)1 << (8 * cdt_size_of(type) - 1)) - 1);
        if (kind == CDT_ABS) map.integer_step = bound >= most ? ((uint64_t)1 << (8 * cdt_size_of(type) - 1)) - 1 : (uint64_t)bound;
        return map;
    }
    const int digits = type == CDT_F8 ? 52 : 23;
    if (kind == CDT_PW_REL) {
        const uint64_t most = type == CDT_F8 ? (uint64_t)1 << 53 : (uint64_t)1 << 24;
        const double steps = floor(2.0 * (bound < 0.5 ? bound : 0.5) * ldexp(1.0, digits));
        if (type == CDT_F2 || steps < 2) return map;
        map.kind = CDT_MAP_KEYS;
        map.integer_step = steps >= (double)most ? most : (uint64_t)steps;
        map.width = type == CDT_F8 && map.integer_step < ((uint64_t)1 << 33) ? 8 : 4;
        return map;
    }
    double lost = largest * ldexp(1.0, -digits - 1) / bound;
    lost = lost < MOST_LOST ? lost : MOST_LOST;
    const double limit = type == CDT_F8 ? DBL_MAX : FLT_MAX, least = type == CDT_F8 ? DBL_MIN : FLT_MIN;
    double step = (2.0 * bound < limit / 4 ? 2.0 * bound : limit / 4) * (1.0 - lost);
    if (type != CDT_F8) {
        float narrow = (float)step;
        if ((double)narrow > 2.0 * bound) narrow = nextafterf(narrow, 0.0f);
        step = (double)narrow;
    }
    if (!(step >= least) || !isfinite(1.0 / step)) return map;
    map.kind = CDT_MAP_LINEAR;
    map.step = step;
    map.width = type == CDT_F8 && largest / step > 1e9 ? 8 : 4;
    return map;
}

static void use_grid(cdt_stream *s, const void *values)
{
    cdt_map *map = &s->coding.map, grid;
    const size_t n = cdt_count(s->box, s->box_axes);
    const int lossless = s->coding.promise.kind == CDT_LOSSLESS;
    const double bound = s->coding.promise.value;
    int on_grid = 1;
    if ((s->coding.type != CDT_F4 && s->coding.type != CDT_F8) || (!lossless && map->kind != CDT_MAP_LINEAR) ||
        !cdt_find_grid(s->coding.type, values, n, lossless ? 0 : bound / 16, &grid))
        return;
    if (!lossless) {
        /* A step of whole cells of the grid that keeps the bound, where that is longer than twice the bound. */
        const double cells = floor(bound * (15.0 / 16.0) / grid.step);
        if (!(cells < 1e6) || grid.step * (2 * cells + 1) <= map->step) return;
        grid.step = s->coding.type == CDT_F4 ? (double)(float)(grid.step * (2 * cells + 1)) : grid.step * (2 * cells + 1);
        on_grid = cells == 0;
    }
    /* Steps of subnormal numbers are too short for a map. */
    if (cdt_map_check(&grid, s->coding.type) != CDT_OK) return;
    s->coding.on_grid = on_grid;
    *map = grid;
}

void cdt_stream_look(cdt_stream *s, const void *values)
{
    const size_t n = cdt_count(s->box, s->box_axes);
    if (!n) return;
    use_grid(s, values);
    if (s->coding.profile != CDT_FAST) s->coding.may_have_palette = cdt_looks_few(&s->coding, values, n, n / s->box[0]);
}

void cdt_stream_call_lossless(cdt_stream *s)
{
    s->applied_kind = s->coding.promise.kind = CDT_LOSSLESS;
    s->applied = s->coding.promise.value = s->max_error = 0;
    s->coding.map = cdt_lossless_map(s->coding.type);
}

/* Where block `index` lies in the box. */
static void locate(const cdt_stream *s, uint64_t index, size_t *origin, size_t *sides)
{
    for (unsigned a = s->box_axes; a-- > 0;) {
        const uint64_t along = (s->box[a] + s->block[a] - 1) / s->block[a];
        origin[a] = (size_t)(index % along) * s->block[a];
        sides[a] = s->box[a] - origin[a] < s->block[a] ? s->box[a] - origin[a] : s->block[a];
        index /= along;
    }
}

static cdt_array whole(const cdt_stream *s, const size_t *shape, const void *values)
{
    cdt_array array = {.data = (unsigned char *)(uintptr_t)values, .type = s->coding.type, .axes = s->box_axes};
    ptrdiff_t step = (ptrdiff_t)cdt_size_of(s->coding.type);
    for (unsigned a = s->box_axes; a-- > 0;) {
        array.shape[a] = shape[a];
        array.strides[a] = step;
        step *= (ptrdiff_t)shape[a];
    }
    return array;
}

/* Whether a part of a contiguous array is contiguous: cut along its first axis longer than 1 only. */
static int is_slab(const size_t *shape, const size_t *sides, unsigned axes)
{
    unsigned a = 0;
    while (a < axes && sides[a] == 1) a++;
    for (a++; a < axes; a++)
        if (sides[a] != shape[a]) return 0;
    return 1;
}

size_t cdt_stream_blocks_bound(const cdt_stream *s, uint64_t from, uint64_t to)
{
    size_t origin[CDT_AXES], sides[CDT_AXES], total = 0;
    for (uint64_t i = from; i < to; i++) {
        locate(s, i, origin, sides);
        total += cdt_block_bound(s->coding.type, cdt_count(sides, s->box_axes)) + 4;
    }
    return total;
}

int cdt_stream_encode_blocks(const cdt_stream *s, const void *values, uint64_t from, uint64_t to, uint8_t *out, uint64_t *lengths,
                             cdt_measured *measured)
{
    const cdt_array all = whole(s, s->box, values);
    size_t origin[CDT_AXES], sides[CDT_AXES];
    void *block = NULL;
    int status = CDT_OK;
    *measured = (cdt_measured){0};
    for (uint64_t i = from; i < to && status == CDT_OK; i++) {
        cdt_measured part;
        size_t length = 0;
        locate(s, i, origin, sides);
        const void *numbers = all.data;
        if (is_slab(s->box, sides, s->box_axes)) {
            for (unsigned a = 0; a < s->box_axes; a++) numbers = (const uint8_t *)numbers + (ptrdiff_t)origin[a] * all.strides[a];
        } else {
            if (!block) block = cdt_new(cdt_count(s->block, s->box_axes) * cdt_size_of(s->coding.type));
            if (!block) return CDT_NO_MEMORY;
            cdt_gather(&all, origin, sides, block);
            numbers = block;
        }
        status = cdt_block_encode(&s->coding, numbers, sides, s->box_axes, out, &length, &part);
        if (status != CDT_OK) break;
        const uint32_t crc = cdt_crc32c(out, length);
        out = cdt_put_bytes(out + length, &crc, 4);
        lengths[i - from] = length + 4;
        measured->exact += part.exact;
        measured->lossy += part.lossy;
        if (part.max_error > measured->max_error) measured->max_error = part.max_error;
    }
    cdt_drop(block);
    return status;
}

size_t cdt_stream_head_bound(const cdt_stream *s)
{
    return 160 + 10 * (s->axes + CDT_AXES) + 10 * (size_t)s->blocks;
}

size_t cdt_stream_put_head(const cdt_stream *s, const uint64_t *lengths, uint8_t *out)
{
    const cdt_map *map = &s->coding.map;
    const int differs = s->asked_kind != s->applied_kind || s->asked != s->applied;
    uint8_t *at = cdt_put_bytes(out, signature, sizeof signature);
    *at++ = (uint8_t)s->dtype;
    if (s->dtype == CDT_DATETIME || s->dtype == CDT_TIMEDELTA) {
        *at++ = (uint8_t)strlen(s->unit);
        at = cdt_put_bytes(at, s->unit, strlen(s->unit));
    }
    *at++ = (uint8_t)((differs ? APPLIED_DIFFERS : 0) | (map->offset != 0 ? HAS_OFFSET : 0) | (map->width == 8 ? WIDE_CODES : 0) |
                      map->kind << 4);
    *at++ = (uint8_t)(s->asked_kind | s->applied_kind << 4);
    if (s->asked_kind != CDT_LOSSLESS) at = cdt_put_bytes(at, &s->asked, 8);
    if (differs && s->applied_kind != CDT_LOSSLESS) at = cdt_put_bytes(at, &s->applied, 8);
    if (s->applied_kind != CDT_LOSSLESS) at = cdt_put_bytes(at, &s->max_error, 8);
    if (map->kind == CDT_MAP_LINEAR) at = cdt_put_bytes(at, &map->step, 8);
    if (map->kind == CDT_MAP_LINEAR && map->offset != 0) at = cdt_put_bytes(at, &map->offset, 8);
    if (map->kind == CDT_MAP_KEYS || map->kind == CDT_MAP_STEPS) at = cdt_put_number(at, map->integer_step);
    at = cdt_put_number(at, s->exact);
    *at++ = (uint8_t)s->axes;
    for (unsigned a = 0; a < s->axes; a++) at = cdt_put_number(at, s->shape[a]);
    /* 0: as long as the box. */
    for (unsigned a = 0; a < s->box_axes; a++) at = cdt_put_number(at, s->block[a] == s->box[a] ? 0 : s->block[a]);
    for (uint64_t i = 0; i < s->blocks; i++) at = cdt_put_number(at, lengths[i]);
    const uint32_t crc = cdt_crc32c(out, (size_t)(at - out));
    return (size_t)(cdt_put_bytes(at, &crc, 4) - out);
}

static double get_double(cdt_bytes *in)
{
    double number = 0;
    const uint8_t *bytes = cdt_get_bytes(in, 8);
    if (bytes) memcpy(&number, bytes, 8);
    return number;
}

static int promise_is_senseless(int kind, double value)
{
    return kind >= CDT_BOUNDS || (kind != CDT_LOSSLESS && !(value > 0 && value <= DBL_MAX));
}

/* Everything up to the shape. */
static void open_promises(cdt_bytes *in, cdt_stream *s)
{
    const uint8_t *byte = cdt_get_bytes(in, 1);
    s->dtype = byte ? *byte : 0;
    if (s->dtype >= CDT_DTYPES) in->corrupt = 1;
    if (s->dtype == CDT_DATETIME || s->dtype == CDT_TIMEDELTA) {
        byte = cdt_get_bytes(in, 1);
        const size_t length = byte ? *byte : 0;
        const uint8_t *text = length < CDT_UNIT_BYTES ? cdt_get_bytes(in, length) : NULL;
        if (text && !memchr(text, 0, length)) memcpy(s->unit, text, length);
        else in->corrupt = 1;
    }
    const uint8_t *flags = cdt_get_bytes(in, 2);
    if (in->corrupt) return;
    cdt_map *map = &s->coding.map;
    s->coding.type = type_of(s->dtype);
    map->kind = flags[0] >> 4;
    map->width = (flags[0] & WIDE_CODES) ? 8 : 4;
    s->asked_kind = flags[1] & 15;
    s->applied_kind = flags[1] >> 4;
    if (s->asked_kind != CDT_LOSSLESS) s->asked = get_double(in);
    s->applied = s->asked;
    if ((flags[0] & APPLIED_DIFFERS) && s->applied_kind != CDT_LOSSLESS) s->applied = get_double(in);
    if (s->applied_kind == CDT_LOSSLESS) s->applied = 0;
    else s->max_error = get_double(in);
    if (map->kind == CDT_MAP_LINEAR) map->step = get_double(in);
    if (map->kind == CDT_MAP_LINEAR && (flags[0] & HAS_OFFSET)) map->offset = get_double(in);
    if (map->kind == CDT_MAP_KEYS || map->kind == CDT_MAP_STEPS) map->integer_step = cdt_get_number(in);
    if (promise_is_senseless(s->asked_kind, s->asked) || promise_is_senseless(s->applied_kind, s->applied) ||
        s->applied_kind > CDT_PW_REL || !(s->max_error >= 0 && s->max_error <= s->applied) || (flags[0] & 8) ||
        cdt_map_check(map, s->coding.type) != CDT_OK)
        in->corrupt = 1;
    s->coding.promise = (cdt_promise){.kind = s->applied_kind, .value = s->applied};
}

int cdt_stream_open(const uint8_t *bytes, size_t length, int complete, cdt_stream *s, unsigned *version)
{
    cdt_bytes in = {bytes, bytes + length, 0};
    const uint8_t *start = cdt_get_bytes(&in, sizeof signature);
    *version = start && !memcmp(start, signature, 4) ? (start[4] == 0x0D ? 1 : start[4]) : 0;
    *s = (cdt_stream){0};
    if (*version != signature[4]) return CDT_CORRUPT;
    open_promises(&in, s);
    s->exact = cdt_get_number(&in);
    const uint8_t *axes = cdt_get_bytes(&in, 1);
    if (in.corrupt || *axes > CDT_STREAM_AXES) return CDT_CORRUPT;
    s->axes = *axes;
    for (unsigned a = 0; a < s->axes; a++) s->shape[a] = cdt_get_number(&in);
    if (in.corrupt || cdt_stream_box(s) != CDT_OK) return CDT_CORRUPT;
    if ((s->dtype == CDT_C8 || s->dtype == CDT_C16) && (!s->axes || s->shape[s->axes - 1] != 2)) return CDT_CORRUPT;
    for (unsigned a = 0; a < s->box_axes; a++) {
        const uint64_t side = cdt_get_number(&in);
        if (side > (s->box[a] ? s->box[a] : 1)) return CDT_CORRUPT;
        s->block[a] = side ? (size_t)side : s->box[a] ? s->box[a] : 1;
    }
    const size_t numbers = cdt_count(s->box, s->box_axes);
    uint64_t in_block = 1;
    for (unsigned a = 0; a < s->box_axes; a++)
        if ((in_block *= s->block[a]) > CDT_MOST_IN_BLOCK && numbers) return CDT_CORRUPT;
    s->blocks = numbers ? count_blocks(s) : 0;
    if (in.corrupt || s->exact > numbers || s->blocks > (uint64_t)(in.end - in.at)) return CDT_CORRUPT;
    s->lengths = in.at;
    uint64_t sum = 0;
    for (uint64_t i = 0; i < s->blocks; i++) {
        const uint64_t one = cdt_get_number(&in);
        if (one < 5 || one > length) return CDT_CORRUPT;
        sum += one;
    }
    const uint8_t *crc = cdt_get_bytes(&in, 4);
    const uint32_t found = crc ? cdt_crc32c(bytes, (size_t)(crc - bytes)) : 0;
    if (in.corrupt || memcmp(crc, &found, 4) != 0) return CDT_CORRUPT;
    s->first = (size_t)(in.at - bytes);
    if (complete && sum != (uint64_t)(in.end - in.at)) return CDT_CORRUPT;
    return CDT_OK;
}

/* The part of a block that lies in a box: where it begins in either, and its sides. */
static int meet(const cdt_stream *s, const size_t *origin, const size_t *sides, const size_t *start, const size_t *wanted,
                size_t *in_block, size_t *in_box, size_t *common)
{
    for (unsigned a = 0; a < s->box_axes; a++) {
        const size_t low = origin[a] > start[a] ? origin[a] : start[a];
        const size_t end = origin[a] + sides[a], stop = start[a] + wanted[a], high = end < stop ? end : stop;
        if (low >= high) return 0;
        in_block[a] = low - origin[a];
        in_box[a] = low - start[a];
        common[a] = high - low;
    }
    return 1;
}

int cdt_stream_decode_blocks(const cdt_stream *s, const uint8_t *bytes, size_t length, uint64_t from, uint64_t to,
                             const size_t *start, const size_t *wanted, void *values)
{
    const cdt_array all = whole(s, wanted, values);
    cdt_bytes index = {s->lengths, bytes + s->first, 0}, in = {bytes + s->first, bytes + length, 0};
    size_t origin[CDT_AXES], sides[CDT_AXES], in_block[CDT_AXES], in_box[CDT_AXES], common[CDT_AXES];
    uint8_t *block = NULL, *part = NULL;
    const size_t most = cdt_count(s->block, s->box_axes) * cdt_size_of(s->coding.type);
    int status = CDT_OK;
    for (uint64_t i = 0; i < to && status == CDT_OK; i++) {
        const size_t size = (size_t)cdt_get_number(&index);
        const uint8_t *at = cdt_get_bytes(&in, size);
        if (!at) {
            status = CDT_CORRUPT;
            break;
        }
        locate(s, i, origin, sides);
        if (i < from || !meet(s, origin, sides, start, wanted, in_block, in_box, common)) continue;
        const uint32_t crc = cdt_crc32c(at, size - 4);
        if (memcmp(at + size - 4, &crc, 4) != 0) {
            status = CDT_CORRUPT;
            break;
        }
        const int entire = !memcmp(common, sides, s->box_axes * sizeof *sides);
        if (entire && is_slab(wanted, sides, s->box_axes)) {
            unsigned char *to_values = all.data;
            for (unsigned a = 0; a < s->box_axes; a++) to_values += (ptrdiff_t)in_box[a] * all.strides[a];
            status = cdt_block_decode(&s->coding, at, size - 4, sides, s->box_axes, to_values);
            continue;
        }
        if (!block) block = cdt_new(most);
        if (!entire && !part) part = cdt_new(most);
        if (!block || (!entire && !part)) {
            status = CDT_NO_MEMORY;
            break;
        }
        status = cdt_block_decode(&s->coding, at, size - 4, sides, s->box_axes, block);
        if (status != CDT_OK) break;
        if (!entire) {
            const cdt_array from_block = whole(s, sides, block);
            cdt_gather(&from_block, in_block, common, part);
        }
        cdt_scatter(&all, in_box, common, entire ? block : part);
    }
    cdt_drop(block);
    cdt_drop(part);
    return status;
}

/* Every 2^level-th number of the box that lies in a block that does not begin at one: all of it is decoded first. */
static int decode_apart(const cdt_stream *s, const uint8_t *at, size_t size, const size_t *origin, const size_t *sides,
                        unsigned level, size_t *first, size_t *count, void *points)
{
    const size_t each = (size_t)1 << level;
    size_t inside[CDT_AXES];
    void *block = cdt_new(cdt_count(sides, s->box_axes) * cdt_size_of(s->coding.type));
    if (!block) return CDT_NO_MEMORY;
    int status = cdt_block_decode(&s->coding, at, size, sides, s->box_axes, block);
    cdt_array from = whole(s, sides, block);
    for (unsigned a = 0; a < s->box_axes; a++) {
        first[a] = (origin[a] + each - 1) >> level;
        inside[a] = (first[a] << level) - origin[a];
        count[a] = inside[a] < sides[a] ? ((sides[a] - 1 - inside[a]) >> level) + 1 : 0;
        from.data += (ptrdiff_t)inside[a] * from.strides[a];
        from.strides[a] *= (ptrdiff_t)each;
        inside[a] = 0;
    }
    if (status == CDT_OK && cdt_count(count, s->box_axes)) cdt_gather(&from, inside, count, points);
    cdt_drop(block);
    return status;
}

int cdt_stream_decode_level(const cdt_stream *s, const uint8_t *bytes, size_t length, uint64_t from, uint64_t to, unsigned level,
                            void *values)
{
    const size_t each = (size_t)1 << level;
    cdt_bytes index = {s->lengths, bytes + s->first, 0}, in = {bytes + s->first, bytes + length, 0};
    size_t origin[CDT_AXES], sides[CDT_AXES], first[CDT_AXES], count[CDT_AXES], shape[CDT_AXES];
    int status = CDT_OK;
    for (unsigned a = 0; a < s->box_axes; a++) shape[a] = (s->box[a] + each - 1) >> level;
    const cdt_array all = whole(s, shape, values);
    void *points = cdt_new(cdt_count(s->block, s->box_axes) * cdt_size_of(s->coding.type));
    if (!points) return CDT_NO_MEMORY;
    for (uint64_t i = 0; i < to && status == CDT_OK; i++) {
        const size_t size = (size_t)cdt_get_number(&index);
        const uint8_t *at = cdt_get_bytes(&in, size);
        if (!at) status = CDT_CORRUPT;
        if (!at || i < from) continue;
        const uint32_t crc = cdt_crc32c(at, size - 4);
        if (memcmp(at + size - 4, &crc, 4) != 0) {
            status = CDT_CORRUPT;
            break;
        }
        locate(s, i, origin, sides);
        size_t off = 0;
        for (unsigned a = 0; a < s->box_axes; a++) off |= origin[a] & (each - 1);
        if (off) status = decode_apart(s, at, size - 4, origin, sides, level, first, count, points);
        else {
            for (unsigned a = 0; a < s->box_axes; a++) {
                first[a] = origin[a] >> level;
                count[a] = ((sides[a] - 1) >> level) + 1;
            }
            status = cdt_block_decode_level(&s->coding, at, size - 4, sides, s->box_axes, level, points);
        }
        if (status == CDT_OK && cdt_count(count, s->box_axes)) cdt_scatter(&all, first, count, points);
    }
    cdt_drop(points);
    return status;
}
