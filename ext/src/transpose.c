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

static void tile_4(const uint32_t *from, size_t stride, uint32_t *to, size_t to_stride)
{
    __m128i a[4], b[4];
    LOAD(4);
    TURN(4, a, b, _mm_unpacklo_epi32, _mm_unpackhi_epi32)
    TURN(4, b, a, _mm_unpacklo_epi32, _mm_unpackhi_epi32)
    STORE(4, a);
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
TILE(uint32_t, tile_4, 4)
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

void cdt_transpose(const void *from, size_t size, size_t rows, size_t columns, void *to)
{
    if (size == 1) TRANSPOSE(uint8_t, tile_1, 16)
    else if (size == 2) TRANSPOSE(uint16_t, tile_2, 8)
    else if (size == 4) TRANSPOSE(uint32_t, tile_4, 4)
    else TRANSPOSE(uint64_t, tile_8, 2)
}
