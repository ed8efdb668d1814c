/* A tile: CDT_ROBUST_TILE bytes of every row, as keys. Vectors of it that hold the same columns lie one after the other. */
enum { ROBUST(columns) = CDT_ROBUST_TILE / sizeof(NUMBER), ROBUST(vectors) = ROBUST(columns) / LANES };

/* Bits that are not 0 where a number is not finite. */
INLINE BITS ROBUST(wrong)(BITS bits)
{
    const FLOATS x = (FLOATS)bits;
    return (BITS)(x - x);
}

/* The rows' numbers from column `at` on, as keys: vector k of row i at tile[k * padded + i]; rows from n on hold KEY_TOP, which no
 * number exceeds. Whether all numbers are finite. */
static int ROBUST(pack)(const void *const *rows, size_t n, size_t padded, size_t at, size_t columns, KEY *tile)
{
    BITS wrong = {0};
    const size_t here = columns - at;
    for (size_t i = 0; i < n; i++) {
        const NUMBER *row = (const NUMBER *)rows[i] + at;
        NUMBER last[ROBUST(columns)];
        if (here < ROBUST(columns)) {
            memset(last, 0, sizeof last);
            memcpy(last, row, here * sizeof *row);
            row = last;
        }
UNROLL
        for (size_t k = 0; k < ROBUST(vectors); k++) {
            const BITS bits = *(const BITS_ANY *)(row + k * LANES);
            wrong |= ROBUST(wrong)(bits);
            tile[k * padded + i] = ENCODE(bits);
        }
    }
    const KEY top = (KEY){0} + KEY_TOP;
    for (size_t k = 0; k < ROBUST(vectors); k++)
        for (size_t i = n; i < padded; i++) tile[k * padded + i] = top;
    uint64_t any = 0;
    for (size_t j = 0; j < sizeof wrong / sizeof any; j++) {
        uint64_t word;
        memcpy(&word, (const char *)&wrong + j * sizeof word, sizeof word);
        any |= word;
    }
    return !any;
}
