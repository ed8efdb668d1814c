#include "cdt_grid.h"
#include "cdt_status.h"
#include "cdt_stream.h"
#include <float.h>
#include <math.h>
#include <string.h>

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

uint64_t cdt_stream_count_blocks(const cdt_stream *s)
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
    s->blocks = cdt_stream_count_blocks(s);
}

static cdt_map steps_for(cdt_type type, double bound)
{
    cdt_map map = cdt_lossless_map(type);
    const uint64_t most = ((uint64_t)1 << (8 * cdt_size_of(type) - 1)) - 1;
    map.integer_step = bound >= (double)most ? most : (uint64_t)bound;
    return map;
}

static cdt_map keys_for(cdt_type type, double bound)
{
    cdt_map map = cdt_lossless_map(type);
    const uint64_t most = type == CDT_F8 ? (uint64_t)1 << 53 : (uint64_t)1 << 24;
    const double steps = floor(2.0 * (bound < 0.5 ? bound : 0.5) * ldexp(1.0, type == CDT_F8 ? 52 : 23));
    if (type == CDT_F2 || steps < 2) return map;
    map.kind = CDT_MAP_KEYS;
    map.integer_step = steps >= (double)most ? most : (uint64_t)steps;
    map.width = type == CDT_F8 && map.integer_step < ((uint64_t)1 << 33) ? 8 : 4;
    return map;
}

/* How far a linear step may be below twice the bound so that rounded products keep it. */
static const double MOST_LOST = 0.05;

static cdt_map linear_for(cdt_type type, double bound, double largest)
{
    cdt_map map = cdt_lossless_map(type);
    const double limit = type == CDT_F8 ? DBL_MAX : FLT_MAX, least = type == CDT_F8 ? DBL_MIN : FLT_MIN;
    double lost = largest * ldexp(1.0, type == CDT_F8 ? -53 : -24) / bound;
    lost = lost < MOST_LOST ? lost : MOST_LOST;
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

cdt_map cdt_map_for(cdt_type type, int kind, double bound, double largest)
{
    if (kind == CDT_LOSSLESS || (kind != CDT_ABS && type < CDT_F2)) return cdt_lossless_map(type);
    if (type < CDT_F2) return steps_for(type, bound);
    return kind == CDT_PW_REL ? keys_for(type, bound) : linear_for(type, bound, largest);
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
