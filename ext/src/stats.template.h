/* Included once per type: T, U (unsigned of the same width), SUFFIX, IS_FLOAT. */
#define CAT_(a, b) a##b
#define CAT(a, b) CAT_(a, b)
#define NAME(base) CAT(base, SUFFIX)

typedef struct {
    T least, most;
    double total, mean, m2;
    int64_t finite, zeros;
} NAME(tile_);

/* Sum of a tile. LANES sums, so that the order of additions is the same on every path. */
static CDT_DISPATCH double NAME(tile_sum_)(const T *restrict x, size_t n)
{
    double sums[LANES] = {0}, total = 0;
    size_t i;
    for (i = 0; i + LANES <= n; i += LANES)
        for (size_t k = 0; k < LANES; k++)
            sums[k] += (double)x[i + k];
    for (; i < n; i++)
        sums[i % LANES] += (double)x[i];
    for (size_t k = 0; k < LANES; k++)
        total += sums[k];
    return total;
}

/* Moments of a tile of n > 0 finite values with the sum `total`. */
static CDT_DISPATCH void NAME(tile_moments_)(const T *restrict x, size_t n, double total, NAME(tile_) *restrict tile)
{
    T least = x[0], most = x[0];
    uint32_t zeros = 0;
    double squares[LANES] = {0};
    size_t i;
    SIMD(reduction(min : least) reduction(max : most))
    for (i = 0; i < n; i++) {
        least = x[i] < least ? x[i] : least;
        most = x[i] > most ? x[i] : most;
    }
    for (i = 0; i < n; i++)
        zeros += x[i] == 0;
    const double mean = total / (double)n;
    for (i = 0; i + LANES <= n; i += LANES)
        for (size_t k = 0; k < LANES; k++) {
            const double d = (double)x[i + k] - mean;
            squares[k] += d * d;
        }
    for (; i < n; i++) {
        const double d = (double)x[i] - mean;
        squares[i % LANES] += d * d;
    }
    tile->m2 = 0;
    for (size_t k = 0; k < LANES; k++)
        tile->m2 += squares[k];
    tile->least = least;
    tile->most = most;
    tile->total = total;
    tile->mean = mean;
    tile->finite = (int64_t)n;
    tile->zeros = (int64_t)zeros;
}

/* Copies the finite, not missing values of a tile to `kept` and counts the others. */
static size_t NAME(keep_finite_)(const T *x, const uint8_t *mask, size_t n, T *kept, cdt_moments *moments)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i++) {
        if (mask && mask[i]) {
            moments->missing++;
            continue;
        }
#if IS_FLOAT
        if (x[i] != x[i]) {
            moments->nan++;
            continue;
        }
        if (x[i] - x[i] != 0) {
            moments->positive_infinite += x[i] > 0;
            moments->negative_infinite += x[i] < 0;
            continue;
        }
#endif
        kept[count++] = x[i];
    }
    return count;
}

static void NAME(take_tile_)(const NAME(tile_) *tile, cdt_moments *moments, T *least, T *most)
{
    if (!moments->finite || tile->least < *least)
        *least = tile->least;
    if (!moments->finite || tile->most > *most)
        *most = tile->most;
    const double left = (double)moments->finite, right = (double)tile->finite, shift = tile->mean - moments->mean;
    moments->mean += shift * right / (left + right);
    moments->m2 += tile->m2 + shift * shift * left * right / (left + right);
    moments->total += tile->total;
    moments->finite += tile->finite;
    moments->zeros += tile->zeros;
}

int NAME(cdt_describe_)(const T *x, const uint8_t *mask, size_t n, cdt_moments *moments, T *least, T *most)
{
    T kept[TILE];
    NAME(tile_) tile;
    memset(moments, 0, sizeof *moments);
    for (size_t start = 0; start < n; start += TILE) {
        size_t count = n - start < TILE ? n - start : TILE;
        const T *values = x + start;
        const uint8_t *m = mask && any_set(mask + start, count) ? mask + start : NULL;
        double total = NAME(tile_sum_)(values, count);
        if (m || !(fabs(total) <= DBL_MAX)) { /* a value that is not finite leaves no finite sum */
            count = NAME(keep_finite_)(values, m, count, kept, moments);
            values = kept;
            total = NAME(tile_sum_)(values, count);
        }
        if (count) {
            NAME(tile_moments_)(values, count, total, &tile);
            NAME(take_tile_)(&tile, moments, least, most);
        }
    }
    return CDT_OK;
}

