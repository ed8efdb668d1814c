#include "cdt_pyramid.h"
#include "cdt_status.h"
#include <string.h>

static size_t rows(const size_t dim[4])
{
    return dim[0] * dim[1] * dim[2];
}

static const uint8_t order_of_classes[7] = {1, 2, 4, 3, 5, 6, 7};

/* The grids of all levels, each half of the one before along the axes that are split, until none is. */
static void halve(cdt_pyramid *pyramid, unsigned axes)
{
    unsigned level = 0;
    for (;; level++) {
        const size_t *dim = pyramid->dim[level];
        size_t *next = pyramid->dim[level + 1];
        unsigned split = 0;
        for (int a = 1; a < 4; a++)
            if ((axes >> (3 - a) & 1) && dim[a] > 1) split |= 1u << (3 - a);
        if (!split) break;
        pyramid->split[level] = (uint8_t)split;
        next[0] = dim[0];
        for (int a = 1; a < 4; a++) next[a] = (split >> (3 - a) & 1) ? (dim[a] + 1) / 2 : dim[a];
    }
    pyramid->levels = level;
}

/* Places for the grids from level 1 on, of which the last (the only one of a pyramid that is not split) is the first segment.
 * Returns where they end. */
static size_t place_grids(cdt_pyramid *pyramid)
{
    const unsigned last = pyramid->levels, first = last ? 1 : 0;
    size_t at = 0;
    for (unsigned level = last + 1; level-- > first;) {
        pyramid->grid[level] = at;
        at += rows(pyramid->dim[level]) * (pyramid->dim[level][3] + CDT_PAD);
    }
    pyramid->segments[0] = cdt_pyramid_grid(pyramid, last);
    pyramid->count = 1;
    return at;
}

/* The next segment: class `c` of a level, with places from `at` on. Returns where they end. */
static size_t place_class(cdt_pyramid *pyramid, unsigned level, unsigned c, size_t at)
{
    cdt_segment *s = &pyramid->segments[pyramid->count];
    const size_t *dim = pyramid->dim[level], *even = pyramid->dim[level + 1];
    s->level = (uint8_t)level;
    s->class_bits = (uint8_t)c;
    s->dim[0] = dim[0];
    for (int a = 1; a < 4; a++) s->dim[a] = (c >> (3 - a) & 1) ? dim[a] / 2 : even[a];
    s->offset = at;
    s->stride = even[3] + CDT_PAD;
    pyramid->at[level][c] = (int)pyramid->count++;
    return at + rows(s->dim) * s->stride;
}

int cdt_pyramid_plan(const size_t dim[4], unsigned axes, cdt_pyramid *pyramid)
{
    size_t points = 1;
    for (int a = 0; a < 4; a++) {
        if (dim[a] < 1 || dim[a] > (1u << 24) || (points *= dim[a]) > (1u << 24)) return CDT_BAD_ARGUMENT;
        pyramid->dim[0][a] = dim[a];
    }
    halve(pyramid, axes);
    memset(pyramid->at, 0xFF, sizeof pyramid->at);
    size_t at = place_grids(pyramid);
    for (unsigned level = pyramid->levels; level-- > 0;)
        for (int i = 0; i < 7; i++) {
            const unsigned c = order_of_classes[i];
            if (!(c & ~(unsigned)pyramid->split[level])) at = place_class(pyramid, level, c, at);
        }
    pyramid->values = at;
    return CDT_OK;
}

cdt_segment cdt_pyramid_grid(const cdt_pyramid *pyramid, unsigned level)
{
    cdt_segment grid = {.offset = pyramid->grid[level], .stride = pyramid->dim[level][3] + CDT_PAD, .level = (uint8_t)level};
    memcpy(grid.dim, pyramid->dim[level], sizeof grid.dim);
    return grid;
}

cdt_segment cdt_pyramid_class(const cdt_pyramid *pyramid, unsigned level, unsigned c)
{
    return c ? pyramid->segments[pyramid->at[level][c]] : cdt_pyramid_grid(pyramid, level + 1);
}

size_t cdt_pyramid_place(const cdt_pyramid *pyramid, const cdt_segment *segment, size_t r, size_t i)
{
    size_t place[3] = {r / segment->dim[2] % segment->dim[1], r % segment->dim[2], i};
    const size_t *dim = pyramid->dim[0];
    for (unsigned level = segment->level + (segment->class_bits != 0); level-- > 0;)
        for (unsigned a = 0; a < 3; a++)
            if (pyramid->split[level] >> (2 - a) & 1)
                place[a] = 2 * place[a] + (level == segment->level ? segment->class_bits >> (2 - a) & 1u : 0u);
    return ((r / segment->dim[2] / segment->dim[1] * dim[1] + place[0]) * dim[2] + place[1]) * dim[3] + place[2];
}

