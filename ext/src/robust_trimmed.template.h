/* The trimmed mean of columns: without their lowest and highest c values.
 *
 * What is kept is added as whole multiples of a power of two, 2^-51 of the largest kept number at most, so that no order of the
 * rows, and no other way to find the same numbers, changes a bit: bits of x + shift are those of shift and, in units of its last
 * place, x rounded. Each number is so rounded by no more than one in 2^52 of the largest, as a sum of doubles may round its terms.
 */
enum { ROBUST(shares) = LANES / LANES_F8 };

typedef struct {
    vf8 low[ROBUST(shares)], high[ROBUST(shares)], scale[ROBUST(shares)], shift[ROBUST(shares)];
    vi8 total[ROBUST(shares)];
} ROBUST(sum);

/* Numbers are from low to high; the sum is of up to so many terms. Near the largest double they are added at 2^-64 of their size. */
static void ROBUST(start_sum)(ROBUST(sum) *sum, KEY low, KEY high, size_t terms)
{
    const BITS bits[2] = {DECODE(low), DECODE(high)};
    const vi8 half = (vi8){0} + (INT64_C(1) << 51), sign = (vi8){0} + INT64_MIN;
    int64_t room = 2; /* 2^12 terms of 51 bits and a sign fit into 64 */
    while (terms >> (room - 2) > 2048) room++;
    for (size_t h = 0; h < ROBUST(shares); h++) {
        const vf8 one = sum->low[h] = SHARE(bits[0], h), other = sum->high[h] = SHARE(bits[1], h);
        const vi8 a = (vi8)one & ~sign, b = (vi8)other & ~sign;
        const vi8 exponent = (vi8)((vu8)CHOOSE((vf8)a > (vf8)b, a, b) >> 52), is_large = exponent > 1900;
        sum->scale[h] = (vf8)CHOOSE(is_large, (vi8)((vf8){0} + 0x1p-64), (vi8)((vf8){0} + 1));
        sum->shift[h] = (vf8)((exponent - (is_large & 64) + room) << 52 | half);
        sum->total[h] = (vi8){0};
    }
}

/* Numbers that were to be added as units of the last place of the shift. */
INLINE vi8 ROBUST(units)(const ROBUST(sum) *sum, vf8 x, size_t h)
{
    if (sizeof(NUMBER) == sizeof(double)) x *= sum->scale[h]; /* floats are never so large */
    return (vi8)(x + sum->shift[h]) - (vi8)sum->shift[h];
}

/* The mean of `terms` that were added, and `times` more of low and of high; within those. */
static BITS ROBUST(mean_of)(const ROBUST(sum) *sum, size_t terms, int64_t times)
{
    union {
        NUMBER numbers[LANES];
        BITS bits;
    } found;
    for (size_t h = 0; h < ROBUST(shares); h++) {
        const vf8 low = sum->low[h], high = sum->high[h], count = (vf8){0} + (double)((int64_t)terms + 2 * times);
        const vi8 total = sum->total[h] + times * (ROBUST(units)(sum, low, h) + ROBUST(units)(sum, high, h));
        vf8 mean = __builtin_convertvector(total, vf8) / count * (sum->shift[h] / 1.5 * 0x1p-52) / sum->scale[h];
        mean = (vf8)CHOOSE(mean < low, (vi8)low, (vi8)mean);
        mean = (vf8)CHOOSE(mean > high, (vi8)high, (vi8)mean);
        for (size_t j = 0; j < LANES_F8; j++) found.numbers[h * LANES_F8 + j] = (NUMBER)mean[j];
    }
    return found.bits;
}

/* Adds keys from first to end; of those that are not from low to high, if these are given, the nearer one. */
INLINE void ROBUST(add)(ROBUST(sum) *sum, const KEY *first, const KEY *end, const KEY *low, const KEY *high)
{
    vi8 total[ROBUST(shares)];
    for (size_t h = 0; h < ROBUST(shares); h++) total[h] = sum->total[h];
    for (; first < end; first++) {
        const BITS bits = DECODE(low ? KEY_MIN(KEY_MAX(*first, *low), *high) : *first);
        for (size_t h = 0; h < ROBUST(shares); h++) total[h] += ROBUST(units)(sum, SHARE(bits, h), h);
    }
    for (size_t h = 0; h < ROBUST(shares); h++) sum->total[h] = total[h];
}

