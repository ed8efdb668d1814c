/* Products of all pairs of centred rows, in tiles of columns that stay in the second cache.
 *
 * A tile is packed as n rows of centred numbers. Of each row only the largest number counts: a row whose numbers are so large or so
 * small that its products leave the range of the type is scaled by a power of two for this tile, and its sums are scaled back in
 * double. While blocks of rows are multiplied, what the next tile needs is fetched, a line at a time and spread over all blocks: in
 * a burst, the few buffers of lines that wait for memory are full, and the tile itself has to wait.
 */
#ifndef GRAM_TALL
/* Rows of a block of products, on the left and on the right: as many sums as registers hold. */
#if CDT_SIMD == 512
#define GRAM_TALL ((size_t)6)
#define GRAM_WIDE ((size_t)4)
#elif CDT_SIMD == 2
#define GRAM_TALL ((size_t)3)
#define GRAM_WIDE ((size_t)4)
#else
#define GRAM_TALL ((size_t)3)
#define GRAM_WIDE ((size_t)4)
#endif
#define GRAM_BLOCK (GRAM_TALL * GRAM_WIDE)
#define GRAM_LANES ((GRAM_BLOCK + LANES - 1) / LANES * LANES)
/* Numbers of a row that are added in each lane before the lanes are added to those of other pieces: short sums lose little. */
#define GRAM_PIECE (64 * LANES)
/* Bytes of a tile; its columns at least and at most. */
#define GRAM_BYTES ((size_t)384 << 10)
#define GRAM_LEAST ((size_t)256)
#define GRAM_MOST ((size_t)4096)
/* Rows on the right that are multiplied with all on the left before the next: they stay in the second cache, too. */
#define GRAM_RIGHT ((size_t)288)

typedef struct {
    size_t n, columns, stride; /* numbers of a row of the tile */
    const uint32_t *central;
    size_t centrals;
    double scale;
    void *tile, *centre;
    double *factors; /* of each row: what its packed numbers are to be multiplied by */
} gram_tile;
#endif

/* The mean of the central rows, scaled. */
static void TYPED(gram_centre)(const gram_tile *t, const NUMBER *const *rows, size_t from, size_t width)
{
    NUMBER *centre = t->centre;
    const NUMBER share = (NUMBER)(t->scale / (double)(t->centrals ? t->centrals : 1));
    memset(centre, 0, t->stride * sizeof *centre);
    for (size_t i = 0; i < t->centrals; i++) {
        const NUMBER *row = rows[t->central[i]] + from;
        size_t k = 0;
        for (; k + LANES <= width; k += LANES) STORE(centre + k, LOAD(centre + k) + share * LOAD(row + k));
        for (; k < width; k++) centre[k] += share * row[k];
    }
}

/* A row of the tile that is out of the safe range is scaled, and its factor set. */
static int TYPED(gram_rescale)(NUMBER *packed, size_t stride, NUMBER largest, double *factor)
{
    int exponent;
    *factor = 1;
    if (!(largest <= NUMBER_MAX)) return CDT_NOT_CENTRED;
    __builtin_frexp((double)largest, &exponent);
    if (largest == 0 || (exponent < BIAS / 3 && exponent > -BIAS / 3)) return CDT_OK;
    for (size_t k = 0; k < stride; k++) packed[k] = (NUMBER)__builtin_ldexp((double)packed[k], -exponent);
    *factor = __builtin_ldexp(1.0, exponent);
    return CDT_OK;
}

/* The largest magnitude: infinite or no number where one is. Without their signs, bits are ordered as numbers are. */
static NUMBER TYPED(gram_largest)(BITS bits)
{
    BIT lanes[LANES], top = 0;
    NUMBER largest;
    memcpy(lanes, &bits, sizeof lanes);
    for (size_t i = 0; i < LANES; i++) top = lanes[i] > top ? lanes[i] : top;
    memcpy(&largest, &top, sizeof largest);
    return largest;
}

