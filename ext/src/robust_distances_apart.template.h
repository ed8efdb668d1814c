/* Distances of rows from each other, by differences. */
#ifndef APART_COLUMNS
/* Columns at a time: two rows of them stay in the nearest cache, and sums of the type are short. */
#define APART_COLUMNS ((size_t)1024)
#endif

/* The same in double, for values whose squares leave the range of the type. */
static double TYPED(apart_wide)(const NUMBER *a, const NUMBER *b, size_t width, double scale)
{
    double sum = 0;
    for (size_t k = 0; k < width; k++) {
        const double difference = scale * (double)a[k] - scale * (double)b[k];
        sum += difference * difference;
    }
    return sum;
}

/* |scale (a - b)|^2 of at most APART_COLUMNS numbers; scaled: whether scale is not 1. `width` numbers of `fetch`, or half as
 * many, are fetched meanwhile. */
INLINE double TYPED(apart_vectors)(const NUMBER *a, const NUMBER *b, size_t width, double scale, const int scaled, const NUMBER *fetch,
                                   int half)
{
    VECTOR sums[4] = {{0}, {0}, {0}, {0}};
    const NUMBER by = (NUMBER)scale;
    size_t k = 0;
    for (; k + 4 * LANES <= width; k += 4 * LANES) {
        for (size_t line = 0; line < 4 * sizeof(VECTOR) >> half; line += LINE) __builtin_prefetch((const char *)(fetch + (k >> half)) + line, 0, 2);
UNROLL
        for (size_t i = 0; i < 4; i++) {
            const VECTOR left = LOAD(a + k + i * LANES), right = LOAD(b + k + i * LANES);
            const VECTOR difference = scaled ? by * left - by * right : left - right;
            sums[i] += difference * difference;
        }
    }
    double sum = SUM((sums[0] + sums[1]) + (sums[2] + sums[3]));
    for (; k < width; k++) {
        const NUMBER difference = by * a[k] - by * b[k];
        sum += (double)difference * (double)difference;
    }
    return sum;
}

/* The same, right whatever the size of the numbers. */
INLINE double TYPED(apart_narrow)(const NUMBER *a, const NUMBER *b, size_t width, double scale, const NUMBER *fetch, int half)
{
    const double least = __builtin_ldexp(1.0, -BIAS / 2), most = __builtin_ldexp(1.0, BIAS - 1);
    const double sum = scale == 1 ? TYPED(apart_vectors)(a, b, width, scale, 0, fetch, half) : TYPED(apart_vectors)(a, b, width, scale, 1, fetch, half);
    return sum >= least && sum <= most ? sum : TYPED(apart_wide)(a, b, width, scale);
}

static int TYPED(apart)(const void *const *rows, size_t from, size_t to, const uint32_t *pairs, size_t count, double scale, double *squares)
{
    const NUMBER *const *numbers = (const NUMBER *const *)rows;
    for (size_t at = from; at < to; at += APART_COLUMNS) {
        const size_t width = to - at < APART_COLUMNS ? to - at : APART_COLUMNS;
        for (size_t p = 0; p < count; p++) {
            const NUMBER *a = numbers[pairs[2 * p]] + at;
            squares[p] += TYPED(apart_narrow)(a, numbers[pairs[2 * p + 1]] + at, width, scale, a, 1);
        }
    }
    return CDT_OK;
}
