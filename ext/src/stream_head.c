#include "cdt_bytes.h"
#include "cdt_status.h"
#include "cdt_stream.h"
#include <float.h>

static const uint8_t signature[5] = {0x93, 'C', 'D', 'T', 2};
/* Flags of the head. */
enum { APPLIED_DIFFERS = 1, HAS_OFFSET = 2, WIDE_CODES = 4 };

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

/* The shape, and the blocks. */
static int open_shape(cdt_bytes *in, cdt_stream *s)
{
    const uint8_t *axes = cdt_get_bytes(in, 1);
    if (in->corrupt || *axes > CDT_STREAM_AXES) return CDT_CORRUPT;
    s->axes = *axes;
    for (unsigned a = 0; a < s->axes; a++) s->shape[a] = cdt_get_number(in);
    if (in->corrupt || cdt_stream_box(s) != CDT_OK) return CDT_CORRUPT;
    if ((s->dtype == CDT_C8 || s->dtype == CDT_C16) && (!s->axes || s->shape[s->axes - 1] != 2)) return CDT_CORRUPT;
    const size_t numbers = cdt_count(s->box, s->box_axes);
    uint64_t in_block = 1;
    for (unsigned a = 0; a < s->box_axes; a++) {
        const size_t most = s->box[a] ? s->box[a] : 1;
        const uint64_t side = cdt_get_number(in);
        if (side > most) return CDT_CORRUPT;
        s->block[a] = side ? (size_t)side : most;
        if ((in_block *= s->block[a]) > CDT_MOST_IN_BLOCK && numbers) return CDT_CORRUPT;
    }
    s->blocks = cdt_stream_count_blocks(s);
    return in->corrupt || s->exact > numbers ? CDT_CORRUPT : CDT_OK;
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
    if (open_shape(&in, s) != CDT_OK || s->blocks > (uint64_t)(in.end - in.at)) return CDT_CORRUPT;
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