/* Pack one row: scaled, centred, zeros behind the last. */
static int TYPED(gram_pack)(const gram_tile *t, const NUMBER *row, size_t width, NUMBER *packed, double *factor)
{
    const NUMBER *centre = t->centre;
    const NUMBER scale = (NUMBER)t->scale;
    const size_t whole = width / LANES * LANES;
    BITS most = {0};
    for (size_t k = 0; k < whole; k += LANES) {
        const VECTOR v = scale * LOAD(row + k) - LOAD(centre + k);
        most = LARGER_BITS((BITS)v & MAGNITUDE, most);
        *(VECTOR *)(packed + k) = v;
    }
    for (size_t k = whole; k < t->stride; k++) packed[k] = k < width ? scale * row[k] - centre[k] : 0;
    for (size_t k = whole; k < t->stride; k += LANES) most = LARGER_BITS(*(const BITS *)(packed + k) & MAGNITUDE, most);
    return TYPED(gram_rescale)(packed, t->stride, TYPED(gram_largest)(most), factor);
}

/* lanes += products of GRAM_TALL rows at a and GRAM_WIDE rows at b. For every vector a line of `fetch` is fetched, all lines of it
 * 2^slower times. */
INLINE void TYPED(gram_block)(const NUMBER *a, const NUMBER *b, size_t stride, const char *fetch, int slower, VECTOR *lanes)
{
    for (size_t k = 0, end; k < stride; k = end) {
        VECTOR c[GRAM_BLOCK];
UNROLL
        for (size_t i = 0; i < GRAM_BLOCK; i++) c[i] = (VECTOR){0};
        for (end = stride - k < GRAM_PIECE ? stride : k + GRAM_PIECE; k < end; k += LANES) {
            VECTOR left[GRAM_TALL];
            __builtin_prefetch(fetch + (k * sizeof *a >> slower), 0, 2);
UNROLL
            for (size_t i = 0; i < GRAM_TALL; i++) left[i] = *(const VECTOR *)(a + i * stride + k);
UNROLL
            for (size_t j = 0; j < GRAM_WIDE; j++) {
                const VECTOR right = *(const VECTOR *)(b + j * stride + k);
UNROLL
                for (size_t i = 0; i < GRAM_TALL; i++) c[i * GRAM_WIDE + j] += left[i] * right;
            }
        }
UNROLL
        for (size_t i = 0; i < GRAM_BLOCK; i++) lanes[i] += c[i];
    }
}

/* The sums of one block go to the whole, as far as they are on the diagonal or above it. */
INLINE void TYPED(gram_add)(const gram_tile *t, VECTOR *lanes, size_t row, size_t column, double *gram)
{
    typedef NUMBER narrow __attribute__((vector_size(GRAM_WIDE * sizeof(NUMBER)), aligned(sizeof(NUMBER)), may_alias));
    typedef double wide __attribute__((vector_size(GRAM_WIDE * sizeof(double)), aligned(sizeof(double)), may_alias));
    const double *factors = t->factors;
    double *to = gram + row * t->n + column;
    NUMBER sums[GRAM_LANES * LANES];
UNROLL
    for (size_t i = 0; i < GRAM_LANES; i += LANES) {
        FOLD(lanes + i);
        STORE(sums + i, lanes[i]);
    }
    if (row + GRAM_TALL <= column && column + GRAM_WIDE <= t->n) {
        const wide right = *(const wide *)(factors + column);
UNROLL
        for (size_t i = 0; i < GRAM_TALL; i++)
            *(wide *)(to + i * t->n) += __builtin_convertvector(*(const narrow *)(sums + i * GRAM_WIDE), wide) * (factors[row + i] * right);
        return;
    }
    for (size_t i = 0; i < GRAM_TALL && row + i < t->n; i++)
        for (size_t j = 0; j < GRAM_WIDE && column + j < t->n; j++)
            if (row + i <= column + j) to[i * t->n + j] += (double)sums[i * GRAM_WIDE + j] * (factors[row + i] * factors[column + j]);
}

