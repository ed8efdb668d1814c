/* y += x^T (x v) tile by tile. The contract is in cdt_normal.h.
 *
 * A tile of rows is packed into panels of SIDE columns, the mean subtracted: panel p holds SIDE numbers of each row, row after
 * row. Packed, the tile is multiplied with v (forward), and its transpose with that (backward), while it is in cache. Both
 * walk with BLOCK x 2 vectors of sums in registers and ask for the lines of the next tile as they go.
 */
#define SIDE CDT_NORMAL_SIDE
#if CDT_SIMD == 512
#define BLOCK 12 /* sums of 12 rows or columns: 24 of 32 registers */
#else
#define BLOCK 6 /* 12 of 16 registers */
#endif
#define CHUNK 16          /* panels that are packed, then multiplied while in the first cache */
#define TILE_BYTES 320000 /* of the packed tile */
#define MOST_ROWS 96      /* more rows save nothing */

/* y[i, .] += sum over panels and columns of panel[i, column] v[column, .] for SIDE rows; `next` is what is read after this tile. */
INLINE void LEVEL(normal_forward)(const double *restrict panels, size_t apart, size_t count, const double *restrict v, size_t width,
                                  double *restrict y, const char *next, size_t next_row, size_t next_panel, const int vectors)
{
    for (int half = 0; half < SIDE; half += BLOCK) {
        vf8 sums[BLOCK][2];
        UNROLL for (int i = 0; i < BLOCK; i++)
        {
            UNROLL for (int k = 0; k < vectors; k++) sums[i][k] = LOAD_F8(y + (half + i) * width + k * LANES_F8);
        }
        for (size_t p = 0; p < count; p++) {
            const double *const at = panels + p * apart + half * SIDE;
            for (int c = 0; c < SIDE; c++) {
                const double *const row = v + (p * SIDE + c) * width;
                if (!half) __builtin_prefetch(next + c * next_row + p * next_panel, 0, 2);
                UNROLL for (int i = 0; i < BLOCK; i++)
                {
                    UNROLL for (int k = 0; k < vectors; k++) sums[i][k] += at[i * SIDE + c] * LOAD_F8(row + k * LANES_F8);
                }
            }
        }
        UNROLL for (int i = 0; i < BLOCK; i++)
        {
            UNROLL for (int k = 0; k < vectors; k++) STORE_F8(y + (half + i) * width + k * LANES_F8, sums[i][k]);
        }
    }
}

/* y[column, .] += sum over rows of panel[row, column] t[row, .] for the SIDE columns of one panel. */
INLINE void LEVEL(normal_backward)(const double *restrict panel, size_t rows, const double *restrict t, size_t width,
                                   double *restrict y, const char *next, size_t next_row, const int vectors)
{
    for (int half = 0; half < SIDE; half += BLOCK) {
        vf8 sums[BLOCK][2];
        UNROLL for (int c = 0; c < BLOCK; c++)
        {
            UNROLL for (int k = 0; k < vectors; k++) sums[c][k] = LOAD_F8(y + (half + c) * width + k * LANES_F8);
        }
        for (size_t i = 0; i < rows; i++) {
            const double *const at = panel + i * SIDE + half;
            if (!half) __builtin_prefetch(next + i * next_row, 0, 2);
            UNROLL for (int c = 0; c < BLOCK; c++)
            {
                UNROLL for (int k = 0; k < vectors; k++) sums[c][k] += at[c] * LOAD_F8(t + i * width + k * LANES_F8);
            }
        }
        UNROLL for (int c = 0; c < BLOCK; c++)
        {
            UNROLL for (int k = 0; k < vectors; k++) STORE_F8(y + (half + c) * width + k * LANES_F8, sums[c][k]);
        }
    }
}

static void LEVEL(normal_forward_all)(const double *panels, size_t apart, size_t count, const double *v, size_t width, double *y,
                                      const char *next, size_t next_row, size_t next_panel)
{
    size_t r = 0;
    for (; r + 2 * LANES_F8 <= width; r += 2 * LANES_F8)
        LEVEL(normal_forward)(panels, apart, count, v + r, width, y + r, next, next_row, next_panel, 2);
    for (; r < width; r += LANES_F8)
        LEVEL(normal_forward)(panels, apart, count, v + r, width, y + r, next, next_row, next_panel, 1);
}

static void LEVEL(normal_backward_all)(const double *panel, size_t rows, const double *t, size_t width, double *y, const char *next,
                                       size_t next_row)
{
    size_t r = 0;
    for (; r + 2 * LANES_F8 <= width; r += 2 * LANES_F8) LEVEL(normal_backward)(panel, rows, t + r, width, y + r, next, next_row, 2);
    for (; r < width; r += LANES_F8) LEVEL(normal_backward)(panel, rows, t + r, width, y + r, next, next_row, 1);
}

/* Rows of a tile: a multiple of SIDE that fits into the cache. */
static size_t LEVEL(normal_tile_rows)(size_t rows, size_t padded)
{
    size_t most = TILE_BYTES / (padded * sizeof(double)) / SIDE * SIDE;
    if (most < 2 * SIDE) most = 2 * SIDE;
    if (most > MOST_ROWS) most = MOST_ROWS;
    const size_t all = (rows + SIDE - 1) / SIDE * SIDE;
    return all < most ? all : most;
}

#define REAL float
#define NAME(x) LEVEL(x##_f4)
#define WIDE LOAD_F4_WIDE
#include "normal.template.h"
#undef REAL
#undef NAME
#undef WIDE
#define REAL double
#define NAME(x) LEVEL(x##_f8)
#define WIDE LOAD_F8
#include "normal.template.h"
#undef REAL
#undef NAME
#undef WIDE
#undef SIDE
#undef BLOCK
#undef CHUNK
#undef TILE_BYTES
#undef MOST_ROWS
