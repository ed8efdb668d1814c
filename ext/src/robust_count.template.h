/* The t-th smallest of many keys, for all columns of a vector at once: pivots that close in on it, the votes above each counted.
 * A key has one vote, or as many as its row.
 *
 * Order numbers are the keys as integers of the same order. Of a column, `low` < the order number of what is sought <= `high`;
 * `below` votes are <= low, `most` are <= high (or have been, when high came closer without counting), below < t <= most. Pivots are
 * taken from a sorted sample, then between low and high where the keys would lie if they were spread evenly; where that closes in
 * too slowly, half-way between the order numbers, so that no keys need more than some twice their bits of passes.
 */
enum { ROBUST(sample) = 32 };

typedef struct {
    BITS low, high, below, most;
} ROBUST(bracket);

#define ORDER(number) INTEGER_KEY((BITS)(number))

/* Votes of n rows, `total` of them in all: those at `of`, or, if that is NULL, one each. */
typedef struct {
    const WORD *of;
    size_t n, total;
} ROBUST(votes);

/* How many votes are for keys above the pivot, in each column. */
static BITS ROBUST(count_above)(const KEY *x, const ROBUST(votes) *votes, KEY pivot)
{
    const size_t n = votes->n;
    BITS count[4] = {{0}, {0}, {0}, {0}};
    size_t i = 0;
    if (votes->of) {
        for (; i + 2 <= n; i += 2) {
            count[0] = ADD_VOTES_ABOVE(count[0], x[i], pivot, votes->of[i]);
            count[1] = ADD_VOTES_ABOVE(count[1], x[i + 1], pivot, votes->of[i + 1]);
        }
        if (i < n) count[0] = ADD_VOTES_ABOVE(count[0], x[i], pivot, votes->of[i]);
        return count[0] + count[1];
    }
    for (; i + 4 <= n; i += 4) {
        count[0] = ADD_ABOVE(count[0], x[i], pivot);
        count[1] = ADD_ABOVE(count[1], x[i + 1], pivot);
        count[2] = ADD_ABOVE(count[2], x[i + 2], pivot);
        count[3] = ADD_ABOVE(count[3], x[i + 3], pivot);
    }
    for (; i < n; i++) count[0] = ADD_ABOVE(count[0], x[i], pivot);
    return count[0] + count[1] + count[2] + count[3];
}

/* The least key from one pivot on, and the largest that is not above another. */
static void ROBUST(nearest)(const KEY *x, size_t n, KEY from, KEY to, KEY *least, KEY *largest)
{
    KEY up = (KEY){0} + KEY_TOP, down = (KEY){0} + KEY_BOTTOM;
    for (size_t i = 0; i < n; i++) {
        up = MIN_FROM(up, x[i], from);
        down = MAX_NOT_ABOVE(down, x[i], to);
    }
    *least = up;
    *largest = down;
}

/* Low and high to the nearest keys within them; to one, where the counts say that what is sought is the first or the last. */
static void ROBUST(snap)(const KEY *x, size_t n, BITS t, ROBUST(bracket) *b)
{
    KEY least, largest;
    ROBUST(nearest)(x, n, KEY_OF_ORDER(b->low + 1), KEY_OF_ORDER(b->high), &least, &largest);
    const BITS first = ORDER_OF_KEY(least), last = ORDER_OF_KEY(largest), is_first = b->below == t - 1, is_last = b->most == t;
    b->high = CHOOSE(is_first, first, last);
    b->low = CHOOSE(is_last & ~is_first, last, first) - 1;
}

/* Where to look next: as far between low and high as t is between their counts, but beyond it on the side that is further away, so
 * that the near side comes close; where `slow`, half-way. */