/* Of two lists the mean without c at each end, where both are long enough: of the pairs a[i], b[c - 1 - i] the lower are the c
 * lowest of all, and so at the other end. The lists are changed. */
static BITS ROBUST(trim_pairs)(const ROBUST(lists) *of, size_t n, size_t c)
{
    KEY *a = of->a, *b = of->b, *top = a + of->in_a - c;
    for (size_t i = 0; i < c; i++) {
        a[i] = KEY_MAX(a[i], b[c - 1 - i]);
        top[i] = KEY_MIN(top[i], b[of->in_b - 1 - i]);
    }
    KEY low = b[c], high = b[of->in_b - 1 - c];
    for (size_t i = 0; i <= c; i++) {
        low = KEY_MIN(low, a[i]);
        high = KEY_MAX(high, a[of->in_a - 1 - i]);
    }
    ROBUST(sum) sum;
    ROBUST(start_sum)(&sum, low, high, n);
    ROBUST(add)(&sum, a, a + of->in_a, NULL, NULL);
    ROBUST(add)(&sum, b + c, b + of->in_b - c, NULL, NULL);
    return ROBUST(mean_of)(&sum, n - 2 * c, 0);
}

/* The same of any lists: the lowest and the highest that are kept are found, and what is beyond counts as one of them. */
static BITS ROBUST(trim_lists)(const ROBUST(lists) *of, size_t n, size_t c)
{
    KEY low, high, next;
    ROBUST(middle)(of, c + 1, &low, &next);
    ROBUST(middle)(of, n - c, &high, &next);
    ROBUST(sum) sum;
    ROBUST(start_sum)(&sum, low, high, n);
    ROBUST(add)(&sum, of->a, of->a + of->in_a, &low, &high);
    ROBUST(add)(&sum, of->b, of->b + of->in_b, &low, &high);
    return ROBUST(mean_of)(&sum, n, -(int64_t)c);
}

/* The same of more keys than a network has wires. */
static BITS ROBUST(trim_counted)(const KEY *x, size_t n, size_t c)
{
    const ROBUST(votes) votes = {NULL, n, n};
    const KEY low = ROBUST(select)(x, &votes, c + 1), high = ROBUST(select)(x, &votes, n - c);
    ROBUST(sum) sum;
    ROBUST(start_sum)(&sum, low, high, n);
    ROBUST(add)(&sum, x, x + n, &low, &high);
    return ROBUST(mean_of)(&sum, n, -(int64_t)c);
}

static BITS ROBUST(trim)(ROBUST(tile) *tile, size_t vector, size_t c)
{
    const size_t n = tile->n;
    if (n > CDT_ROBUST_NETWORK) return ROBUST(trim_counted)(tile->keys + vector * n, n, c);
    const ROBUST(lists) lists = ROBUST(sort_lists)(tile, vector);
    const int is_long = lists.in_a > 2 * c && lists.in_b > 2 * c;
    return is_long ? ROBUST(trim_pairs)(&lists, n, c) : ROBUST(trim_lists)(&lists, n, c);
}

static size_t ROBUST(trimmed)(const void *const *rows, size_t n, size_t columns, size_t c, void *means, void *work)
{
    NUMBER *out = means;
    ROBUST(numbers) found;
    ROBUST(tile) tile = ROBUST(start)(rows, n, columns, work, 1);
    for (; tile.at < columns; tile.at += ROBUST(columns)) {
        const size_t left = columns - tile.at;
        ROBUST(find_rows)(&tile);
        if (n > CDT_ROBUST_NETWORK && !ROBUST(pack)(&tile)) break;
        for (size_t k = 0; k < ROBUST(vectors); k++) found.bits[k] = ROBUST(trim)(&tile, k, c);
        if (ROBUST(any)(tile.wrong)) break;
        memcpy(out + tile.at, found.numbers, (left < ROBUST(columns) ? left : ROBUST(columns)) * sizeof *out);
    }
    return tile.at < columns ? tile.at : columns;
}
