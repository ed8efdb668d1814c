#include "context_rows.h"
#include "cdt_simd.h"
#include <string.h>

unsigned cdt_context_kind(const cdt_pyramid *pyramid, const cdt_segment *segment)
{
    if (segment->level == pyramid->levels) return pyramid->levels ? 4 : 0;
    if (segment->level == 0) {
        const unsigned c = segment->class_bits;
        return (c & 1) + (c >> 1 & 1) + (c >> 2) - 1;
    }
    return segment->level == 1 ? 3 : 4;
}

/* Weights of what is not there go to what is. */
static void share_weights(const cdt_recipe *recipe, int has_above, int has_before, int has_around, uint8_t weights[3])
{
    unsigned above = recipe->above, before = recipe->before, around = recipe->around;
    if (!has_around) {
        if (has_above || !has_before) above += around;
        else before += around;
        around = 0;
    }
    if (!has_before) {
        if (has_above || !has_around) above += before;
        else around += before;
        before = 0;
    }
    if (!has_above) {
        if (has_around) around += above;
        else if (has_before) before += above;
        above = 0;
    }
    weights[0] = (uint8_t)above;
    weights[1] = (uint8_t)before;
    weights[2] = (uint8_t)around;
}

void cdt_context_neighbours(const cdt_around *near, const cdt_segment *segment, size_t index, const cdt_recipe *recipe,
                            const uint8_t *tokens, cdt_neighbours *from)
{
    const size_t ny = segment->dim[2], stride = segment->stride;
    const size_t y = index % ny, plane = index / ny;
    const uint8_t *row = tokens + segment->offset + 1 + index * stride;
    const unsigned c = segment->class_bits;
    share_weights(recipe, y > 0, plane > 0, c != 0, from->weights);
    from->above = y > 0 ? row - stride : row;
    from->second = y > 1 ? row - 2 * stride : from->above;
    from->before = plane > 0 ? row - ny * stride : row;
    from->shift = recipe->shift;
    from->lagged = recipe->lagged;
    from->axes = (c & 1) + (c >> 1 & 1) + (c >> 2);
    for (int i = 0; i < 6; i++) from->around[i] = row;
    if (c) {
        size_t offsets[12];
        cdt_around_row(near, index, 4 * from->axes, offsets);
        for (unsigned a = 0; a < from->axes; a++) {
            from->around[2 * a] = tokens + offsets[4 * a];
            from->around[2 * a + 1] = tokens + offsets[4 * a + 1];
        }
    }
}

/* The grid of one level, as one array of tokens, from its classes and the coarser grid. */
static void merge_grid(const cdt_pyramid *pyramid, unsigned level, uint8_t *tokens)
{
    const cdt_row_kernels *rows = &cdt_active_kernels()->rows;
    const size_t *dim = pyramid->dim[level];
    const unsigned split = pyramid->split[level];
    const cdt_segment grid = cdt_pyramid_grid(pyramid, level);
    for (size_t b = 0; b < dim[0]; b++)
        for (size_t z = 0; z < dim[1]; z++)
            for (size_t y = 0; y < dim[2]; y++) {
                const unsigned zs = split >> 2, ys = split >> 1 & 1, c = (zs & (unsigned)z) << 2 | (ys & (unsigned)y) << 1;
                const uint8_t *row[2] = {NULL, NULL};
                for (unsigned x = 0; x <= (split & 1); x++) {
                    const cdt_segment from = cdt_pyramid_class(pyramid, level, c | x);
                    row[x] = tokens + cdt_segment_row(&from, b, z >> zs, y >> ys);
                }
                uint8_t *out = tokens + cdt_segment_row(&grid, b, z, y);
                if (split & 1) rows->merge_bytes(row[0], row[1], dim[3], out);
                else memcpy(out, row[0], dim[3]);
                cdt_pad(out, dim[3]);
            }
}

void cdt_context_merge(const cdt_pyramid *pyramid, unsigned s, uint8_t *tokens)
{
    const cdt_segment *segments = pyramid->segments;
    if (s && segments[s - 1].level != segments[s].level && segments[s - 1].level < pyramid->levels)
        merge_grid(pyramid, segments[s - 1].level, tokens);
}
