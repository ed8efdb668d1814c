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
        const KEY one = a[i], other = b[k - 1 - i], less = KEY_MIN(one, other);
        lower = KEY_MAX(lower, less);
        higher = KEY_MIN(higher, KEY_OTHER(one, other, less));
    }
    *low = lower;
    *high = higher;
}

/* The number half-way between two, for the columns that are left of a tile. */
static void ROBUST(put_middle)(const ROBUST(numbers) *low, const ROBUST(numbers) *high, NUMBER *out, size_t left)
{
    for (size_t j = 0; j < left && j < ROBUST(columns); j++) {
        const double one = low->numbers[j], other = high->numbers[j], sum = one + other;
        out[j] = (NUMBER)(sum - sum == 0 ? sum / 2 : one / 2 + other / 2);
    }
}

/* The key of the k-th smallest vote, and that of the one after it. */
static void ROBUST(middle_counted)(const KEY *x, const ROBUST(votes) *votes, size_t k, KEY *low, KEY *high)
{
    *low = *high = ROBUST(select)(x, votes, k);
    if (votes->total % 2) return;
    KEY next, same;
    ROBUST(nearest)(x, votes->n, KEY_OF_ORDER(ORDER_OF_KEY(*low) + 1), *low, &next, &same);
    const BITS is_last = ROBUST(count_above)(x, votes, *low) == (WORD)(votes->total - k);
    *high = (KEY)CHOOSE(is_last, (BITS)next, (BITS)*low);
}

/* The median of votes that are counted, or of rows that are sorted (`votes` NULL). */
static size_t ROBUST(medians)(ROBUST(tile) *tile, const ROBUST(votes) *votes, NUMBER *out)
{
    const size_t n = tile->n, total = votes ? votes->total : n;
    ROBUST(numbers) low, high;
    for (; tile->at < tile->columns; tile->at += ROBUST(columns)) {
        ROBUST(find_rows)(tile);
        if (votes && !ROBUST(pack)(tile)) break;
        for (size_t k = 0; k < ROBUST(vectors); k++) {
            KEY lower, higher;
            if (votes) {
                ROBUST(middle_counted)(tile->keys + k * n, votes, (total + 1) / 2, &lower, &higher);
            } else {
                const ROBUST(lists) lists = ROBUST(sort_lists)(tile, k);
                ROBUST(middle)(&lists, (n + 1) / 2, &lower, &higher);
            }
            low.bits[k] = DECODE(lower);
            high.bits[k] = DECODE(higher);
        }
        if (ROBUST(any)(tile->wrong)) break;
        ROBUST(put_middle)(&low, total % 2 ? &low : &high, out + tile->at, tile->columns - tile->at);
    }
    return tile->at < tile->columns ? tile->at : tile->columns;
}

static size_t ROBUST(median)(const void *const *rows, size_t n, size_t columns, void *out, void *work)
{
    const ROBUST(votes) votes = {NULL, n, n};
    ROBUST(tile) tile = ROBUST(start)(rows, n, columns, work, 1);
    return ROBUST(medians)(&tile, n > CDT_ROBUST_NETWORK ? &votes : NULL, out);
}

static size_t ROBUST(weighted_median)(const void *const *rows, size_t n, size_t columns, const void *weights, void *out, void *work)
{
    ROBUST(votes) votes = {weights, n, 0};
    for (size_t i = 0; i < n; i++) votes.total += (size_t)votes.of[i];
    ROBUST(tile) tile = ROBUST(start)(rows, n, columns, work, 0);
    return ROBUST(medians)(&tile, &votes, out);
}