/* Every pair of rows of the tile; `next` has the rows of the next one at `ahead`. */
static void TYPED(gram_products)(const gram_tile *t, const NUMBER *const *next, size_t ahead, double *gram)
{
    const NUMBER *tile = t->tile;
    const size_t bytes = t->stride * sizeof *tile;
    size_t fetched = 0; /* parts of rows, 2^slower of each */
    int slower = 0;
    while (t->n * t->n / (2 * GRAM_BLOCK) >> (slower + 1) >= t->n && bytes >> (slower + 1) >= LINE) slower++;
    for (size_t right = 0; right < t->n; right += GRAM_RIGHT)
        for (size_t i = 0; i < t->n && i < right + GRAM_RIGHT; i += GRAM_TALL)
            for (size_t j = i > right ? i / GRAM_WIDE * GRAM_WIDE : right; j < t->n && j < right + GRAM_RIGHT; j += GRAM_WIDE) {
                const NUMBER *a = tile + i * t->stride, *b = tile + j * t->stride;
                const size_t row = fetched >> slower, part = fetched++ - (row << slower);
                const char *fetch = next && row < t->n ? (const char *)(next[row] + ahead) + part * (bytes >> slower) : (const char *)a;
                VECTOR lanes[GRAM_LANES] = {{0}};
                TYPED(gram_block)(a, b, t->stride, fetch, slower, lanes);
                TYPED(gram_add)(t, lanes, i, j, gram);
            }
}

static int TYPED(gram_start)(gram_tile *t, size_t columns)
{
    const size_t fit = GRAM_BYTES / sizeof(NUMBER) / t->n, padded = t->n + GRAM_TALL + GRAM_WIDE;
    t->columns = fit < GRAM_LEAST ? GRAM_LEAST : fit < GRAM_MOST ? fit / LINE * LINE : GRAM_MOST;
    /* Tiles of the same size: the last costs as much as the others. */
    const size_t tiles = (columns + t->columns - 1) / t->columns, line = LINE / sizeof(NUMBER);
    t->stride = ((columns + tiles - 1) / tiles + line - 1) / line * line;
    t->columns = t->stride;
    const size_t numbers = (padded + 1) * t->stride * sizeof(NUMBER);
    char *space = aligned_alloc(LINE, numbers + (padded * sizeof(double) + LINE - 1) / LINE * LINE);
    if (!space) return CDT_NO_MEMORY;
    memset(space, 0, numbers);
    t->tile = space;
    t->centre = (NUMBER *)(void *)space + padded * t->stride;
    t->factors = (double *)(void *)(space + numbers);
    return CDT_OK;
}

static int TYPED(gram)(const void *const *rows, size_t n, size_t from, size_t to, const uint32_t *central, size_t centrals, double scale,
                       double *gram)
{
    const NUMBER *const *numbers = (const NUMBER *const *)rows;
    gram_tile t = {.n = n, .central = central, .centrals = centrals, .scale = scale};
    int status = CDT_OK;
    if (!n || from >= to) return CDT_OK;
    if (TYPED(gram_start)(&t, to - from) != CDT_OK) return CDT_NO_MEMORY;
    for (size_t at = from; at < to; at += t.columns) {
        const size_t width = to - at < t.columns ? to - at : t.columns, ahead = at + t.columns;
        TYPED(gram_centre)(&t, numbers, at, width);
        for (size_t i = 0; i < n && status == CDT_OK; i++)
            status = TYPED(gram_pack)(&t, numbers[i] + at, width, (NUMBER *)t.tile + i * t.stride, t.factors + i);
        if (status != CDT_OK) break;
        TYPED(gram_products)(&t, ahead + t.columns <= to ? numbers : NULL, ahead, gram);
    }
    free(t.tile);
    return status;
}
