/* Two arrays side by side, for one type; what is of one of them alone is in stats.template.h, which includes this. */

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

/* Errors of a tile of finite pairs; `relative`: the largest |x - y| / |x| of tiles before. */
static CDT_DISPATCH void NAME(tile_errors_)(const T *restrict x, const T *restrict y, size_t n, double mean_x, double mean_y,
                                            double relative, tile_errors *restrict out)
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
    out->largest = worst;
    out->sum = out->sum_squares = out->co_moment = 0;
    for (size_t k = 0; k < LANES; k++) {
        out->sum += sums[k];
        out->sum_squares += squares[k];
        out->co_moment += products[k];
    }
    out->may_be_relative = !(least_room > 0) || worst > DBL_MAX;
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

/* Pairs of one tile that are finite and not missing on both sides, as they lie in memory or copied. y is x where an array is compared
 * with itself. */
typedef struct {
    const T *x, *y;
    size_t n;
    double total_x, total_y;
    int is_whole; /* no pair of the tile was left out */
} NAME(pairs_);

/* The pairs of a tile. Where some are left out, the values of each side are taken at once: they may be finite where the other's are
 * not. `kept`: work space for two tiles. extremes: of x, then of y. */
static void NAME(find_pairs_)(NAME(pairs_) *p, const uint8_t *mask, T (*kept)[TILE], cdt_comparison *c, T *extremes)
{
    const T *x = p->x, *y = p->y;
    const int same = x == y;
    const uint8_t *m = mask && any_set(mask, p->n) ? mask : NULL;
    p->total_x = NAME(tile_sum_)(x, p->n);
    p->total_y = same ? p->total_x : NAME(tile_sum_)(y, p->n);
    p->is_whole = !m && fabs(p->total_x) <= DBL_MAX && fabs(p->total_y) <= DBL_MAX;
    if (p->is_whole)
        return;
    const size_t n_x = NAME(take_finite_)(x, m, p->n, kept[0], &c->x, extremes, extremes + 1);
    if (!same)
        NAME(take_finite_)(y, m, p->n, kept[1], &c->y, extremes + 2, extremes + 3);
    p->n = same ? n_x : NAME(keep_pairs_)(x, y, m, p->n, kept[0], kept[1], c);
    p->x = kept[0];
    p->y = kept[same ? 0 : 1];
    p->total_x = NAME(tile_sum_)(p->x, p->n);
    p->total_y = same ? p->total_x : NAME(tile_sum_)(p->y, p->n);
}

/* Errors of pairs, and how many are over the bound. */
static void NAME(look_at_errors_)(const NAME(pairs_) *p, double mean_x, double mean_y, const cdt_histograms *h, cdt_comparison *c,
                                  tile_errors *errors)
{
    NAME(tile_errors_)(p->x, p->y, p->n, mean_x, mean_y, c->max_relative_error, errors);
    /* A quotient above the largest so far has d >= fl(largest * |x|); most tiles have none, and are spared divisions. */
    if (errors->may_be_relative && errors->largest > 0)
        errors->largest_relative = NAME(tile_relative_)(p->x, p->y, p->n);
    /* One look at the worst error spares the look at each value. */
    if (h->kind == CDT_BOUND_LOSSLESS || (h->kind == CDT_BOUND_ABS && errors->largest >= h->bound) ||
        h->kind == CDT_BOUND_PW_REL)
        for (size_t i = 0; i < p->n; i++)
            c->over_bound += NAME(is_over_)(p->x[i], p->y[i], h);
}

/* Moments, counts and errors of the pairs of a tile. */
static void NAME(take_pairs_)(const NAME(pairs_) *p, const cdt_histograms *h, turn_tables *tables, cdt_comparison *c, T *extremes)
{
    NAME(tile_) x, y;
    const int same = p->x == p->y;
    NAME(tile_moments_)(p->x, p->n, p->total_x, &x);
    if (!same)
        NAME(tile_moments_)(p->y, p->n, p->total_y, &y);
    if (p->is_whole) {
        NAME(take_tile_)(&x, &c->x, extremes, extremes + 1);
        if (!same)
            NAME(take_tile_)(&y, &c->y, extremes + 2, extremes + 3);
    }
    NAME(count_tile_)(p->x, p->y, p->n, same, h, tables);
    tile_errors errors = {.co_moment = x.m2};
    const double mean_y = same ? x.mean : y.mean;
    if (!same)
        NAME(look_at_errors_)(p, x.mean, mean_y, h, c, &errors);
    take_errors(&errors, p->n, x.mean, mean_y, c);
}

int NAME(cdt_compare_)(const T *x, const T *y, const uint8_t *mask, size_t n, const cdt_histograms *h,
                       cdt_comparison *c, T *extremes)
{
    T kept[2][TILE];
    turn_tables tables;
    memset(c, 0, sizeof *c);
    if (make_tables(&tables, h) != CDT_OK)
        return CDT_NO_MEMORY;
    for (size_t start = 0; start < n; start += TILE) {
        NAME(pairs_) pairs = {.x = x + start, .y = y + start, .n = n - start < TILE ? n - start : TILE};
        NAME(find_pairs_)(&pairs, mask ? mask + start : NULL, kept, c, extremes);
        if (pairs.n)
            NAME(take_pairs_)(&pairs, h, &tables, c, extremes);
    }
    take_all(&tables, h);
    free(tables.x);
    if (x == y) {
        take_itself(h, c);
        extremes[2] = extremes[0];
        extremes[3] = extremes[1];
    }
    return CDT_OK;
}