/* |x - y| of one pair, and whether it is over the bound; decided on the true difference. */
static inline double NAME(error_)(T x, T y)
{
#if IS_FLOAT
    return fabs((double)x - (double)y);
#else
    return (double)(x > y ? (U)((U)x - (U)y) : (U)((U)y - (U)x));
#endif
}

/* y - x; of 64-bit integers by their difference, which their neighbours in double would lose. */
static inline double NAME(signed_error_)(T x, T y)
{
#if !IS_FLOAT
    if (sizeof(T) == 8)
        return y >= x ? NAME(error_)(x, y) : -NAME(error_)(x, y);
#endif
    return (double)y - (double)x;
}

static inline int NAME(is_over_)(T x, T y, const cdt_histograms *h)
{
    if (h->kind == CDT_BOUND_LOSSLESS)
        return memcmp(&x, &y, sizeof x) != 0;
    const double d = NAME(error_)(x, y);
    if (h->kind == CDT_BOUND_PW_REL) {
        const double most = h->bound * fabs((double)x);
        return d == most ? is_over_product((double)x, (double)y, h->bound) : d > most;
    }
#if IS_FLOAT
    if (d == h->bound)
        return lost_in_error((double)x, (double)y) > 0;
    return d > h->bound;
#else
    const U exact = x > y ? (U)((U)x - (U)y) : (U)((U)y - (U)x);
    return h->bound < 18446744073709551616.0 && (uint64_t)exact > (uint64_t)h->bound;
#endif
}

/* Errors of a tile of finite pairs; out[5] says whether some |x - y| / |x| may be above `relative`. */
static CDT_DISPATCH void NAME(tile_errors_)(const T *restrict x, const T *restrict y, size_t n, double mean_x, double mean_y,
                                            double relative, double *restrict out)
{
    double worst = 0, least_room = 1, errors[TILE], sums[LANES] = {0}, squares[LANES] = {0}, products[LANES] = {0};
    size_t i;
    for (i = 0; i < n; i++)
        errors[i] = NAME(signed_error_)(x[i], y[i]);
    SIMD(reduction(max : worst) reduction(min : least_room))
    for (i = 0; i < n; i++) {
        const double d = fabs(errors[i]), room = relative * fabs((double)x[i]) - d;
        worst = d > worst ? d : worst;
        least_room = room < least_room ? room : least_room;
    }
    for (i = 0; i + LANES <= n; i += LANES)
        for (size_t k = 0; k < LANES; k++)
            sums[k] += errors[i + k];
    for (; i < n; i++)
        sums[i % LANES] += errors[i];
    for (i = 0; i + LANES <= n; i += LANES)
        for (size_t k = 0; k < LANES; k++)
            squares[k] += errors[i + k] * errors[i + k];
    for (; i < n; i++)
        squares[i % LANES] += errors[i] * errors[i];
    for (i = 0; i + LANES <= n; i += LANES)
        for (size_t k = 0; k < LANES; k++)
            products[k] += ((double)x[i + k] - mean_x) * ((double)y[i + k] - mean_y);
    for (; i < n; i++)
        products[i % LANES] += ((double)x[i] - mean_x) * ((double)y[i] - mean_y);
    out[0] = worst;
    out[2] = out[3] = out[4] = 0;
    for (size_t k = 0; k < LANES; k++) {
        out[2] += sums[k];
        out[3] += squares[k];
        out[4] += products[k];
    }
    out[5] = !(least_room > 0) || worst > DBL_MAX;
}

