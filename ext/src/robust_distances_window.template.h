/* The mean of the values that are nearest to the median of their column.
 *
 * The values of a column are sorted (Batcher's odd-even merge sort, the same comparisons for every column, a vector of columns at a
 * time). The nearest to the median are then neighbours: the window of them moves up from the lowest while what it would take in is
 * nearer than what it would leave. It moves past a value exactly if it moves past all before it, so no lane waits for another:
 * each value is added or not. The window holds a middle value, wherever it stops.
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

/* The sums go to `out` as means: of one vector of columns, of which n sorted values lie WINDOW_VECTORS apart. The window starts
 * between `first` and `last`, so that the values from `last` to `first + kept` are in it wherever it does; of those before, it has
 * the ones that it does not move past, of those behind the ones that it takes in for them. */
static void TYPED(window_average)(const VECTOR *values, size_t n, size_t kept, NUMBER *out)
{
    const size_t gap = WINDOW_VECTORS * LANES, middle = (n - 1) / 2;
    const size_t first = middle >= kept ? middle - kept + 1 : 0, last = n / 2 < n - kept ? n / 2 : n - kept;
    for (size_t lane = 0; lane < LANES; lane += LANES_F8) {
        const NUMBER *sorted = (const NUMBER *)values + lane;
        const vf8 twice = WINDOW_HALF(LOAD_WIDE(sorted + middle * gap)) + WINDOW_HALF(LOAD_WIDE(sorted + n / 2 * gap));
        vf8 least = LOAD_WIDE(sorted + first * gap), most = LOAD_WIDE(sorted + (first + kept - 1) * gap);
        vf8 below = least, sum = {0};
        for (size_t i = first; i < last; i++) {
            const vf8 above = LOAD_WIDE(sorted + (i + kept) * gap), next = LOAD_WIDE(sorted + (i + 1) * gap);
            const vi8 moves = WINDOW_HALF(below) + WINDOW_HALF(above) < twice;
            sum += WINDOW_SHARE(CHOSEN_F8(moves, above, below), kept);
            least = CHOSEN_F8(moves, next, least);
            most = CHOSEN_F8(moves, above, most);
            below = next;
        }
        for (size_t i = last; i < first + kept; i++) sum += WINDOW_SHARE(LOAD_WIDE(sorted + i * gap), kept);
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
        for (size_t byte = 0; byte < columns * sizeof *to; byte += LINE) __builtin_prefetch((const char *)(rows[i] + at + 4 * columns) + byte, 0, 3);
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
