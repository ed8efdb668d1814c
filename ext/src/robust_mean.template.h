/* The weighted mean of columns. */
static void ROBUST(mean_vector)(ROBUST(tile) *tile, size_t vector, const double *shares, NUMBER *out)
{
    vf8 sum[ROBUST(shares)];
    KEY low = (KEY){0} + KEY_TOP, high = (KEY){0} + KEY_BOTTOM;
    BITS wrong = {0};
    for (size_t h = 0; h < ROBUST(shares); h++) sum[h] = (vf8){0};
    for (size_t i = 0; i < tile->n; i++) {
        if (i % 4 == 0 && i + 4 <= tile->n) ROBUST(fetch)(tile->here, vector * (tile->n / 4) + i / 4);
        const BITS bits = ROBUST(take)(tile->here[i], vector, &wrong);
        const KEY key = ENCODE(bits);
        low = KEY_MIN(low, key);
        high = KEY_MAX(high, key);
        for (size_t h = 0; h < ROBUST(shares); h++) sum[h] += SHARE(bits, h) * shares[i];
    }
    const BITS least = DECODE(low), most = DECODE(high);
    for (size_t h = 0; h < ROBUST(shares); h++) {
        const vf8 bottom = SHARE(least, h), top = SHARE(most, h);
        vf8 mean = sum[h];
        mean = (vf8)CHOOSE(mean < bottom, (vi8)bottom, (vi8)mean);
        mean = (vf8)CHOOSE(mean > top, (vi8)top, (vi8)mean);
        for (size_t j = 0; j < LANES_F8; j++) out[h * LANES_F8 + j] = (NUMBER)mean[j];
    }
    tile->wrong |= wrong;
}

static size_t ROBUST(mean)(const void *const *rows, size_t n, size_t columns, const double *shares, void *means, void *work)
{
    NUMBER *out = means;
    ROBUST(numbers) found;
    ROBUST(tile) tile = ROBUST(start)(rows, n, columns, work, 0);
    for (; tile.at < columns; tile.at += ROBUST(columns)) {
        const size_t left = columns - tile.at;
        ROBUST(find_rows)(&tile);
        for (size_t k = 0; k < ROBUST(vectors); k++) ROBUST(mean_vector)(&tile, k, shares, found.numbers + k * LANES);
        if (ROBUST(any)(tile.wrong)) break;
        memcpy(out + tile.at, found.numbers, (left < ROBUST(columns) ? left : ROBUST(columns)) * sizeof *out);
    }
    return tile.at < columns ? tile.at : columns;
}
