/* The weighted mean of columns: sums of a tile, the least and the largest number, while ROBUST(group) rows at a time are read. */
enum { ROBUST(group) = 10 };

typedef struct {
    vf8 sum[ROBUST(vectors)][ROBUST(shares)];
    FLOATS low[ROBUST(vectors)], high[ROBUST(vectors)];
    BITS wrong;
} ROBUST(means);

/* Adds rows by their shares, one after the other, and fetches what the next tile has of them. */
INLINE void ROBUST(mean_rows)(ROBUST(means) *means, const NUMBER *const *here, const double *shares, const size_t count)
{
    for (size_t k = 0; k < ROBUST(vectors); k++) {
        FLOATS low = means->low[k], high = means->high[k];
        BITS wrong = means->wrong;
        vf8 sum[ROBUST(shares)];
UNROLL
        for (size_t h = 0; h < ROBUST(shares); h++) sum[h] = means->sum[k][h];
UNROLL
        for (size_t i = 0; i < count; i++) {
            if (k * VECTOR_BYTES % 64 == 0) PREFETCH((const char *)here[i] + CDT_ROBUST_TILE + k * VECTOR_BYTES);
            const BITS bits = *(const BITS_ANY *)(here[i] + k * LANES);
            const FLOATS x = (FLOATS)bits;
            low = LESSER(x, low);
            high = LARGER(x, high);
            /* Sums of floats have room in double, so that they are finite where all numbers are. */
            if (sizeof(NUMBER) == sizeof(double)) wrong |= (BITS)(x - x);
UNROLL
            for (size_t h = 0; h < ROBUST(shares); h++) sum[h] += SHARE(bits, h) * shares[i];
        }
UNROLL
        for (size_t h = 0; h < ROBUST(shares); h++) means->sum[k][h] = sum[h];
        means->low[k] = low;
        means->high[k] = high;
        means->wrong = wrong;
    }
}

/* The means of a tile, each from its least to its largest number; whether all numbers are finite. */
static int ROBUST(mean_tile)(const ROBUST(tile) *tile, const double *shares, NUMBER *out)
{
    ROBUST(means) means = {.wrong = {0}};
    vi8 wrong = {0};
    size_t i = 0;
    for (size_t k = 0; k < ROBUST(vectors); k++) {
        means.low[k] = (FLOATS){0} + (NUMBER)INFINITY;
        means.high[k] = (FLOATS){0} - (NUMBER)INFINITY;
    }
    for (; i + ROBUST(group) <= tile->n; i += ROBUST(group)) ROBUST(mean_rows)(&means, tile->here + i, shares + i, ROBUST(group));
    for (; i < tile->n; i++) ROBUST(mean_rows)(&means, tile->here + i, shares + i, 1);
    for (size_t k = 0; k < ROBUST(vectors); k++)
        for (size_t h = 0; h < ROBUST(shares); h++) {
            const BITS least = (BITS)means.low[k], most = (BITS)means.high[k];
            const vf8 bottom = SHARE(least, h), top = SHARE(most, h);
            vf8 mean = means.sum[k][h];
            if (sizeof(NUMBER) != sizeof(double)) wrong |= (vi8)(mean - mean);
            mean = (vf8)CHOOSE(mean < bottom, (vi8)bottom, (vi8)mean);
            mean = (vf8)CHOOSE(mean > top, (vi8)top, (vi8)mean);
            for (size_t j = 0; j < LANES_F8; j++) out[k * LANES + h * LANES_F8 + j] = (NUMBER)mean[j];
        }
    return !ROBUST(any)(means.wrong | (BITS)wrong);
}

static size_t ROBUST(mean)(const void *const *rows, size_t n, size_t columns, const double *shares, void *means, void *work)
{
    NUMBER *out = means;
    ROBUST(numbers) found;
    ROBUST(tile) tile = ROBUST(start)(rows, n, columns, work, 0);
    for (; tile.at < columns; tile.at += ROBUST(columns)) {
        const size_t left = columns - tile.at;
        ROBUST(find_rows)(&tile);
        if (!ROBUST(mean_tile)(&tile, shares, found.numbers)) break;
        memcpy(out + tile.at, found.numbers, (left < ROBUST(columns) ? left : ROBUST(columns)) * sizeof *out);
    }
    return tile.at < columns ? tile.at : columns;
}
