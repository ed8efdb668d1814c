/* The mean of the values that are nearest to the median of their column.
 *
 * The values of a column are sorted (Batcher's odd-even merge sort, the same comparisons for every column, a vector of columns at a
 * time). The nearest to the median are then neighbours: the window of them moves up from the lowest while what it would take in is
 * nearer than what it would leave. It moves past a value exactly if it moves past all before it, so no lane waits for another:
 * each value is added or not.
 */
#ifndef WINDOW_VECTORS
#define WINDOW_VECTORS ((size_t)4)

typedef struct {
    uint32_t low, high;
} window_comparison;

/* The comparisons that sort n values (Knuth, The Art of Computer Programming 3, 5.2.2 M); room NULL: only counted. */
static size_t LEVEL(window_network)(size_t n, window_comparison *room)
{
    size_t count = 0, top = 1;
    while (top < n) top *= 2;
    for (size_t p = top / 2; p > 0; p /= 2) {
        size_t q = top / 2, r = 0, d = p;
        for (;;) {
            for (size_t i = 0; i + d < n; i++)
                if ((i & p) == r) {
                    if (room) room[count] = (window_comparison){(uint32_t)i, (uint32_t)(i + d)};
                    count++;
                }
            if (q == p) break;
            d = q - p;
            q /= 2;
            r = p;
        }
    }
    return count;
}
#endif

static void TYPED(window_sort)(VECTOR *values, const window_comparison *network, size_t comparisons)
{
    for (size_t i = 0; i < comparisons; i++) {
        VECTOR *low = values + network[i].low * WINDOW_VECTORS, *high = values + network[i].high * WINDOW_VECTORS;
UNROLL
        for (size_t k = 0; k < WINDOW_VECTORS; k++) {
            const VECTOR a = low[k], b = high[k];
            low[k] = LESSER(a, b);
            high[k] = LARGER(b, a);
        }
    }
}

/* The sums go to `out` as means: of one vector of columns, of which n sorted values lie WINDOW_VECTORS apart. */
static void TYPED(window_average)(const VECTOR *values, size_t n, size_t kept, NUMBER *out)
{
    const size_t gap = WINDOW_VECTORS * LANES;
    for (size_t lane = 0; lane < LANES; lane += LANES_F8) {
        const NUMBER *sorted = (const NUMBER *)values + lane;
        /* Halves: sums of two of them have room. */
        const vf8 twice = 0.5 * LOAD_WIDE(sorted + (n - 1) / 2 * gap) + 0.5 * LOAD_WIDE(sorted + n / 2 * gap);
        vf8 least = LOAD_WIDE(sorted), most = LOAD_WIDE(sorted + (kept - 1) * gap), sum = {0};
        vi8 start = {0};
        for (size_t i = 0; i + kept < n; i++) {
            const vf8 below = LOAD_WIDE(sorted + i * gap), above = LOAD_WIDE(sorted + (i + kept) * gap);
            const vi8 moves = 0.5 * below + 0.5 * above < twice;
            start -= moves;
            least = CHOSEN_F8(moves, LOAD_WIDE(sorted + (i + 1) * gap), least);
            most = CHOSEN_F8(moves, above, most);
        }
        for (size_t i = 0; i < n; i++) {
            const int64_t place = (int64_t)i;
            const vi8 counts = (place >= start) & (place < start + (int64_t)kept);
            sum += (vf8)((vi8)(WINDOW_SHARE(LOAD_WIDE(sorted + i * gap), kept)) & counts);
        }
        sum = WINDOW_WHOLE(sum, kept);
        STORE_NARROW(out + lane, LESSER_F8(LARGER_F8(sum, least), most));
    }
}

/* Copy columns of the rows as vectors, zeros behind the last. */
static void TYPED(window_pack)(const NUMBER *const *rows, size_t n, size_t at, size_t width, VECTOR *values)
{
    const size_t columns = WINDOW_VECTORS * LANES;
    for (size_t i = 0; i < n; i++) {
        NUMBER *to = (NUMBER *)(values + i * WINDOW_VECTORS);
        __builtin_prefetch(rows[i] + at + 4 * columns, 0, 3);
        if (width == columns) {
            memcpy(to, rows[i] + at, columns * sizeof *to);
            continue;
        }
        memset(to, 0, columns * sizeof *to);
        memcpy(to, rows[i] + at, width * sizeof *to);
    }
}

static int TYPED(window_mean)(const void *const *rows, size_t n, size_t from, size_t to, size_t kept, void *means)
{
    const size_t columns = WINDOW_VECTORS * LANES, comparisons = LEVEL(window_network)(n, NULL);
    const size_t numbers = n * WINDOW_VECTORS * sizeof(VECTOR), schedule = comparisons * sizeof(window_comparison);
    NUMBER last[WINDOW_VECTORS * LANES], *out = means;
    char *space = aligned_alloc(LINE, (numbers + schedule + LINE - 1) / LINE * LINE);
    if (!space) return CDT_NO_MEMORY;
    VECTOR *values = (VECTOR *)(void *)space;
    window_comparison *network = (window_comparison *)(void *)(space + numbers);
    LEVEL(window_network)(n, network);
    for (size_t at = from; at < to; at += columns) {
        const size_t width = to - at < columns ? to - at : columns;
        TYPED(window_pack)((const NUMBER *const *)rows, n, at, width, values);
        TYPED(window_sort)(values, network, comparisons);
        for (size_t k = 0; k < WINDOW_VECTORS; k++) TYPED(window_average)(values + k, n, kept, last + k * LANES);
        memcpy(out + at, last, width * sizeof *out);
    }
    free(space);
    return CDT_OK;
}
