/* Geometry of level-wise interpolation: a grid, and the classes of points that each halving of it leaves behind.
 *
 * A block has 4 axes: batch, z, y, x. Axes are split where their bit of `axes` is set (4: z, 2: y, 1: x) and they have two points or
 * more; the batch never is. Of the points of one level, class c has odd indices along the axes of c's bits, even ones along the
 * others that are split; class 0 is the next, coarser grid. Rows (along x) lie CDT_PAD or more further than their length
 * apart, one place of padding before them and two after: the first and last value again.
 */
#ifndef CDT_PYRAMID_H
#define CDT_PYRAMID_H
#include "cdt_rows.h"
#include <stddef.h>
#include <stdint.h>

#define CDT_LEVELS 25
#define CDT_SEGMENTS (1 + 7 * CDT_LEVELS)

/* The points of one class at one level: batch, z, y, x. The first segment is the coarsest grid, then classes, coarse to fine. */
typedef struct {
    size_t dim[4];
    size_t offset; /* of the first row's padding, in values */
    size_t stride; /* of rows: those of all classes of a level, and of the next grid, lie alike */
    uint8_t level, class_bits;
} cdt_segment;

typedef struct {
    size_t dim[CDT_LEVELS + 1][4];   /* of the grid at each level */
    size_t grid[CDT_LEVELS + 1];     /* offsets of the grids from level 1 on; the last is the first segment */
    int at[CDT_LEVELS][8];           /* index of the segment of a level and class; -1: none, class 0 is the grid above */
    uint8_t split[CDT_LEVELS];       /* axes halved at each level */
    unsigned levels, count;
    cdt_segment segments[CDT_SEGMENTS];
    size_t values;                   /* places for all of it */
} cdt_pyramid;

/* CDT_BAD_ARGUMENT: an axis of length 0, or more points than 2^24 */
int cdt_pyramid_plan(const size_t dim[4], unsigned axes, cdt_pyramid *pyramid);

/* Rows around the rows of a segment: the two next and the two after of each odd axis, 4 diagonals of each pair, 8 corners. */
typedef struct {
    unsigned count;
    size_t ny, nz;                                  /* rows and planes of the segment */
    size_t inner_from, inner_to;                    /* rows of a plane of which all around are at a distance of the row's own stride
                                                     * from those around the row before */
    struct {
        size_t first, stride, plane, batch;         /* of the class that the row is in: offset, and distances */
        ptrdiff_t most_z, most_y;
        int8_t z, y;                                /* steps along z and y, that along x is in `first` */
    } row[32];
} cdt_around;

void cdt_pyramid_around(const cdt_pyramid *pyramid, const cdt_segment *segment, cdt_around *around);

/* How many rows from row `index` on can be taken as one, `most` at most. */
static inline size_t cdt_around_together(const cdt_around *around, size_t index, size_t most)
{
    const size_t y = index % around->ny;
    if (y < around->inner_from || y >= around->inner_to) return 1;
    return around->inner_to - y < most ? around->inner_to - y : most;
}

/* The offsets of the rows around row `index` of the segment; rows outside are the nearest inside. */
static inline void cdt_around_row(const cdt_around *around, size_t index, unsigned count, size_t *offsets)
{
    const ptrdiff_t y = (ptrdiff_t)(index % around->ny);
    const size_t plane = index / around->ny, b = plane / around->nz;
    const ptrdiff_t z = (ptrdiff_t)(plane % around->nz);
    for (unsigned i = 0; i < count; i++) {
        ptrdiff_t at_z = z + around->row[i].z, at_y = y + around->row[i].y;
        at_z = at_z < 0 ? 0 : at_z > around->row[i].most_z ? around->row[i].most_z : at_z;
        at_y = at_y < 0 ? 0 : at_y > around->row[i].most_y ? around->row[i].most_y : at_y;
        offsets[i] = around->row[i].first + b * around->row[i].batch + (size_t)at_z * around->row[i].plane +
                     (size_t)at_y * around->row[i].stride;
    }
}

/* A row beyond the grid: the last row, the one before it along z, and both again one before along y; how far it is beyond along z
 * and y. */
typedef struct {
    size_t offsets[4];
    int z, y;
} cdt_beyond;

/* Whether row i around row `index` is beyond the grid. */
int cdt_around_beyond(const cdt_around *around, size_t index, unsigned i, cdt_beyond *beyond);

/* Class `c` of a level (0: the coarser grid), and the grid of a level, as segments. */
cdt_segment cdt_pyramid_class(const cdt_pyramid *pyramid, unsigned level, unsigned c);
cdt_segment cdt_pyramid_grid(const cdt_pyramid *pyramid, unsigned level);

/* Where point i of row r of a segment is in the block, in C order. */
size_t cdt_pyramid_place(const cdt_pyramid *pyramid, const cdt_segment *segment, size_t r, size_t i);

static inline size_t cdt_rows_of(const cdt_segment *segment)
{
    return segment->dim[0] * segment->dim[1] * segment->dim[2];
}

/* Where row (b, z, y) of a segment begins, behind its padding. */
static inline size_t cdt_segment_row(const cdt_segment *s, size_t b, size_t z, size_t y)
{
    return s->offset + 1 + ((b * s->dim[1] + z) * s->dim[2] + y) * s->stride;
}

#endif
