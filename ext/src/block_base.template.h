/* Base slices of one type of float T, NAME. Both are undefined at the end. */

/* The squares of what each number differs from the middle of its two neighbours, summed. */
static double NAME(roughness)(const T *slice, size_t m)
{
    double sum = 0;
    for (size_t j = 1; j + 1 < m; j++) {
        const double d = (double)slice[j] - 0.5 * ((double)slice[j - 1] + (double)slice[j + 1]);
        sum += d * d;
    }
    return sum;
}

/* The mean of all slices. */
static void NAME(mean)(const T *values, size_t slices, size_t m, double *sums, T *base)
{
    for (size_t j = 0; j < m; j++) sums[j] = 0;
    for (size_t s = 0; s < slices; s++)
        for (size_t j = 0; j < m; j++) sums[j] += (double)values[s * m + j];
    for (size_t j = 0; j < m; j++) base[j] = (T)(sums[j] / (double)slices);
}

/* Whether a quarter of what is rough in single slices is rough in their mean, too, and larger than the step. */
static int NAME(is_shared)(const T *values, size_t slices, size_t m, const T *base, double step)
{
    enum { LOOKED_AT = 8 };
    double single = 0;
    for (size_t k = 0; k < LOOKED_AT; k++) single += NAME(roughness)(values + k * (slices - 1) / (LOOKED_AT - 1) * m, m) / LOOKED_AT;
    return single > (double)m * step * step / 16 && NAME(roughness)(base, m) > single / 4;
}

static void NAME(subtract)(const T *values, size_t slices, size_t m, const T *base, T *rest)
{
    for (size_t s = 0; s < slices; s++)
        for (size_t j = 0; j < m; j++) rest[s * m + j] = values[s * m + j] - base[j];
}

static void NAME(add)(T *values, size_t slices, size_t m, const T *base)
{
    for (size_t s = 0; s < slices; s++)
        for (size_t j = 0; j < m; j++) values[s * m + j] = base[j] + values[s * m + j];
}

/* The largest error, rounded up; not a number where one is not. */
static double NAME(worst)(const T *x, const T *y, size_t n)
{
    double worst = 0;
    for (size_t i = 0; i < n; i++) {
        const double d = fabs((double)x[i] - (double)y[i]);
        if (d != d) return d;
        worst = d > worst ? d : worst;
    }
    return worst * (1.0 + 4.0 * DBL_EPSILON);
}
#undef T
#undef NAME