static void add_row(cdt_around *around, const cdt_segment *from, unsigned along, const int shift[3])
{
    const size_t stride = from->stride;
    const unsigned i = around->count++;
    around->row[i].stride = stride;
    around->row[i].plane = from->dim[2] * stride;
    around->row[i].batch = from->dim[1] * from->dim[2] * stride;
    around->row[i].most_z = (ptrdiff_t)from->dim[1] - 1;
    around->row[i].most_y = (ptrdiff_t)from->dim[2] - 1;
    around->row[i].z = (int8_t)((along & 4) ? shift[0] : 0);
    around->row[i].y = (int8_t)((along & 2) ? shift[1] : 0);
    const ptrdiff_t last = around->row[i].most_y - around->row[i].y;
    if (around->row[i].y < 0 && around->inner_from < 1) around->inner_from = 1;
    if ((ptrdiff_t)around->inner_to > last + 1) around->inner_to = last < 0 ? 0 : (size_t)last + 1;
    around->row[i].first = (size_t)((ptrdiff_t)from->offset + 1 + ((along & 1) ? shift[2] : 0));
}

void cdt_pyramid_around(const cdt_pyramid *pyramid, const cdt_segment *segment, cdt_around *around)
{
    static const int by[4] = {0, 1, -1, 2};
    const unsigned c = segment->class_bits;
    unsigned axes[3], odd = 0;
    around->count = 0;
    around->ny = segment->dim[2];
    around->nz = segment->dim[1];
    around->inner_from = 0;
    around->inner_to = segment->dim[2];
    for (unsigned bit = 0; bit < 3; bit++)
        if (c >> bit & 1) axes[odd++] = 1u << bit;
    for (unsigned i = 0; i < odd; i++) {
        const cdt_segment from = cdt_pyramid_class(pyramid, segment->level, c & ~axes[i]);
        for (int t = 0; t < 4; t++) add_row(around, &from, axes[i], (const int[3]){by[t], by[t], by[t]});
    }
    for (unsigned i = 0; i < odd; i++)
        for (unsigned j = i + 1; j < odd; j++) {
            const cdt_segment from = cdt_pyramid_class(pyramid, segment->level, c & ~(axes[i] | axes[j]));
            for (int t = 0; t < 4; t++) {
                int shift[3] = {0, 0, 0};
                for (int a = 0; a < 3; a++) {
                    const unsigned bit = 1u << (2 - a);
                    shift[a] = bit == axes[i] ? t & 1 : bit == axes[j] ? t >> 1 : 0;
                }
                add_row(around, &from, axes[i] | axes[j], shift);
            }
        }
    if (odd == 3) {
        const cdt_segment from = cdt_pyramid_class(pyramid, segment->level, 0);
        for (int t = 0; t < 8; t++) add_row(around, &from, 7, (const int[3]){t >> 2, t >> 1 & 1, t & 1});
    }
}

/* How far an index is outside 0..most, the nearest inside, and the one before that. */
static int outside(ptrdiff_t index, ptrdiff_t most, size_t *last, size_t *before)
{
    const ptrdiff_t near = index < 0 ? 0 : index > most ? most : index;
    const ptrdiff_t next = index < 0 ? (most > 0 ? 1 : 0) : index > most ? (most > 0 ? most - 1 : 0) : near;
    *last = (size_t)near;
    *before = (size_t)next;
    return (int)(index < near ? near - index : index - near);
}

int cdt_around_beyond(const cdt_around *around, size_t index, unsigned i, cdt_beyond *beyond)
{
    size_t y[2], z[2];
    const size_t plane = index / around->ny;
    beyond->y = outside((ptrdiff_t)(index % around->ny) + around->row[i].y, around->row[i].most_y, &y[0], &y[1]);
    beyond->z = outside((ptrdiff_t)(plane % around->nz) + around->row[i].z, around->row[i].most_z, &z[0], &z[1]);
    if (!beyond->y && !beyond->z) return 0;
    const size_t first = around->row[i].first + plane / around->nz * around->row[i].batch;
    for (unsigned k = 0; k < 4; k++)
        beyond->offsets[k] = first + z[k & 1] * around->row[i].plane + y[k >> 1] * around->row[i].stride;
    return 1;
}
