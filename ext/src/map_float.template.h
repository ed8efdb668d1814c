/* Maps of one type of float: T, its integers U and S, SIGN, ROWS (its member of the row kernels), NAME. */
#define PLACES(name) (sizeof(T) == 4 ? kernels->name##_4 : kernels->name##_8)

static inline S NAME(key_)(U bits)
{
    return (S)(bits ^ ((U)((S)bits >> (8 * sizeof(U) - 1)) & (U)~SIGN));
}

static inline U NAME(unkey_)(S key)
{
    return (U)key ^ ((U)(key >> (8 * sizeof(U) - 1)) & (U)~SIGN);
}

static inline int NAME(is_missing_)(T x, const T *missing, size_t n_missing)
{
    for (size_t j = 0; j < n_missing; j++)
        if (x == missing[j] || (x != x && missing[j] != missing[j])) return 1;
    return 0;
}

/* Numbers of a tile, in `own` where they have changed: those where `y` has a missing code become NaN. Returns whether there are any. */
static int NAME(drop_missing_)(const T **x, const T *y, size_t n, const cdt_promise *promise, T *own)
{
    const cdt_place_kernels *kernels = &cdt_active_kernels()->places;
    const T *missing = promise->missing, nan = (T)NAN;
    int found = 0;
    for (size_t j = 0; j < promise->n_missing; j++) {
        T code = missing[j];
        if (code != code) continue;
        /* Zeros are equal, whatever their sign. */
        for (int zeros = code == 0 ? 2 : 1; zeros; zeros--, code = -code) {
            uint64_t bits[TILE / 64] = {0};
            PLACES(like)((const uint8_t *)y, n, (const uint8_t *)&code, (uint8_t *)bits);
            if (!kernels->count((const uint8_t *)bits, n)) continue;
            if (*x != own) memcpy(own, *x, n * sizeof *own);
            PLACES(fill)((const uint8_t *)bits, n, (const uint8_t *)&nan, (uint8_t *)own);
            *x = own;
            found = 1;
        }
    }
    return found;
}

/* Which numbers of a tile do not have the bits of y. */
static void NAME(unlike_)(const T *x, const T *y, size_t n, uint64_t *bits)
{
    const U *a = (const U *)(const void *)x, *b = (const U *)(const void *)y, none = 0;
    U differs[TILE];
    const cdt_place_kernels *kernels = &cdt_active_kernels()->places;
    for (size_t i = 0; i < n; i++) differs[i] = a[i] ^ b[i];
    PLACES(like)((const uint8_t *)differs, n, (const uint8_t *)&none, (uint8_t *)bits);
    for (size_t i = 0; i < n; i += 64) bits[i / 64] = ~bits[i / 64] & (n - i < 64 ? ((uint64_t)1 << (n - i)) - 1 : ~(uint64_t)0);
}

/* |x - y| <= bound, decided on the true difference: when the rounded one equals the bound, its rounding error decides. */
static inline int NAME(within_)(T x, T y, double bound)
{
    const double a = (double)x, b = (double)y, d = a - b, size = fabs(d);
    if (!(size <= bound)) return 0;
    if (size < bound) return 1;
    const double virtual_b = a - d, virtual_a = d + virtual_b, rest = (a - virtual_a) + (virtual_b - b);
    return d > 0 ? rest <= 0 : rest >= 0;
}

/* Nearest multiple, ties away from zero, without overflow: |key| <= 2^(w-1) and step <= 2^(w-2). */
static inline S NAME(nearest_)(S key, S step)
{
    const S quotient = key / step, rest = key % step;
    if (rest > 0 && rest >= step - rest) return quotient + 1;
    if (rest < 0 && -rest >= step + rest) return quotient - 1;
    return quotient;
}

/* Whether no number of a tile is smaller than four times the largest error: all differences are exact then (Sterbenz). */
static int NAME(all_large_)(const T *x, size_t n, T worst)
{
    const cdt_kernels *kernels = cdt_active_kernels();
    uint8_t large[TILE / 8];
    kernels->rows.ROWS.apart(x, NULL, n, 4 * worst, large);
    return kernels->places.count(large, n) == n;
}

/* The largest error of a tile, of which the kernel found `nearest`, that is rounded to T: the true one can be larger. */
static double NAME(worst_above_)(const T *x, const T *y, size_t n, T nearest)
{
    uint8_t far[TILE / 8];
    double worst = 0;
    cdt_active_kernels()->rows.ROWS.apart(x, y, n, nearest, far);
    for (size_t at = 0; at < n; at += 8)
        for (unsigned byte = far[at / 8]; byte; byte &= byte - 1) {
            const size_t i = at + (size_t)__builtin_ctz(byte);
            const T size = x[i] > y[i] ? x[i] - y[i] : y[i] - x[i];
            const double above = size == nearest ? error_above((double)x[i], (double)y[i]) : 0;
            worst = above > worst ? above : worst;
        }
    return worst;
}

