/* Row kernels of prediction from reconstructed values by level-wise interpolation, and of contexts. Rows do not overlap unless said. */
#ifndef CDT_ROWS_H
#define CDT_ROWS_H
#include <stddef.h>
#include <stdint.h>

#define CDT_PAD 3 /* places of padding: one before a row, two after it */

/* Cells of values: y = p + k * step with |x - y| <= bound, all numbers of the values' own type; p is `offset` where nothing else
 * predicts. */
typedef struct {
    double step, bound, offset;
    int snap; /* predictions are rounded to whole numbers first: values on the integers */
} cdt_cells;

/* Rows around a row of points that are odd along `odd` axes: of each axis the two next and the two after (4 pointers), then of
 * each pair of axes the 4 diagonal ones, then of three axes the 8 corners: 4, 12 or 32 rows. weights: 1, 4 or 9 (cdt_interpolate.h). */
#define CDT_ROWS_DECL(T)                                                                                                 \
    struct {                                                                                                             \
        /* Extremes of the finite values; untouched when there is none. */                                               \
        void (*extremes)(const T *values, size_t n, T *low, T *high);                                                    \
        /* Bit i % 8 of bits[i / 8]: |x - y| is not below the bound (y NULL: 0). Spare bits of the last byte are 0. */      \
        void (*apart)(const T *x, const T *y, size_t n, T bound, uint8_t *bits);                                         \
        /* even[i] = in[2 i], odd[i] = in[2 i + 1] of n values, and back. */                                              \
        void (*split)(const T *in, size_t n, T *even, T *odd);                                                           \
        void (*merge)(const T *even, const T *odd, size_t n, T *out);                                                    \
        void (*predict)(const T *const *around, unsigned odd, const T *weights, size_t n, T *p);                         \
        /* What the weights multiply, rows at a distance of `room`, and the target's x - base as the last row. */        \
        void (*features)(const T *const *around, unsigned odd, const T *x, size_t n, size_t room, T *out);               \
        /* Residuals of samples under weights, weights of residuals, and weighted sums of products: for fits. */           \
        void (*residuals)(const T *rows, size_t room, size_t n, unsigned count, const T *weights, T *residuals);         \
        void (*weigh)(T *residuals, size_t n, T inverse);                                                                \
        void (*products)(const T *rows, size_t room, size_t n, unsigned all, const T *weights, double (*products)[10]);  \
        /* k and y of x, and how many y are not within the bound (NaN and what is too far get k = 0). The largest error  \
         * of the others. `p` is rounded when cells->snap says so. */                                                    \
        T (*quantise)(const T *x, T *p, size_t n, const cdt_cells *cells, int32_t *k, T *y, size_t *bad_count);          \
        T (*quantise_flat)(const T *x, size_t n, const cdt_cells *cells, int32_t *k, size_t *bad_count);                 \
        void (*rebuild_flat)(const int32_t *k, size_t n, const cdt_cells *cells, T *y);                                  \
        void (*rebuild)(T *p, const int32_t *k, size_t n, const cdt_cells *cells, T *y);                                 \
    }

/* Tokens around a row, each with a place of padding before and after it: the row above and the one above that, the row in the plane
 * before, and the two next of each odd axis. weights: of above, before and around. */
typedef struct {
    const uint8_t *above, *second, *before, *around[6];
    unsigned axes, shift, lagged;
    uint8_t weights[3];
} cdt_neighbours;

/* Fill in the padding of a row of tokens. */
static inline void cdt_pad(uint8_t *row, size_t n)
{
    row[-1] = row[0];
    row[n] = row[n + 1] = row[n - 1];
}

/* Neighbours of the next row, where they lie alike. */
static inline void cdt_neighbours_step(cdt_neighbours *near, size_t stride)
{
    near->above += stride;
    near->second += stride;
    near->before += stride;
    for (unsigned i = 0; i < 2 * near->axes; i++) near->around[i] += stride;
}

/* Activities are written up to so many bytes beyond the end of a row, and tokens are read up to twice as many. */
#define CDT_SPARE 32

typedef struct {
    CDT_ROWS_DECL(float) f4;
    CDT_ROWS_DECL(double) f8;
    /* min(255, weighted sum >> shift) */
    void (*activity)(const cdt_neighbours *from, size_t n, uint8_t *activity);
    /* table[activity] */
    void (*contexts)(const cdt_neighbours *from, size_t n, const uint8_t table[256], uint8_t *contexts);
    /* Of each 64 bytes in turn, how many are not 0: 0 for none, 1 for up to 3, 2 for up to 15, 3 for more. */
    void (*loudness)(const uint8_t *bytes, size_t n, uint8_t *loudness);
    /* indices[i] = table[contexts[i]] * symbols + tokens[i], below 2^16 */
    void (*index_tokens)(const uint8_t table[256], const uint8_t *contexts, const uint8_t *tokens, size_t symbols, size_t n,
                         uint16_t *indices);
    /* bytes[i] = table[bytes[i]] */
    void (*look_up)(const uint8_t table[256], uint8_t *bytes, size_t n);
    void (*merge_bytes)(const uint8_t *even, const uint8_t *odd, size_t n, uint8_t *out);
} cdt_row_kernels;

#endif