/* Largest |x - y| / |x| over x != 0. */
static CDT_DISPATCH double NAME(tile_relative_)(const T *restrict x, const T *restrict y, size_t n)
{
    double worst = 0;
    SIMD(reduction(max : worst))
    for (size_t i = 0; i < n; i++) {
        const double size = fabs((double)x[i]);
        const double ratio = size > 0 ? NAME(error_)(x[i], y[i]) / size : 0;
        worst = ratio > worst ? ratio : worst;
    }
    if (worst <= DBL_MAX)
        return worst;
    /* Somewhere x - y has no double; its half has, and no digit is lost where that happens. */
    worst = 0;
    for (size_t i = 0; i < n; i++) {
        const double size = fabs((double)x[i]), error = NAME(error_)(x[i], y[i]);
        const double ratio = error <= DBL_MAX ? error / size : fabs((double)x[i] / 2 - (double)y[i] / 2) / (size / 2);
        worst = size > 0 && ratio > worst ? ratio : worst;
    }
    return worst;
}

/* Bin numbers first, all at once; the counting that cannot be vectorised after them. */
static CDT_DISPATCH void NAME(bins_of_)(const T *restrict x, size_t n, double low, double scale, int32_t bins,
                                        int32_t *restrict where)
{
    for (size_t i = 0; i < n; i++) {
        double p = ((double)x[i] - low) * scale;
        p = p > 0 ? p : 0;
        p = p < bins - 1 ? p : bins - 1;
        where[i] = (int32_t)p;
    }
}

static CDT_DISPATCH void NAME(error_bins_)(const T *restrict x, const T *restrict y, size_t n, const cdt_histograms *h,
                                           int32_t *restrict where)
{
    const double scale = h->error_bins / (2 * h->bound), half = h->bound;
    const int relative = h->kind == CDT_BOUND_PW_REL;
    for (size_t i = 0; i < n; i++) {
        double e = (double)y[i] - (double)x[i];
        const double size = fabs((double)x[i]);
        e = relative ? (size > 0 ? e / size : 0) : e;
        double p = (e + half) * scale;
        p = p > 0 ? p : 0;
        p = p < h->error_bins - 1 ? p : h->error_bins - 1;
        where[i] = (int32_t)p;
    }
}

static void NAME(count_tile_)(const T *x, const T *y, size_t n, int same, const cdt_histograms *h, turn_tables *tables)
{
    int32_t where[TILE];
    if (h->bins > 0 && h->high > h->low) {
        const double scale = h->bins / (h->high - h->low);
        NAME(bins_of_)(x, n, h->low, scale, h->bins, where);
        count_bins(where, n, tables->x);
        if (!same) {
            NAME(bins_of_)(y, n, h->low, scale, h->bins, where);
            count_bins(where, n, tables->y);
        }
    } else if (h->bins > 0) {
        h->counts_x[0] += (int64_t)n;
        if (!same)
            h->counts_y[0] += (int64_t)n;
    }
    if (h->error_bins > 0 && !same) {
        NAME(error_bins_)(x, y, n, h, where);
        count_bins(where, n, tables->error);
    }
    tables->pending += n;
    if (tables->pending > UINT32_MAX / 2)
        take_all(tables, h);
}

/* Pairs that are finite and not missing on both sides go to kept_x, kept_y; the others are compared bit by bit. */
static size_t NAME(keep_pairs_)(const T *x, const T *y, const uint8_t *mask, size_t n, T *kept_x, T *kept_y,
                                cdt_comparison *c)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i++) {
        int usable = !(mask && mask[i]);
#if IS_FLOAT
        usable = usable && x[i] - x[i] == 0 && y[i] - y[i] == 0;
#endif
        if (usable) {
            kept_x[count] = x[i];
            kept_y[count++] = y[i];
        } else {
            c->mismatched += memcmp(x + i, y + i, sizeof(T)) != 0;
        }
    }
    return count;
}

