/* The median of columns. */

/* The k-th smallest key of two sorted lists (k from 1) and the one after it: of the pairs a[i], b[k + 1 - i] the lower ones are,
 * with what has no partner, the k smallest of all, and the higher ones are not. k of n keys; in one list, k < its length. */
static void ROBUST(middle)(const ROBUST(lists) *of, size_t k, KEY *low, KEY *high)
{
    const KEY *a = of->a, *b = of->b;
    const size_t first = k > of->in_b ? k - of->in_b : 0, end = k < of->in_a ? k : of->in_a;
    const KEY bottom = (KEY){0} + (KEY_BOTTOM), top = (KEY){0} + KEY_TOP;
    KEY lower = first ? a[first - 1] : bottom, higher = k < of->in_a ? a[k] : top;
    if (k > of->in_a) lower = KEY_MAX(lower, b[k - of->in_a - 1]);
    if (k < of->in_b) higher = KEY_MIN(higher, b[k]);
    for (size_t i = first; i < end; i++) {
        const KEY one = a[i], other = b[k - 1 - i];
        lower = KEY_MAX(lower, KEY_MIN(one, other));
        higher = KEY_MIN(higher, KEY_MAX(one, other));
    }
    *low = lower;
    *high = higher;
}

INLINE double ROBUST(mid)(double low, double high)
{
    const double sum = low + high;
    return sum - sum == 0 ? sum / 2 : low / 2 + high / 2;
}

/* The k-th smallest key and the one after it, of up to CDT_ROBUST_NETWORK and of more. */
static void ROBUST(middle_sorted)(KEY *x, size_t n, size_t k, KEY *room, KEY *low, KEY *high)
{
    const ROBUST(lists) lists = ROBUST(sort_lists)(x, n, room);
    ROBUST(middle)(&lists, k, low, high);
}

static void ROBUST(middle_counted)(const KEY *x, size_t n, size_t k, KEY *low, KEY *high)
{
    const KEY found = ROBUST(select)(x, n, k);
    KEY next, same;
    ROBUST(nearest)(x, n, found, found, &next, &same);
    const BITS above = ROBUST(count_above)(x, n, found), is_last = above == (WORD)(n - k);
    *low = found;
    *high = (KEY)(((BITS)next & is_last) | ((BITS)found & ~is_last));
}

static size_t ROBUST(median)(const void *const *rows, size_t n, size_t columns, void *medians, void *work)
{
    NUMBER *out = medians;
    const size_t padded = (n + 3) / 4 * 4, k_low = (n + 1) / 2;
    KEY *tile = work, *room = tile + ROBUST(vectors) * padded;
    union {
        BITS bits[ROBUST(vectors)];
        NUMBER numbers[ROBUST(columns)];
    } low, high;
    for (size_t at = 0; at < columns; at += ROBUST(columns)) {
        if (!ROBUST(pack)(rows, n, padded, at, columns, tile)) return at;
        for (size_t k = 0; k < ROBUST(vectors); k++) {
            KEY lower, higher;
            if (n <= CDT_ROBUST_NETWORK)
                ROBUST(middle_sorted)(tile + k * padded, n, k_low, room, &lower, &higher);
            else
                ROBUST(middle_counted)(tile + k * padded, n, k_low, &lower, &higher);
            low.bits[k] = DECODE(lower);
            high.bits[k] = DECODE(higher);
        }
        const size_t here = columns - at < ROBUST(columns) ? columns - at : ROBUST(columns);
        const NUMBER *other = n % 2 ? low.numbers : high.numbers;
        for (size_t j = 0; j < here; j++) out[at + j] = (NUMBER)ROBUST(mid)(low.numbers[j], other[j]);
    }
    return columns;
}
