/* Weighted sums of products of rows of features (a distance of `room` apart, the target last), in PARTS parts of each STRETCH that are
 * joined in one order: the same on every machine. */
static void NAME(fit_add)(cdt_fit *fit, const T *rows, size_t room, size_t n, const T *weights)
{
    const unsigned all = fit->features + 1;
    fit->samples = 0;
    for (size_t i = 0; i < n; i++) fit->samples += (double)weights[i];
    memset(fit->products, 0, sizeof fit->products);
    for (size_t from = 0; from < n; from += STRETCH) {
        const size_t m = n - from < STRETCH ? n - from : STRETCH;
        T weighted[STRETCH];
        for (unsigned f = 0; f < all; f++) {
            const T *a = rows + f * room + from;
            for (size_t i = 0; i < m; i++) weighted[i] = a[i] * weights[from + i];
            for (unsigned g = f; g < all; g++) {
                const T *b = rows + g * room + from;
                T part[PARTS] = {0};
                size_t i = 0;
                for (; i + PARTS <= m; i += PARTS)
                    for (int j = 0; j < PARTS; j++) part[j] += weighted[i + j] * b[i + j];
                for (int j = 0; i < m; i++, j++) part[j] += weighted[i] * b[i];
                double sum = 0;
                for (int j = 0; j < PARTS; j++) sum += (double)part[j];
                fit->products[f][g] += sum;
            }
        }
    }
    for (unsigned f = 0; f < all; f++)
        for (unsigned g = 0; g < f; g++) fit->products[f][g] = fit->products[g][f];
}

/* Residuals of samples under weights. */
static void NAME(fit_residuals)(const cdt_fit *fit, const T *rows, size_t room, size_t n, const int16_t *with, T *residuals)
{
    const unsigned count = fit->features;
    for (size_t i = 0; i < n; i++) residuals[i] = rows[count * room + i];
    for (unsigned f = 0; f < count; f++) {
        const T weight = (T)with[f] / (T)CDT_WEIGHT_UNIT;
        for (size_t i = 0; i < n; i++) residuals[i] -= weight * rows[f * room + i];
    }
}

/* Residuals to weights: 1 of each that is finite, or, to hold jumps off, 1 / (1 + r^2 / bound^2): least squares of about the bits
 * that large residuals take. */
static void NAME(fit_weigh)(size_t n, double bound, int robust, T *residuals)
{
    const T inverse = robust ? (T)(1.0 / bound) : (T)0;
    for (size_t i = 0; i < n; i++) {
        const T r = residuals[i] * inverse, w = (T)1 / ((T)1 + r * r);
        residuals[i] = w >= (T)1e-12 ? w : (T)0;
    }
}

/* Bits that the samples take under weights, for each. */
static double NAME(fit_bits)(const cdt_fit *fit, const T *rows, size_t room, size_t n, const cdt_cells *cells, const int16_t *with,
                             T *residuals)
{
    const unsigned count = fit->features;
    const double inverse = 1.0 / cells->step;
    double wide[9];
    sampled tokens = {.extra = 0};
    for (unsigned f = 0; f < count; f++) wide[f] = (double)with[f] / CDT_WEIGHT_UNIT;
    const double gain = cells->snap && cells->step == 1.0 ? 0 : noise_gain(count == 1 ? 1 : count == 4 ? 2 : 3, wide);
    NAME(fit_residuals)(fit, rows, room, n, with, residuals);
    for (size_t i = 0; i < n; i++) {
        if (i % ROW_PART == 0) {
            tokens.nearby = 0;
            if (n > 2 * ESTIMATED && i / ROW_PART % 2) i += ROW_PART; /* every other row will do */
            if (i >= n) break;
        }
        sampled_add(&tokens, (double)residuals[i] * inverse + gain * noise(i));
    }
    return tokens.seen ? sampled_bits(&tokens) / (double)tokens.seen : 0;
}

/* Whether x - y is exact in T: what the difference rounds away is 0 (two-sum, Knuth). */
static int NAME(is_exact)(T x, T y)
{
    const T d = x - y, back = d + y, lost = (x - back) + ((back - d) - y);
    return lost == 0;
}