int NAME(cdt_compare_)(const T *x, const T *y, const uint8_t *mask, size_t n, const cdt_histograms *h,
                       cdt_comparison *c, T *extremes)
{
    T kept_x[TILE], kept_y[TILE];
    NAME(tile_) tx, ty;
    const int same = x == y;
    turn_tables tables;
    const int status = make_tables(&tables, h);
    memset(c, 0, sizeof *c);
    if (status != CDT_OK)
        n = 0;
    for (size_t start = 0; start < n; start += TILE) {
        size_t count = n - start < TILE ? n - start : TILE;
        const T *a = x + start, *b = y + start;
        const uint8_t *m = mask && any_set(mask + start, count) ? mask + start : NULL;
        double total_x = NAME(tile_sum_)(a, count), total_y = same ? total_x : NAME(tile_sum_)(b, count);
        const int is_whole = !m && fabs(total_x) <= DBL_MAX && fabs(total_y) <= DBL_MAX;
        if (!is_whole) {
            const size_t n_x = NAME(keep_finite_)(a, m, count, kept_x, &c->x);
            if (n_x) {
                NAME(tile_moments_)(kept_x, n_x, NAME(tile_sum_)(kept_x, n_x), &tx);
                NAME(take_tile_)(&tx, &c->x, extremes, extremes + 1);
            }
            if (!same) {
                const size_t n_y = NAME(keep_finite_)(b, m, count, kept_y, &c->y);
                if (n_y) {
                    NAME(tile_moments_)(kept_y, n_y, NAME(tile_sum_)(kept_y, n_y), &ty);
                    NAME(take_tile_)(&ty, &c->y, extremes + 2, extremes + 3);
                }
            }
            count = same ? n_x : NAME(keep_pairs_)(a, b, m, count, kept_x, kept_y, c);
            a = kept_x;
            b = same ? kept_x : kept_y;
            if (!count)
                continue;
            total_x = NAME(tile_sum_)(a, count);
            total_y = NAME(tile_sum_)(b, count);
        }
        NAME(tile_moments_)(a, count, total_x, &tx);
        if (!same)
            NAME(tile_moments_)(b, count, total_y, &ty);
        if (is_whole) {
            NAME(take_tile_)(&tx, &c->x, extremes, extremes + 1);
            if (!same)
                NAME(take_tile_)(&ty, &c->y, extremes + 2, extremes + 3);
        }
        NAME(count_tile_)(a, b, count, same, h, &tables);
        double errors[6] = {0, 0, 0, 0, tx.m2, 0};
        if (!same) {
            NAME(tile_errors_)(a, b, count, tx.mean, ty.mean, c->max_relative_error, errors);
            /* A quotient above the largest so far has d >= fl(largest * |x|); most tiles have none, and are spared divisions. */
            if (errors[5] != 0 && errors[0] > 0)
                errors[1] = NAME(tile_relative_)(a, b, count);
            /* One look at the worst error spares the look at each value. */
            if (h->kind == CDT_BOUND_LOSSLESS || (h->kind == CDT_BOUND_ABS && errors[0] >= h->bound) ||
                h->kind == CDT_BOUND_PW_REL)
                for (size_t i = 0; i < count; i++)
                    c->over_bound += NAME(is_over_)(a[i], b[i], h);
        }
        const double left = (double)c->finite, right = (double)count;
        const double mean_y = same ? tx.mean : ty.mean;
        c->co_moment += errors[4] + (tx.mean - c->pair_mean_x) * (mean_y - c->pair_mean_y) * left * right / (left + right);
        c->pair_mean_x += (tx.mean - c->pair_mean_x) * right / (left + right);
        c->pair_mean_y += (mean_y - c->pair_mean_y) * right / (left + right);
        c->finite += (int64_t)count;
        c->max_error = errors[0] > c->max_error ? errors[0] : c->max_error;
        c->max_relative_error = errors[1] > c->max_relative_error ? errors[1] : c->max_relative_error;
        c->sum_error += errors[2];
        c->sum_squared_error += errors[3];
    }
    if (status == CDT_OK)
        take_all(&tables, h);
    free(tables.x);
    if (same) {
        c->y = c->x;
        extremes[2] = extremes[0];
        extremes[3] = extremes[1];
        for (int32_t k = 0; k < h->bins; k++)
            h->counts_y[k] = h->counts_x[k];
        if (h->error_bins > 0)
            h->counts_error[h->error_bins / 2] = c->finite;
    }
    return status;
}

#undef NAME
#undef CAT
#undef CAT_
