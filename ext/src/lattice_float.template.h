/* Included once per floating-point type: T, U (unsigned of the same width), S (signed), SUFFIX, RINT, FABS, LIMIT. */
#define CAT_(a, b) a##b
#define CAT(a, b) CAT_(a, b)
#define NAME(base) CAT(base, SUFFIX)

static inline int NAME(is_missing_)(T x, const T *missing, size_t n_missing)
{
    for (size_t j = 0; j < n_missing; j++)
        if (x == missing[j] || (x != x && missing[j] != missing[j]))
            return 1;
    return 0;
}

/* |x - y| <= bound, decided on the true difference: when the rounded one equals the bound, its rounding error decides. */
static inline int NAME(within_)(T x, T y, double bound)
{
    const double a = (double)x, b = (double)y, d = a - b, size = fabs(d);
    if (!(size <= bound))
        return 0;
    if (size < bound)
        return 1;
    const double virtual_b = a - d, virtual_a = d + virtual_b;
    const double rest = (a - virtual_a) + (virtual_b - b);
    return d > 0 ? rest <= 0 : rest >= 0;
}

static inline T NAME(on_lattice_)(U code, T step)
{
    return (T)(S)code * step;
}

/* One tile: codes of all values, and how many cannot be accepted at a glance. */
static CDT_DISPATCH size_t NAME(linear_tile_)(const T *restrict x, size_t n, double bound, T step, T inverse,
                                              U *restrict codes, double *restrict worst)
{
    size_t doubtful = 0;
    double largest = 0.0;
    for (size_t i = 0; i < n; i++) {
        T scaled = x[i] * inverse;
        scaled = scaled < (T)LIMIT ? scaled : (T)LIMIT;
        scaled = scaled > -(T)LIMIT ? scaled : -(T)LIMIT;
        const S k = (S)RINT(scaled);
        const T y = (T)k * step;
        const double d = fabs((double)x[i] - (double)y);
        const int good = d < bound;
        codes[i] = (U)k;
        doubtful += !good;
        largest = good && d > largest ? d : largest;
    }
    *worst = largest;
    return doubtful;
}

int NAME(cdt_linear_encode_)(const T *x, size_t n, double bound, T step, const T *missing, size_t n_missing, U *codes,
                             uint32_t *exact, size_t *n_exact, double *max_error)
{
    int status = CDT_OK;
    size_t found = 0;
    double largest = 0.0;
    U before = 0;
    if (!(step > 0) || !(bound > 0) || n > UINT32_MAX) {
        status = CDT_BAD_ARGUMENT;
        goto out;
    }
    const T inverse = (T)1 / step;
    for (size_t start = 0; start < n; start += TILE) {
        const size_t count = n - start < TILE ? n - start : TILE;
        double worst;
        size_t doubtful = NAME(linear_tile_)(x + start, count, bound, step, inverse, codes + start, &worst);
        if (doubtful || n_missing) {
            worst = 0.0;
            for (size_t i = start; i < start + count; i++) {
                const T y = NAME(on_lattice_)(codes[i], step);
                const int keep = NAME(within_)(x[i], y, bound) && !NAME(is_missing_)(x[i], missing, n_missing) &&
                                 !NAME(is_missing_)(y, missing, n_missing);
                if (keep) {
                    const double d = fabs((double)x[i] - (double)y);
                    worst = d > worst ? d : worst;
                    before = codes[i];
                } else {
                    codes[i] = before;
                    exact[found++] = (uint32_t)i;
                }
            }
        }
        before = codes[start + count - 1];
        largest = worst > largest ? worst : largest;
    }
out:
    *n_exact = found;
    *max_error = largest;
    return status;
}

CDT_DISPATCH int NAME(cdt_linear_decode_)(const U *restrict codes, size_t n, T step, T *restrict y)
{
    for (size_t i = 0; i < n; i++)
        y[i] = (T)(S)codes[i] * step;
    return CDT_OK;
}

/* The order-preserving integer of a value's bits: a bijection, so that NaN payloads and -0 survive. */
static inline S NAME(key_)(U bits)
{
    return (S)(bits ^ ((U)((S)bits >> (8 * sizeof(U) - 1)) & (U)~SIGN));
}

static inline U NAME(unkey_)(S key)
{
    return (U)key ^ ((U)(key >> (8 * sizeof(U) - 1)) & (U)~SIGN);
}

/* Nearest multiple, ties away from zero, without overflow: |key| <= 2^(w-1) and step < 2^(w-2). */
static inline S NAME(nearest_)(S key, S step)
{
    const S quotient = key / step, rest = key % step;
    if (rest > step - rest || rest == step - rest)
        return quotient + 1;
    if (-rest > step + rest || -rest == step + rest)
        return quotient - 1;
    return quotient;
}

int NAME(cdt_key_encode_)(const T *x, size_t n, double bound, U step, const T *missing, size_t n_missing, U *codes,
                          uint32_t *exact, size_t *n_exact, double *max_error)
{
    int status = CDT_OK;
    size_t found = 0;
    double largest = 0.0;
    U before = 0;
    if (step < 1 || step > (U)SIGN / 2 || n > UINT32_MAX) {
        status = CDT_BAD_ARGUMENT;
        goto out;
    }
    if (bound < 0) {
        for (size_t i = 0; i < n; i++) {
            U bits;
            memcpy(&bits, x + i, sizeof bits);
            codes[i] = (U)NAME(key_)(bits);
        }
        goto out;
    }
    /* Below the true bound by more than the products can round; a product below DBL_MIN rounds by more, and allows nothing. */
    const double safe = bound * (1.0 - 8.0 * DBL_EPSILON);
    for (size_t i = 0; i < n; i++) {
        U bits;
        T y;
        memcpy(&bits, x + i, sizeof bits);
        const S k = NAME(nearest_)(NAME(key_)(bits), (S)step);
        const U back = NAME(unkey_)((S)((U)k * step));
        memcpy(&y, &back, sizeof y);
        const double size = fabs((double)x[i]), d = fabs((double)x[i] - (double)y), most = safe * size;
        /* An infinity has an infinite error, which the product with its own size would allow. */
        if (d <= most && d <= DBL_MAX && (most >= DBL_MIN || d == 0) && !NAME(is_missing_)(x[i], missing, n_missing) &&
            !NAME(is_missing_)(y, missing, n_missing)) {
            const double relative = size > 0 ? d / size : 0.0;
            largest = relative > largest ? relative : largest;
            before = codes[i] = (U)k;
        } else {
            codes[i] = before;
            exact[found++] = (uint32_t)i;
        }
    }
out:
    *n_exact = found;
    *max_error = largest;
    return status;
}

CDT_DISPATCH int NAME(cdt_key_decode_)(const U *restrict codes, size_t n, U step, T *restrict y)
{
    U *bits = (U *)(void *)y;
    for (size_t i = 0; i < n; i++) {
        const S key = (S)(codes[i] * step);
        bits[i] = (U)key ^ ((U)(key >> (8 * sizeof(U) - 1)) & (U)~SIGN);
    }
    return CDT_OK;
}

#undef NAME
#undef CAT
#undef CAT_
