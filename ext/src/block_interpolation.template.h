/* Interpolated blocks of one type of float T (NAME). */
#define PLACES(name) (sizeof(T) == 4 ? kernels->places.name##_4 : kernels->places.name##_8)

/* Place the values (without holes), fit the weights, estimate. */
static int NAME(prepare_)(const cdt_ordered *ordered, cdt_interpolated *way)
{
    const cdt_pyramid *pyramid = &way->pyramid;
    const size_t n = cdt_count(pyramid->dim[0], 4);
    const T *values = ordered->values;
    const cdt_kernels *kernels = cdt_active_kernels();
    T *filled = NULL, first = 0;
    way->places = cdt_new(pyramid->values * sizeof(T));
    if (!way->places) return CDT_NO_MEMORY;
    if (ordered->has_holes) {
        filled = cdt_new(n * sizeof *filled);
        if (!filled) return CDT_NO_MEMORY;
        uint8_t *holes = cdt_new(n / 8 + 1);
        if (!holes) {
            cdt_drop(filled);
            return CDT_NO_MEMORY;
        }
        kernels->rows.ROWS.apart(values, NULL, n, (T)INFINITY, holes);
        for (size_t i = 0; i < n; i++)
            if (values[i] == values[i]) {
                first = values[i];
                break;
            }
        way->with.origin = (double)first;
        memcpy(filled, values, n * sizeof *filled);
        PLACES(carry)(holes, n, (const uint8_t *)&first, (uint8_t *)filled);
        cdt_drop(holes);
    } else if (!ordered->snapped) way->with.origin = (double)values[0];
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

/* Numbers of a block in the layout's order, NaN where they are exact whatever their prediction: not finite, or missing codes.
 * CDT_BAD_ARGUMENT: numbers so large that weighted sums of them could overflow. */
static int NAME(start_floats_)(const cdt_coding *coding, const cdt_box *box, cdt_ordered *way)
{
    const size_t n = cdt_count(box->sides, box->axes);
    const cdt_kernels *kernels = cdt_active_kernels();
    const T *from = box->values, *missing = coding->promise.missing;
    const T nan = (T)NAN;
    const size_t bytes = (n + 7) / 8;
    uint8_t *declared = cdt_new(n / 8 + 32), *like = cdt_new(n / 8 + 32);
    int status = declared && like ? CDT_OK : CDT_NO_MEMORY;
    if (status != CDT_OK) goto out;
    way->values = from;
    kernels->rows.ROWS.apart(from, NULL, n, (T)INFINITY, declared);
    for (size_t j = 0; j < coding->promise.n_missing; j++) {
        T code = missing[j];
        /* Zeros are equal, whatever their sign; NaN are found already. */
        for (int zeros = code == 0 ? 2 : code == code; zeros; zeros--, code = -code) {
            PLACES(like)((const uint8_t *)from, n, (const uint8_t *)&code, like);
            for (size_t i = 0; i < bytes; i++) declared[i] |= like[i];
        }
    }
    kernels->rows.ROWS.apart(from, NULL, n, (T)MOST, way->exact);
    for (size_t i = 0; i < bytes; i++) {
        if (way->exact[i] & ~declared[i]) status = CDT_BAD_ARGUMENT;
        way->exact[i] |= declared[i];
    }
    way->n_exact = kernels->places.count(way->exact, n);
    if (status != CDT_OK || !way->n_exact) goto out;
    T *values = cdt_new(n * sizeof *values);
    status = values ? CDT_OK : CDT_NO_MEMORY;
    if (!values) goto out;
    memcpy(values, from, n * sizeof *values);
    PLACES(fill)(way->exact, n, (const uint8_t *)&nan, (uint8_t *)values);
    way->values = way->own = values;
    way->has_holes = 1;
out:
    cdt_drop(declared);
    cdt_drop(like);
    return status == CDT_OK ? in_order(box, way, sizeof(T)) : status;
}
#undef PLACES
