/* Maps of one type of float: T, its integers U and S, SIGN, ROWS (its member of the row kernels), NAME. */

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

static void NAME(linear_)(const cdt_map *map, const T *x, size_t n, const cdt_promise *promise, int32_t *codes, marks *found)
{
    const cdt_row_kernels *rows = &cdt_active_kernels()->rows;
    const T *missing = promise->missing;
    const int lossless = promise->kind == CDT_LOSSLESS;
    const double bound = lossless ? 0 : promise->value;
    cdt_cells cells = {.step = map->step, .offset = map->offset, .bound = lossless ? map->step : bound};
    if ((double)(T)cells.bound > cells.bound) cells.bound = (double)NAME(below_)((T)cells.bound);
    int32_t before = 0;
    for (size_t start = 0; start < n; start += TILE) {
        const size_t count = n - start < TILE ? n - start : TILE;
        size_t doubtful;
        double worst = (double)rows->ROWS.quantise_flat(x + start, count, &cells, codes + start, &doubtful);
        if (doubtful || lossless || promise->n_missing) {
            T y[TILE];
            uint8_t bits[TILE / 8];
            rows->ROWS.rebuild_flat(codes + start, count, &cells, y);
            if (lossless || promise->n_missing) memset(bits, 0xFF, sizeof bits); /* look at every one */
            else rows->ROWS.apart(x + start, y, count, (T)cells.bound, bits);
            for (size_t at = 0; at < count; at += 8)
                for (unsigned byte = bits[at / 8]; byte; byte &= byte - 1) {
                    const size_t i = at + (size_t)__builtin_ctz(byte);
                    if (i >= count) break;
                    const int same = !lossless || !memcmp(x + start + i, y + i, sizeof *y);
                    if (same && NAME(within_)(x[start + i], y[i], bound) &&
                        !NAME(is_missing_)(x[start + i], missing, promise->n_missing) &&
                        !NAME(is_missing_)(y[i], missing, promise->n_missing)) {
                        const double d = fabs((double)x[start + i] - (double)y[i]);
                        worst = d > worst ? d : worst;
                    } else {
                        codes[start + i] = i ? codes[start + i - 1] : before;
                        mark(found, start + i);
                    }
                }
            if (lossless) worst = 0;
        }
        before = codes[start + count - 1];
        found->max_error = worst > found->max_error ? worst : found->max_error;
    }
}

static void NAME(keys_)(const cdt_map *map, const T *x, size_t n, const cdt_promise *promise, S *codes, marks *found)
{
    S before = 0;
    const S step = (S)map->integer_step;
    /* Below the true bound by more than the products can round; a product below DBL_MIN rounds by more, and allows nothing. */
    const double safe = promise->value * (1.0 - 8.0 * DBL_EPSILON);
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
            const double relative = size > 0 ? d / size : 0.0;
            found->max_error = relative > found->max_error ? relative : found->max_error;
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
