/* One type's packing and walk over the tiles; see normal.simd.h. */

/* SIDE x SIDE numbers, those beyond `rows` and `columns` zero, the mean subtracted from the others. */
INLINE void NAME(normal_pack_edge)(const REAL *x, size_t stride, size_t rows, size_t columns, const double *mean, double *panel)
{
    for (size_t i = 0; i < SIDE; i++)
        for (size_t c = 0; c < SIDE; c++)
            panel[i * SIDE + c] = i < rows && c < columns ? (double)x[i * stride + c] - (mean ? mean[c] : 0) : 0;
}

INLINE void NAME(normal_pack)(const REAL *restrict x, size_t stride, const double *restrict mean, double *restrict panel)
{
    for (size_t i = 0; i < SIDE; i++) {
        if (mean)
            UNROLL for (size_t c = 0; c < SIDE; c++) panel[i * SIDE + c] = (double)x[i * stride + c] - mean[c];
        else
            UNROLL for (size_t c = 0; c < SIDE; c++) panel[i * SIDE + c] = x[i * stride + c];
    }
}

/* Packs `count` panels of a tile and multiplies them with their part of v, SIDE rows (the last ones may be missing) at a time. */
static void NAME(normal_chunk)(const REAL *x, size_t stride, size_t rows, size_t columns, const double *mean, double *panels,
                               size_t apart, size_t count, const double *v, size_t width, double *t, const REAL *next)
{
    for (size_t i = 0; i < rows; i += SIDE) {
        for (size_t p = 0; p < count; p++) {
            const size_t at = p * SIDE;
            const REAL *const from = x + i * stride + at;
            double *const panel = panels + p * apart + i * SIDE;
            if (rows - i >= SIDE && columns - at >= SIDE)
                NAME(normal_pack)(from, stride, mean ? mean + at : NULL, panel);
            else
                NAME(normal_pack_edge)(from, stride, rows - i, columns - at, mean ? mean + at : NULL, panel);
        }
        LEVEL(normal_forward_all)(panels + i * SIDE, apart, count, v, width, t + i * width, (const char *)(next + i * stride),
                                  stride * sizeof *x, SIDE * sizeof *x);
    }
}

static int NAME(normal_product)(const REAL *x, size_t rows, size_t columns, size_t stride, const double *mean, const double *v,
                                size_t width, double *y)
{
    if (!width || width % CDT_NORMAL_WIDTH) return CDT_BAD_ARGUMENT;
    if (!rows || !columns) return CDT_OK;
    const size_t panels = (columns + SIDE - 1) / SIDE, tile = LEVEL(normal_tile_rows)(rows, panels * SIDE), apart = tile * SIDE;
    double *const packed = malloc((panels * apart + tile * width) * sizeof *packed), *const t = packed + panels * apart;
    if (!packed) return CDT_NO_MEMORY;
    for (size_t first = 0; first < rows; first += tile) {
        const size_t here = rows - first < tile ? rows - first : tile, padded = (here + SIDE - 1) / SIDE * SIDE;
        const REAL *const at = x + first * stride, *const next = rows - first > tile ? at + tile * stride : at;
        memset(t, 0, padded * width * sizeof *t);
        for (size_t p = 0; p < panels; p += CHUNK) {
            const size_t c = p * SIDE, count = panels - p < CHUNK ? panels - p : CHUNK;
            NAME(normal_chunk)(at + c, stride, here, columns - c, mean ? mean + c : NULL, packed + p * apart, apart, count,
                               v + c * width, width, t, next + c);
        }
        for (size_t p = 0; p < panels; p++)
            LEVEL(normal_backward_all)(packed + p * apart, padded, t, width, y + p * SIDE * width,
                                       (const char *)(next + p * SIDE) + 64, stride * sizeof *x);
    }
    free(packed);
    return CDT_OK;
}

/* Four rows (or `count` fewer) at once, so that the sums are read and written once for all of them. */
INLINE void NAME(normal_moments_rows)(const REAL *x, size_t columns, size_t stride, const double *shift, double *sums,
                                      vf8 *squares, double *rest, const int count)
{
    size_t c = 0;
    for (; c + LANES_F8 <= columns; c += LANES_F8) {
        const vf8 from = LOAD_F8(shift + c);
        vf8 sum = LOAD_F8(sums + c);
        UNROLL for (int i = 0; i < count; i++) __builtin_prefetch(x + (i + count) * stride + c);
        UNROLL for (int i = 0; i < count; i++)
        {
            const vf8 d = WIDE(x + i * stride + c) - from;
            squares[i] += d * d;
            sum += d;
        }
        STORE_F8(sums + c, sum);
    }
    for (; c < columns; c++) {
        for (int i = 0; i < count; i++) {
            const double d = (double)x[i * stride + c] - shift[c];
            *rest += d * d;
            sums[c] += d;
        }
    }
}

static double NAME(normal_moments)(const REAL *x, size_t rows, size_t columns, size_t stride, const double *shift, double *sums)
{
    vf8 squares[4] = {{0}};
    double all = 0;
    size_t i = 0;
    for (; i + 4 <= rows; i += 4) NAME(normal_moments_rows)(x + i * stride, columns, stride, shift, sums, squares, &all, 4);
    for (; i < rows; i++) NAME(normal_moments_rows)(x + i * stride, columns, stride, shift, sums, squares, &all, 1);
    const vf8 total = (squares[0] + squares[1]) + (squares[2] + squares[3]);
    for (size_t k = 0; k < LANES_F8; k++) all += total[k];
    return all;
}