/* Which numbers of a tile are exact, of which the kernel found `doubtful` not to be nearer than the bound; `y` is work space. */
static void NAME(misfits_)(const T *x, size_t n, const cdt_cells *cells, double bound, const int32_t *codes, size_t doubtful,
                           T *y, double *worst, uint64_t *bits)
{
    const cdt_kernels *kernels = cdt_active_kernels();
    const cdt_row_kernels *rows = &kernels->rows;
    uint64_t far[TILE / 64] = {0};
    rows->ROWS.apart(x, NULL, n, (T)INFINITY, (uint8_t *)bits);
    if (kernels->places.count((const uint8_t *)bits, n) == doubtful) return; /* all are NaN or infinite */
    rows->ROWS.rebuild_flat(codes, n, cells, y);
    rows->ROWS.apart(x, y, n, (T)cells->bound, (uint8_t *)far);
    for (size_t at = 0; at < n; at += 64)
        for (uint64_t word = far[at / 64] & ~bits[at / 64]; word; word &= word - 1) {
            const size_t i = at + (size_t)__builtin_ctzll(word);
            const double above = error_above((double)x[i], (double)y[i]);
            if (!NAME(within_)(x[i], y[i], bound)) bits[at / 64] |= word & (0 - word);
            else *worst = above > *worst ? above : *worst;
        }
}

static void NAME(linear_)(const cdt_map *map, const T *x, size_t n, const cdt_promise *promise, int32_t *codes, marks *found)
{
    const cdt_kernels *kernels = cdt_active_kernels();
    const int lossless = promise->kind == CDT_LOSSLESS;
    const double bound = lossless ? 0 : promise->value;
    cdt_cells cells = {.step = map->step, .offset = map->offset, .bound = lossless ? map->step : bound};
    if ((double)(T)cells.bound > cells.bound) cells.bound = (double)NAME(below_)((T)cells.bound);
    int32_t before = 0;
    int declared = 0; /* NaN are exact anyway */
    for (size_t j = 0; j < promise->n_missing; j++) declared |= ((const T *)promise->missing)[j] == ((const T *)promise->missing)[j];
    for (size_t start = 0; start < n; start += TILE) {
        const size_t count = n - start < TILE ? n - start : TILE;
        const T *from = x + start;
        int32_t *to = codes + start;
        T own[TILE], y[TILE];
        uint64_t bits[TILE / 64] = {0};
        size_t doubtful;
        if (declared) NAME(drop_missing_)(&from, from, count, promise, own);
        double worst = (double)kernels->rows.ROWS.quantise_flat(from, count, &cells, to, &doubtful);
        if (declared || lossless) {
            kernels->rows.ROWS.rebuild_flat(to, count, &cells, y);
            if (declared && NAME(drop_missing_)(&from, y, count, promise, own))
                worst = (double)kernels->rows.ROWS.quantise_flat(from, count, &cells, to, &doubtful);
        }
        /* Without an offset y is 0, or not twice as large as x nor half as large: differences are exact, too. */
        if (map->offset != 0 && !lossless && worst > 0 && worst >= (double)(T)found->max_error && !NAME(all_large_)(from, count, (T)worst)) {
            kernels->rows.ROWS.rebuild_flat(to, count, &cells, y);
            worst = NAME(worst_above_)(from, y, count, (T)worst);
        }
        if (lossless) NAME(unlike_)(from, y, count, bits);
        else if (doubtful) NAME(misfits_)(from, count, &cells, bound, to, doubtful, y, &worst, bits);
        const size_t misfits = kernels->places.count((const uint8_t *)bits, count);
        if (misfits) {
            kernels->places.carry_4((const uint8_t *)bits, count, (const uint8_t *)&before, (uint8_t *)to);
            memcpy(found->exact + start / 8, bits, (count + 7) / 8);
            found->count += misfits;
        }
        before = to[count - 1];
        if (!lossless && worst > found->max_error) found->max_error = worst;
    }
}

static void NAME(keys_)(const cdt_map *map, const T *x, size_t n, const cdt_promise *promise, S *codes, marks *found)
{
    S before = 0;
    const S step = (S)map->integer_step;
    /* Below the true bound by more than the products can round; a product below DBL_MIN rounds by more, and allows nothing. */
    const double safe = promise->value * (1.0 - 8.0 * DBL_EPSILON);
    double nearly = found->max_error * (1.0 - 4.0 * DBL_EPSILON);
    for (size_t i = 0; i < n; i++) {
        U bits;
        T y;
        memcpy(&bits, x + i, sizeof bits);
        const S k = NAME(nearest_)(NAME(key_)(bits), step);
        const U back = NAME(unkey_)((S)((U)k * (U)step));
        memcpy(&y, &back, sizeof y);
        const double size = fabs((double)x[i]), d = fabs((double)x[i] - (double)y), most = safe * size;
        /* An infinity has an infinite error, which the product with its own size would allow. */
        if (d <= most && d <= DBL_MAX && (most >= DBL_MIN || d == 0) &&
            !NAME(is_missing_)(x[i], promise->missing, promise->n_missing) &&
            !NAME(is_missing_)(y, promise->missing, promise->n_missing)) {
            /* Not known to be smaller than the largest so far, whatever rounding does to both. */
            if (d >= nearly * size && d > 0) {
                const double above = ratio_above((double)x[i], (double)y);
                found->max_error = above > found->max_error ? above : found->max_error;
                nearly = found->max_error * (1.0 - 4.0 * DBL_EPSILON);
            }
            before = codes[i] = k;
        } else {
            codes[i] = before;
            mark(found, i);
        }
    }
}

static void NAME(bare_keys_)(const T *x, size_t n, S *codes)
{
    const U *bits = (const U *)(const void *)x;
    for (size_t i = 0; i < n; i++) codes[i] = NAME(key_)(bits[i]);
}

static void NAME(from_keys_)(const cdt_map *map, const S *codes, size_t n, T *y)
{
    U *bits = (U *)(void *)y;
    const U step = map->kind == CDT_MAP_KEY ? 1 : (U)map->integer_step;
    for (size_t i = 0; i < n; i++) bits[i] = NAME(unkey_)((S)((U)codes[i] * step));
}
#undef PLACES
