/* Samples of one class, in columns: a row of `room` for each feature, then one of targets. */
typedef struct {
    T *features, *residuals; /* the residual of each is work space */
    size_t room, seen;
} NAME(samples);

/* Residuals of samples under weights. */
static void NAME(fit_residuals)(const cdt_fit *fit, const NAME(samples) *from, const int16_t *with)
{
    T weights[9];
    for (unsigned f = 0; f < fit->features; f++) weights[f] = (T)with[f] / (T)CDT_WEIGHT_UNIT;
    cdt_active_kernels()->rows.ROWS.residuals(from->features, from->room, from->seen, fit->features, weights,
                                               from->residuals);
}

/* Weights that residuals have in a fit, in their place: 1 of each that is finite, or, to hold jumps off, 1 / (1 + r^2 / bound^2):
 * least squares of about the bits that large residuals take. */
static void NAME(fit_again)(cdt_fit *fit, const NAME(samples) *from, const cdt_cells *cells, int robust, const int16_t *with)
{
    const cdt_row_kernels *kernels = &cdt_active_kernels()->rows;
    NAME(fit_residuals)(fit, from, with);
    kernels->ROWS.weigh(from->residuals, from->seen, robust ? (T)(1.0 / cells->bound) : (T)0);
    kernels->ROWS.products(from->features, from->room, from->seen, fit->features + 1, from->residuals, fit->products);
    fit->samples = 0;
    for (size_t i = 0; i < from->seen; i++) fit->samples += (double)from->residuals[i];
}

/* Bits that the samples take under weights, for each. */
static double NAME(fit_bits)(const cdt_fit *fit, const NAME(samples) *samples, const cdt_cells *cells, const int16_t *with)
{
    const unsigned count = fit->features;
    const size_t n = samples->seen;
    const double inverse = 1.0 / cells->step;
    double wide[9];
    sampled tokens = {.extra = 0};
    for (unsigned f = 0; f < count; f++) wide[f] = (double)with[f] / CDT_WEIGHT_UNIT;
    const double gain = cells->snap && cells->step == 1.0 ? 0 : noise_gain(count == 1 ? 1 : count == 4 ? 2 : 3, wide);
    NAME(fit_residuals)(fit, samples, with);
    const size_t every = (n / ROW_PART + COMPARED / ROW_PART) / (COMPARED / ROW_PART);
    for (size_t from = 0; from < n; from += every * ROW_PART) {
        const size_t end = n - from < ROW_PART ? n : from + ROW_PART;
        tokens.nearby = 0;
        for (size_t i = from; i < end; i++) sampled_add(&tokens, whole((double)samples->residuals[i] * inverse + gain * noise(i)));
    }
    return tokens.seen ? sampled_bits(&tokens) / (double)tokens.seen : 0;
}

/* Whether x - y is exact in T: what the difference rounds away is 0 (two-sum, Knuth). */
static int NAME(is_exact)(T x, T y)
{
    const T d = x - y, back = d + y, lost = (x - back) + ((back - d) - y);
    return lost == 0;
}
