/* Interpolated blocks of one type of float T (NAME). */
/* Numbers at once, so that they are still in the first-level cache at the next look. */
#ifndef CDT_STRETCH
#define CDT_STRETCH 2048
#endif
#define PLACES(name) (sizeof(T) == 4 ? kernels->places.name##_4 : kernels->places.name##_8)

/* Numbers with the one before in place of each hole; NULL without memory. */
static T *NAME(filled_)(const T *values, size_t n, T before)
{
    const cdt_kernels *kernels = cdt_active_kernels();
    T *filled = cdt_new(n * sizeof *filled);
    for (size_t at = 0; filled && at < n; at += CDT_STRETCH) {
        const size_t count = n - at < CDT_STRETCH ? n - at : CDT_STRETCH;
        uint8_t holes[CDT_STRETCH / 8];
        kernels->rows.ROWS.apart(values + at, NULL, count, (T)INFINITY, holes);
        memcpy(filled + at, values + at, count * sizeof *filled);
        PLACES(carry)(holes, count, (const uint8_t *)&before, (uint8_t *)(filled + at));
        before = filled[at + count - 1];
    }
    return filled;
}

/* Place the values, fit the weights (without holes), estimate. */
static int NAME(prepare_)(const cdt_ordered *ordered, cdt_interpolated *way)
{
    const cdt_pyramid *pyramid = &way->pyramid;
    const size_t n = cdt_count(pyramid->dim[0], 4);
    const T *values = ordered->values;
    T *filled = NULL;
    way->places = cdt_new(pyramid->values * sizeof(T));
    if (!way->places) return CDT_NO_MEMORY;
    if (!ordered->snapped) {
        size_t first = 0;
        while (first < n && !(fabs((double)values[first]) <= DBL_MAX)) first++;
        way->with.origin = first < n ? (double)values[first] : 0;
    }
    if (ordered->has_holes) {
        filled = NAME(filled_)(values, n, (T)way->with.origin);
        if (!filled) return CDT_NO_MEMORY;
    }
    NAME(cdt_interpolate_place_)(pyramid, filled ? filled : values, way->with.straight, way->places);
    cdt_drop(filled);
    const int status = NAME(cdt_interpolate_fit_)(pyramid, way->places, &way->with, &way->bits);
    return status == CDT_OK ? NAME(cdt_interpolate_estimate_)(pyramid, way->places, &way->with, &way->bits) : status;
}

static int NAME(encode_)(const cdt_ordered *ordered, cdt_interpolated *way, cdt_entropy *entropy, uint8_t *bad)
{
    const cdt_recipe recipe = {.above = 3, .before = 2, .around = 3};
    const cdt_pyramid *pyramid = &way->pyramid;
    cdt_bits_writer extra;
    int status = cdt_entropy_start(entropy, pyramid, cdt_count(pyramid->dim[0], 4), 4);
    if (status != CDT_OK) return status;
    if (ordered->has_holes) NAME(cdt_interpolate_place_)(pyramid, ordered->values, way->with.straight, way->places);
    cdt_bits_start(&extra, entropy->extra);
    status = NAME(cdt_interpolate_encode_)(pyramid, way->places, &way->with, entropy->tokens, &extra, bad);
    if (status != CDT_OK) return status;
    entropy->extra_size = (size_t)(cdt_bits_finish(&extra) - entropy->extra);
    entropy->coded_size = cdt_contexts_encode(pyramid, &recipe, entropy->tokens, entropy->activity, entropy->coded);
    return entropy->coded_size ? CDT_OK : CDT_NO_MEMORY;
}

static int NAME(get_interpolated_)(const cdt_pyramid *pyramid, const cdt_interpolation *with, cdt_bytes *in, unsigned level,
                                   T *values)
{
    const size_t extra_size = (size_t)cdt_get_number(in);
    const uint8_t *extra = cdt_get_bytes(in, extra_size);
    cdt_bits_reader bits;
    if (!extra) return CDT_CORRUPT;
    T *places = cdt_new(pyramid->values * sizeof *places);
    uint8_t *tokens = cdt_new(pyramid->values + 2 * CDT_SPARE);
    int status = CDT_NO_MEMORY;
    if (!places || !tokens) goto out;
    status = cdt_contexts_decode(pyramid, in->at, (size_t)(in->end - in->at), CDT_TOKENS_4, level, tokens);
    if (status != CDT_OK) goto out;
    cdt_bits_open(&bits, extra, extra_size);
    status = NAME(cdt_interpolate_decode_)(pyramid, with, tokens, &bits, level, places, values);
    if (status == CDT_OK) status = level ? (bits.corrupt ? CDT_CORRUPT : CDT_OK) : cdt_bits_close(&bits);
out:
    cdt_drop(places);
    cdt_drop(tokens);
    return status;
}

/* Which of some numbers, a stretch at most, are exact whatever their prediction: not finite, or missing codes. Returns whether all
 * others are small enough: weighted sums of larger ones could overflow. */
static int NAME(declared_)(const T *from, size_t n, const cdt_promise *promise, uint8_t *bits)
{
    const cdt_kernels *kernels = cdt_active_kernels();
    const T *missing = promise->missing;
    uint8_t more[CDT_STRETCH / 8], large = 0;
    kernels->rows.ROWS.apart(from, NULL, n, (T)INFINITY, bits);
    for (size_t j = 0; j < promise->n_missing; j++) {
        T code = missing[j];
        /* Zeros are equal, whatever their sign; NaN are found already. */
        for (int zeros = code == 0 ? 2 : code == code; zeros; zeros--, code = -code) {
            PLACES(like)((const uint8_t *)from, n, (const uint8_t *)&code, more);
            for (size_t i = 0; i < (n + 7) / 8; i++) bits[i] |= more[i];
        }
    }
    kernels->rows.ROWS.apart(from, NULL, n, (T)MOST, more);
    for (size_t i = 0; i < (n + 7) / 8; i++) large |= more[i] & (uint8_t)~bits[i];
    return !large;
}

/* Numbers of a block in the layout's order, not finite where they are exact whatever their prediction. CDT_BAD_ARGUMENT: too large ones. */
static int NAME(start_floats_)(const cdt_coding *coding, const cdt_box *box, cdt_ordered *way)
{
    const size_t n = cdt_count(box->sides, box->axes);
    const cdt_kernels *kernels = cdt_active_kernels();
    const T *from = box->values, *missing = coding->promise.missing, nan = (T)NAN;
    int has_codes = 0;
    for (size_t j = 0; j < coding->promise.n_missing; j++) has_codes |= missing[j] == missing[j];
    way->values = from;
    for (size_t at = 0; at < n; at += CDT_STRETCH) {
        const size_t count = n - at < CDT_STRETCH ? n - at : CDT_STRETCH;
        if (!NAME(declared_)(from + at, count, &coding->promise, way->exact + at / 8)) return CDT_BAD_ARGUMENT;
    }
    way->n_exact = kernels->places.count(way->exact, n);
    way->has_holes = way->n_exact > 0;
    if (!way->has_holes || !has_codes) return in_order(box, way, sizeof(T));
    T *values = cdt_new(n * sizeof *values);
    if (!values) return CDT_NO_MEMORY;
    way->values = way->own = values;
    for (size_t at = 0; at < n; at += CDT_STRETCH) {
        const size_t count = n - at < CDT_STRETCH ? n - at : CDT_STRETCH;
        memcpy(values + at, from + at, count * sizeof *values);
        PLACES(fill)(way->exact + at / 8, count, (const uint8_t *)&nan, (uint8_t *)(values + at));
    }
    return in_order(box, way, sizeof(T));
}
#undef PLACES
