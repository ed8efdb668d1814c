/* A weighted sum of the rows, and the distances of the rows from it, while a block of columns is in the second cache. */
#ifndef WEIGH_COLUMNS
#define WEIGH_COLUMNS ((size_t)512)
#endif

/* sums += `count` rows by their weights. */
INLINE void TYPED(weigh_rows)(const NUMBER *const *rows, size_t at, size_t width, const double *weights, const size_t count, double *sums)
{
    const size_t lanes = LANES_F8;
    size_t k = 0;
    for (; k + lanes <= width; k += lanes) {
        vf8 sum = LOAD_F8(sums + k);
UNROLL
        for (size_t i = 0; i < count; i++) sum += weights[i] * LOAD_WIDE(rows[i] + at + k);
        STORE_F8(sums + k, sum);
    }
    for (; k < width; k++)
        for (size_t i = 0; i < count; i++) sums[k] += weights[i] * (double)rows[i][at + k];
}

/* z = keep z + the weighted sum. */
static void TYPED(weigh_block)(const NUMBER *const *rows, size_t n, size_t at, size_t width, const double *weights, double keep, NUMBER *z)
{
    double sums[WEIGH_COLUMNS];
    size_t i = 0;
    for (size_t k = 0; k < width; k++) sums[k] = keep != 0 ? keep * (double)z[k] : 0;
    for (; i + 4 <= n; i += 4) TYPED(weigh_rows)(rows + i, at, width, weights + i, 4, sums);
    for (; i < n; i++) TYPED(weigh_rows)(rows + i, at, width, weights + i, 1, sums);
    for (size_t k = 0; k < width; k++) z[k] = (NUMBER)sums[k];
}

static int TYPED(weigh)(const void *const *rows, size_t n, size_t from, size_t to, const double *weights, double keep, void *centre, double scale,
                        double *squares)
{
    const NUMBER *const *numbers = (const NUMBER *const *)rows;
    NUMBER *z = centre;
    for (size_t at = from; at < to; at += WEIGH_COLUMNS) {
        const size_t width = to - at < WEIGH_COLUMNS ? to - at : WEIGH_COLUMNS;
        if (weights) TYPED(weigh_block)(numbers, n, at, width, weights, keep, z + at);
        for (size_t i = 0; i < n && squares; i++) {
            if (at + 2 * WEIGH_COLUMNS <= to)
                for (size_t k = 0; k < WEIGH_COLUMNS; k += LINE / sizeof(NUMBER)) __builtin_prefetch(numbers[i] + at + WEIGH_COLUMNS + k, 0, 2);
            squares[i] += TYPED(apart_narrow)(numbers[i] + at, z + at, width, scale);
        }
    }
    return CDT_OK;
}
