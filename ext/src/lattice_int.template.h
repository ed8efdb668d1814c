/* Included once per integer type: T, U (unsigned of the same width), SUFFIX, LOWEST (the type's least value, as U).
 * Products start with 1u: two uint16_t would be multiplied as int, and overflow. */
#define CAT_(a, b) a##b
#define CAT(a, b) CAT_(a, b)
#define NAME(base) CAT(base, SUFFIX)

static inline int NAME(is_missing_)(T x, const T *missing, size_t n_missing)
{
    for (size_t j = 0; j < n_missing; j++)
        if (x == missing[j])
            return 1;
    return 0;
}

int NAME(cdt_steps_encode_)(const T *x, size_t n, U bound, const T *missing, size_t n_missing, U *codes,
                            uint32_t *exact, size_t *n_exact, double *max_error)
{
    int status = CDT_OK;
    size_t found = 0;
    U largest = 0, before = 0;
    const U top = (U)~(U)0, step = (U)(2 * bound + 1);
    if (bound > (U)((top - 1) / 2) || n > UINT32_MAX) {
        status = CDT_BAD_ARGUMENT;
        goto out;
    }
    if (bound == 0) {
        for (size_t i = 0; i < n; i++)
            codes[i] = (U)((U)x[i] - LOWEST);
        goto out;
    }
    for (size_t i = 0; i < n; i++) {
        const U above = (U)((U)x[i] - LOWEST);
        U k = (U)(above / step);
        if ((U)(above - 1u * k * step) > bound)
            k++;
        const int fits = k <= (U)(top / step);
        const U y = (U)(1u * k * step);
        const U d = y > above ? (U)(y - above) : (U)(above - y);
        const T value = (T)(U)(y + LOWEST);
        if (fits && d <= bound && !NAME(is_missing_)(x[i], missing, n_missing) &&
            !NAME(is_missing_)(value, missing, n_missing)) {
            largest = d > largest ? d : largest;
            before = codes[i] = k;
        } else {
            codes[i] = before;
            exact[found++] = (uint32_t)i;
        }
    }
out:
    *n_exact = found;
    *max_error = (double)largest;
    return status;
}

CDT_DISPATCH int NAME(cdt_steps_decode_)(const U *restrict codes, size_t n, U bound, T *restrict y)
{
    const U step = (U)(2 * bound + 1);
    for (size_t i = 0; i < n; i++)
        y[i] = (T)(U)(1u * codes[i] * step + LOWEST);
    return CDT_OK;
}

#undef NAME
#undef CAT
#undef CAT_
