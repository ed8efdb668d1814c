/* A weighted sum of the rows, and the distances of the rows from it, while a block of columns is in the second cache. */
#ifndef WEIGH_COLUMNS
/* Pieces as short as pay: what comes next is fetched all the while, half of it by either loop, and no loop waits long. */
#define WEIGH_COLUMNS ((size_t)128)
#define WEIGH_ROWS ((size_t)10)
#endif

/* sums += `count` rows by their weights; what the rows have at `ahead`, all or half of it, is fetched meanwhile. */
INLINE void TYPED(weigh_rows)(const NUMBER *const *rows, size_t at, size_t width, size_t ahead, int half, const double *weights,
                              const size_t count, double *sums)
{
    const size_t lanes = LANES_F8;
    size_t k = 0;
    for (; k + 2 * lanes <= width; k += 2 * lanes) {
        vf8 one = LOAD_F8(sums + k), other = LOAD_F8(sums + k + lanes);
UNROLL
        for (size_t i = 0; i < count; i++) {
            if (!half || k / 2 * sizeof(NUMBER) % LINE == 0) __builtin_prefetch(rows[i] + ahead + (k >> half), 0, 2);
            one += weights[i] * LOAD_WIDE(rows[i] + at + k);
            other += weights[i] * LOAD_WIDE(rows[i] + at + k + lanes);
        }
        STORE_F8(sums + k, one);
        STORE_F8(sums + k + lanes, other);
    }
    for (; k < width; k++)
        for (size_t i = 0; i < count; i++) sums[k] += weights[i] * (double)rows[i][at + k];
}

/* z = keep z + the weighted sum. */
static void TYPED(weigh_block)(const NUMBER *const *rows, size_t n, size_t at, size_t width, size_t ahead, int half, const double *weights,
                               double keep, NUMBER *z)
{
    double sums[WEIGH_COLUMNS];
    size_t i = 0;
    for (size_t k = 0; k < width; k++) sums[k] = keep != 0 ? keep * (double)z[k] : 0;
    for (; i + WEIGH_ROWS <= n; i += WEIGH_ROWS) TYPED(weigh_rows)(rows + i, at, width, ahead, half, weights + i, WEIGH_ROWS, sums);
    for (; i < n; i++) TYPED(weigh_rows)(rows + i, at, width, ahead, half, weights + i, 1, sums);
    for (size_t k = 0; k < width; k++) z[k] = (NUMBER)sums[k];
}

static int TYPED(weigh)(const void *const *rows, size_t n, size_t from, size_t to, const double *weights, double keep, void *centre, double scale,
                        double *squares)
{
    const NUMBER *const *numbers = (const NUMBER *const *)rows;
    NUMBER *z = centre;
    const size_t columns = weights ? WEIGH_COLUMNS : 2 * WEIGH_COLUMNS;
    const int half = weights && squares; /* of what comes next is fetched by each loop */
    for (size_t at = from; at < to; at += columns) {
        const size_t width = to - at < columns ? to - at : columns;
        const size_t ahead = at + 2 * columns <= to ? at + columns : at;
        if (weights) TYPED(weigh_block)(numbers, n, at, width, ahead, half, weights, keep, z + at);
        for (size_t i = 0; i < n && squares; i++)
            squares[i] += TYPED(apart_narrow)(numbers[i] + at, z + at, width, scale, numbers[i] + ahead + half * (columns / 2), half);
    }
    return CDT_OK;
}
