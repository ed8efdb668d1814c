/* Residuals of samples under weights. */
static void NAME(fit_residuals)(const cdt_fit *fit, const T *rows, size_t room, size_t n, const int16_t *with, T *residuals)
{
    T weights[9];
    for (unsigned f = 0; f < fit->features; f++) weights[f] = (T)with[f] / (T)CDT_WEIGHT_UNIT;
    cdt_active_kernels()->rows.ROWS.residuals(rows, room, n, fit->features, weights, residuals);
}

/* Weights that residuals have in a fit, in their place: 1 of each that is finite, or, to hold jumps off, 1 / (1 + r^2 / bound^2):
 * least squares of about the bits that large residuals take. */
static void NAME(fit_again)(cdt_fit *fit, const T *rows, size_t room, size_t n, const cdt_cells *cells, int robust,
                            const int16_t *with, T *residuals)
{
    const cdt_row_kernels *kernels = &cdt_active_kernels()->rows;
    NAME(fit_residuals)(fit, rows, room, n, with, residuals);
    kernels->ROWS.weigh(residuals, n, robust ? (T)(1.0 / cells->bound) : (T)0);
    kernels->ROWS.products(rows, room, n, fit->features + 1, residuals, fit->products);
    fit->samples = 0;
    for (size_t i = 0; i < n; i++) fit->samples += (double)residuals[i];
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
    const size_t every = (n / ROW_PART + COMPARED / ROW_PART) / (COMPARED / ROW_PART);
    for (size_t from = 0; from < n; from += every * ROW_PART) {
        const size_t end = n - from < ROW_PART ? n : from + ROW_PART;
        tokens.nearby = 0;
        for (size_t i = from; i < end; i++) sampled_add(&tokens, whole((double)residuals[i] * inverse + gain * noise(i)));
    }
    return tokens.seen ? sampled_bits(&tokens) / (double)tokens.seen : 0;
}

/* Whether x - y is exact in T: what the difference rounds away is 0 (two-sum, Knuth). */
static int NAME(is_exact)(T x, T y)
{
    const T d = x - y, back = d + y, lost = (x - back) + ((back - d) - y);
    return lost == 0;
}