INLINE BITS ROBUST(between)(const ROBUST(bracket) *b, BITS t, BITS slow)
{
    const FLOATS low = (FLOATS)ORDER(b->low), high = (FLOATS)ORDER(b->high);
    const FLOATS keys = __builtin_convertvector(b->most - b->below, FLOATS);
    FLOATS rank = __builtin_convertvector(t - b->below, FLOATS) - (NUMBER)0.5;
    const FLOATS beyond = (FLOATS)(CHOOSE(keys > 8, (BITS)(keys / (keys / 64 + 8)), (BITS){0}));
    rank += (FLOATS)CHOOSE(rank * 2 < keys, (BITS)beyond, (BITS)-beyond);
    const BITS even = ORDER(low + (high - low) * (rank / keys));
    const BITS half = b->low + (BITS)((UNSIGNED)(b->high - b->low) >> 1);
    BITS order = CHOOSE(slow, half, even);
    order = CHOOSE(order > b->low, order, b->low + 1);
    return CHOOSE(order < b->high, order, b->high - 1);
}

/* Every n/32-th key, in order. */
static void ROBUST(take_sample)(const KEY *x, size_t n, KEY *sample)
{
    KEY v[32];
    const size_t WIRES = 32;
    for (size_t i = 0; i < ROBUST(sample); i++) sample[i] = x[i * n / ROBUST(sample)];
UNROLL
    for (size_t i = 0; i < 32; i++) v[i] = sample[i];
    SORT_32
UNROLL
    for (size_t i = 0; i < 32; i++) sample[i] = v[i];
}

/* One key of the sample for each column. */
INLINE BITS ROBUST(of_sample)(const KEY *sample, BITS places)
{
    BITS found;
    for (size_t j = 0; j < LANES; j++) found[j] = ((const WORD *)(sample + places[j]))[j];
    return ORDER_OF_KEY((KEY)found);
}

/* The key of the t-th smallest vote (t from 1) of each column. */
static KEY ROBUST(select)(const KEY *x, const ROBUST(votes) *votes, size_t rank)
{
    const size_t n = votes->n, snaps = votes->of ? 2 : 4;
    const BITS t = (BITS){0} + (WORD)rank, all = (BITS){0} + (WORD)votes->total;
    ROBUST(bracket) b = {ORDER((FLOATS){0} - INFINITY), ORDER((FLOATS){0} + INFINITY), {0}, all};
    BITS before[2] = {all, all}, places = (BITS){0} + (WORD)((rank - 1) * ROBUST(sample) / votes->total);
    KEY sample[ROBUST(sample)];
    ROBUST(take_sample)(x, n, sample);
    for (size_t pass = 0;; pass++) {
        const BITS open = b.high - b.low != 1, outside = (b.below == 0) | (b.most == all);
        if (!ROBUST(any)(open)) return KEY_OF_ORDER(b.high);
        const int is_near = !ROBUST(any)(open & (b.below != t - 1) & (b.most != t));
        if (is_near || (pass == 3 && ROBUST(any)(outside)) || (pass > 3 && pass % snaps == snaps - 1)) {
            ROBUST(snap)(x, n, t, &b);
            continue;
        }
        const BITS slow = ((b.most - b.below) * 2 > before[pass % 2]) & (pass < 4 ? (BITS){0} : ~(BITS){0});
        before[pass % 2] = b.most - b.below;
        BITS order = ROBUST(between)(&b, t, slow);
        if (pass < 3) {
            const BITS sampled = ROBUST(of_sample)(sample, places);
            const BITS fits = (sampled > b.low) & (sampled < b.high) & outside;
            order = CHOOSE(fits, sampled, order);
        }
        const BITS count = all - ROBUST(count_above)(x, votes, KEY_OF_ORDER(order)), few = count < t;
        b.low = CHOOSE(few, order, b.low);
        b.below = CHOOSE(few, count, b.below);
        b.high = CHOOSE(few, b.high, order);
        b.most = CHOOSE(few, b.most, count);
        const FLOATS off = __builtin_convertvector(t - count, FLOATS) * ((NUMBER)ROBUST(sample) / (NUMBER)votes->total);
        places += __builtin_convertvector(off, BITS) + CHOOSE(few, (BITS){0} + 2, (BITS){0} - 2);
        places = CHOOSE(places > 0, places, (BITS){0});
        places = CHOOSE(places < ROBUST(sample) - 1, places, (BITS){0} + ROBUST(sample) - 1);
    }
}

#undef ORDER
