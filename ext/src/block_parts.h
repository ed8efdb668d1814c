/* What the methods of blocks share. */
#ifndef CDT_BLOCK_PARTS_H
#define CDT_BLOCK_PARTS_H
#include "cdt_block.h"
#include "cdt_bytes.h"
#include "cdt_exact.h"
#include "cdt_interpolate.h"
#include "cdt_layout.h"
#include "cdt_residuals.h"
#include "cdt_simd.h"

/* The first byte of a block: a method, and flags. */
enum { CDT_RAW, CDT_CONSTANT, CDT_PLANES, CDT_CONTEXTS, CDT_INTERPOLATED, CDT_PALETTE, CDT_BASE };
enum { CDT_METHOD = 15, CDT_LOSSLESS_MAP = 16, CDT_SERIES = 32, CDT_SNAPPED = 64, CDT_NUMBERS = 128 };

/* A block that a method made, in memory of its own. */
typedef struct {
    uint8_t *bytes;
    size_t length;
    cdt_measured measured;
} cdt_attempt;

typedef struct {
    const void *values;
    const size_t *sides;
    unsigned axes;
} cdt_box;

/* Codes of a block in one of its maps, and which numbers are exact (a bitmap with spare bytes). Ending is always allowed. */
typedef struct {
    cdt_map map;
    void *codes;
    uint8_t *exact;
    size_t n_exact;
} cdt_coded;

int cdt_coded_start(const cdt_coding *coding, int lossless, const cdt_box *box, cdt_coded *coded, cdt_measured *measured);
void cdt_coded_end(cdt_coded *coded);

/* Each way to predict is prepared, says about how many bits it would take (infinitely many where it cannot), and is finished if it
 * is the best. Zero before it is prepared; ending is always allowed. */
typedef struct {
    cdt_coded coded;
    cdt_layout layout;
    cdt_measured measured;
    uint64_t base;
    uint8_t orders[4];
    int lossless;
    double bits;
} cdt_differences;

int cdt_differences_prepare(const cdt_coding *coding, int lossless, const cdt_box *box, cdt_differences *way);
int cdt_differences_finish(const cdt_coding *coding, const cdt_box *box, cdt_differences *way, cdt_attempt *made);
void cdt_differences_end(cdt_differences *way);
int cdt_get_differences(const cdt_coding *coding, unsigned head, cdt_bytes *in, const size_t *sides, unsigned axes, void *values);
/* Whether a block is of bit planes and without exact numbers, and its numbers, which lie at `origin` of the contiguous `box`, right to
 * their places, row by row. */
int cdt_has_rows(const uint8_t *block, size_t length);
int cdt_get_rows(const cdt_coding *coding, const uint8_t *block, size_t length, const cdt_array *box, const size_t *origin,
                 const size_t *sides);

/* Numbers of a block as interpolation takes them: floats (NaN where exact), or whole numbers in binary32. */
typedef struct {
    const void *values;     /* in the layout's order */
    void *own;              /* the same, where they are not the block's */
    uint8_t *exact;
    size_t n_exact;
    uint64_t base;
    cdt_cells cells;
    double low, high;       /* what the type has, less the base; whole numbers in cells only */
    cdt_layout layout;
    cdt_measured measured;
    int fit, lossless, snapped, numbers, has_holes, straight;
} cdt_ordered;

/* `fit` stays 0 where the numbers are not fit for it. */
int cdt_ordered_start(const cdt_coding *coding, int lossless, const cdt_box *box, cdt_ordered *ordered);
void cdt_ordered_end(cdt_ordered *ordered);

typedef struct {
    cdt_pyramid pyramid;
    cdt_interpolation with;
    cdt_layout layout;
    void *places;           /* of the pyramid */
    unsigned axes;          /* interpolated: the last 1, 2 or 3 */
    double bits;
} cdt_interpolated;

int cdt_interpolated_prepare(const cdt_coding *coding, const cdt_box *box, const cdt_ordered *ordered, unsigned axes,
                             cdt_interpolated *way);
int cdt_interpolated_finish(const cdt_coding *coding, const cdt_box *box, const cdt_ordered *ordered, cdt_interpolated *way,
                            cdt_attempt *made);
void cdt_interpolated_end(cdt_interpolated *way);
/* `coarse` receives the sides of what is there at the level, which is all at level 0; exact numbers are only put in their places there. */
int cdt_get_interpolation(const cdt_coding *coding, unsigned head, cdt_bytes *in, unsigned level, const size_t *sides, unsigned axes,
                          void *values, size_t *coarse);

/* Palettes have at most one entry for so many numbers, and are tried for blocks that are more than one in so many of their bytes. */
enum { CDT_PALETTE_SHARE = 6, CDT_PALETTE_PART = 24 };
/* How a palette is sent: entries as differences of keys, or as places on a grid and corrections. */
enum { CDT_BY_KEYS, CDT_BY_GRID };

/* Palettes of a block, and its numbers' ranks in them; `entries` stays 0 where there are too many distinct numbers. Zero before they
 * are found; ending is always allowed. */
typedef struct {
    size_t slabs, entries;
    int64_t *numbers; /* steps of all palettes, then corrections of all */
    uint8_t *heads, *heads_end;
    uint32_t *ranks;
    uint8_t *exact; /* NULL: none */
    size_t n_exact;
    uint64_t bits; /* about what `numbers` take */
    int looked;
} cdt_palettes;

int cdt_palettes_find(const cdt_coding *coding, const cdt_box *box, cdt_palettes *palettes);
/* Find them unless the block is very smooth or short, and say which share they take, as far as a piece of the block tells, of what
 * differences of its own numbers do (infinitely much where there are none). */
int cdt_palettes_look(const cdt_coding *coding, int lossless, const cdt_box *box, cdt_palettes *palettes, double *share);
/* Without loss, by palettes that were found and have entries. */
int cdt_palettes_finish(const cdt_coding *coding, const cdt_box *box, cdt_palettes *palettes, cdt_attempt *made);
void cdt_palettes_end(cdt_palettes *palettes);
int cdt_get_palette(const cdt_coding *coding, cdt_bytes *in, const size_t *sides, unsigned axes, void *values);

/* With a base slice; made->bytes stays NULL where that is of no use. */
int cdt_try_base(const cdt_coding *coding, const cdt_box *box, cdt_attempt *made);
int cdt_get_base(const cdt_coding *coding, cdt_bytes *in, const size_t *sides, unsigned axes, void *values);

#endif
