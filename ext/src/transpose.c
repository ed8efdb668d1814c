#include "transpose.h"

#ifdef __SSE2__
#include <emmintrin.h>

/* Interleaving the first half of the rows of a tile with the second moves the highest bit of a place to its lowest: as many times as
 * a place along one side has bits turn rows into columns. */
#define TURN(SIDE, a, b, LOW, HIGH)                                                                                      \
    for (size_t i = 0; i < (SIDE) / 2; i++) {                                                                            \
        (b)[2 * i] = LOW((a)[i], (a)[i + (SIDE) / 2]);                                                                   \
        (b)[2 * i + 1] = HIGH((a)[i], (a)[i + (SIDE) / 2]);                                                              \
    }
#define LOAD(SIDE)                                                                                                       \
    for (size_t i = 0; i < (SIDE); i++) a[i] = _mm_loadu_si128((const void *)(from + i * stride))
#define STORE(SIDE, a)                                                                                                   \
    for (size_t i = 0; i < (SIDE); i++) _mm_storeu_si128((void *)(to + i * to_stride), (a)[i])

static void tile_1(const uint8_t *from, size_t stride, uint8_t *to, size_t to_stride)
{
    __m128i a[16], b[16];
    LOAD(16);
    TURN(16, a, b, _mm_unpacklo_epi8, _mm_unpackhi_epi8)
    TURN(16, b, a, _mm_unpacklo_epi8, _mm_unpackhi_epi8)
    TURN(16, a, b, _mm_unpacklo_epi8, _mm_unpackhi_epi8)
    TURN(16, b, a, _mm_unpacklo_epi8, _mm_unpackhi_epi8)
    STORE(16, a);
}

/* `some` columns (at most 4) of `valid` rows (at most 4); from[3] and to[3] of each are touched, whether or not they belong to it. */
static void tile_4(const uint32_t *from, size_t stride, size_t valid, uint32_t *to, size_t to_stride, size_t some)
{
    __m128i a[4], b[4];
    for (size_t i = 0; i < 4; i++) a[i] = i < valid ? _mm_loadu_si128((const void *)(from + i * stride)) : _mm_setzero_si128();
    TURN(4, a, b, _mm_unpacklo_epi32, _mm_unpackhi_epi32)
    TURN(4, b, a, _mm_unpacklo_epi32, _mm_unpackhi_epi32)
    for (size_t i = 0; i < some; i++) _mm_storeu_si128((void *)(to + i * to_stride), a[i]);
}

static void tile_8(const uint64_t *from, size_t stride, uint64_t *to, size_t to_stride)
{
    __m128i a[2], b[2];
    LOAD(2);
    TURN(2, a, b, _mm_unpacklo_epi64, _mm_unpackhi_epi64)
    STORE(2, b);
}
#else
#define TILE(T, NAME, SIDE)                                                                                              \
    static void NAME(const T *from, size_t stride, T *to, size_t to_stride)                                              \
    {                                                                                                                    \
        for (size_t r = 0; r < (SIDE); r++)                                                                              \
            for (size_t c = 0; c < (SIDE); c++) to[c * to_stride + r] = from[r * stride + c];                            \
    }
TILE(uint8_t, tile_1, 16)
static void tile_4(const uint32_t *from, size_t stride, size_t valid, uint32_t *to, size_t to_stride, size_t some)
{
    for (size_t c = 0; c < some; c++)
        for (size_t r = 0; r < valid; r++) to[c * to_stride + r] = from[r * stride + c];
}
TILE(uint64_t, tile_8, 2)
#endif

static void tile_2(const uint16_t *from, size_t stride, uint16_t *to, size_t to_stride)
{
    for (size_t r = 0; r < 8; r++)
        for (size_t c = 0; c < 8; c++) to[c * to_stride + r] = from[r * stride + c];
}

/* Tiles go over 16 columns at a time, down all rows: so many rows of the result stay in the cache. */
#define TRANSPOSE(T, tile, SIDE)                                                                                         \
    {                                                                                                                    \
        const T *const in = from;                                                                                        \
        T *const out = to;                                                                                               \
        const size_t whole_rows = rows / (SIDE) * (SIDE), whole_columns = columns / (SIDE) * (SIDE);                     \
        for (size_t first = 0; first < whole_columns; first += 16)                                                       \
            for (size_t r = 0; r < whole_rows; r += (SIDE))                                                              \
                for (size_t c = first; c < first + 16 && c < whole_columns; c += (SIDE))                                 \
                    tile(in + r * columns + c, columns, out + c * rows + r, rows);                                       \
        for (size_t c = 0; c < columns; c++)                                                                             \
            for (size_t r = c < whole_columns ? whole_rows : 0; r < rows; r++) out[c * rows + r] = in[r * columns + c];  \
    }

/* Tiles that have less than 4 rows or columns come first, from the first on: what they write beyond their own is written again. The
 * last numbers of either side are moved one by one, for nothing is touched beyond them. */
static void transpose_4(const uint32_t *from, size_t rows, size_t columns, uint32_t *to)
{
    const size_t whole_rows = rows / 4 * 4, more_rows = rows - whole_rows;
    const size_t whole_columns = columns / 4 * 4, more_columns = columns - whole_columns;
    if (more_rows)
        for (size_t c = 0; c + 8 <= columns; c += 4)
            tile_4(from + whole_rows * columns + c, columns, more_rows, to + c * rows + whole_rows, rows, 4);
    for (size_t first = 0; first < whole_columns; first += 16)
        for (size_t r = 0; r < whole_rows; r += 4)
            for (size_t c = first; c < first + 16 && c < whole_columns; c += 4)
                tile_4(from + r * columns + c, columns, 4, to + c * rows + r, rows, 4);
    if (more_columns)
        for (size_t r = 0; r + 8 <= rows; r += 4)
            tile_4(from + r * columns + whole_columns, columns, 4, to + whole_columns * rows + r, rows, more_columns);
    const size_t left_columns = columns < 8 ? 0 : (columns - 4) / 4 * 4, left_rows = rows < 8 ? 0 : (rows - 4) / 4 * 4;
    for (size_t c = left_columns; c < columns; c++)
        for (size_t r = c < whole_columns ? whole_rows : left_rows; r < rows; r++) to[c * rows + r] = from[r * columns + c];
}

void cdt_transpose(const void *from, size_t size, size_t rows, size_t columns, void *to)
{
    if (size == 1) TRANSPOSE(uint8_t, tile_1, 16)
    else if (size == 2) TRANSPOSE(uint16_t, tile_2, 8)
    else if (size == 4) transpose_4(from, rows, columns, to);
    else TRANSPOSE(uint64_t, tile_8, 2)
}
