#include "transpose.h"

/* Sides of a tile. */
enum { TILE = 16 };

#ifdef __SSE2__
#include <emmintrin.h>

/* Interleaving the first half of the rows with the second moves the highest bit of a place to its lowest: four times turn rows into
 * columns. */
static void transpose_tile(const uint8_t *from, size_t stride, uint8_t *to, size_t to_stride)
{
    __m128i a[TILE], b[TILE];
    for (size_t i = 0; i < TILE; i++) a[i] = _mm_loadu_si128((const void *)(from + i * stride));
    for (int pass = 0; pass < 2; pass++) {
        for (int i = 0; i < TILE / 2; i++) {
            b[2 * i] = _mm_unpacklo_epi8(a[i], a[i + TILE / 2]);
            b[2 * i + 1] = _mm_unpackhi_epi8(a[i], a[i + TILE / 2]);
        }
        for (int i = 0; i < TILE / 2; i++) {
            a[2 * i] = _mm_unpacklo_epi8(b[i], b[i + TILE / 2]);
            a[2 * i + 1] = _mm_unpackhi_epi8(b[i], b[i + TILE / 2]);
        }
    }
    for (size_t i = 0; i < TILE; i++) _mm_storeu_si128((void *)(to + i * to_stride), a[i]);
}
#else
static void transpose_tile(const uint8_t *from, size_t stride, uint8_t *to, size_t to_stride)
{
    for (size_t r = 0; r < TILE; r++)
        for (size_t c = 0; c < TILE; c++) to[c * to_stride + r] = from[r * stride + c];
}
#endif

void cdt_transpose_bytes(const uint8_t *from, size_t rows, size_t columns, uint8_t *to)
{
    const size_t whole_rows = rows / TILE * TILE, whole_columns = columns / TILE * TILE;
    for (size_t r = 0; r < whole_rows; r += TILE)
        for (size_t c = 0; c < whole_columns; c += TILE) transpose_tile(from + r * columns + c, columns, to + c * rows + r, rows);
    for (size_t r = 0; r < rows; r++)
        for (size_t c = r < whole_rows ? whole_columns : 0; c < columns; c++) to[c * rows + r] = from[r * columns + c];
}
