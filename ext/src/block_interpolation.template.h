/* Interpolated blocks of one type of float T (NAME). */

/* Place the values (without holes), fit the weights, estimate. */
static int NAME(prepare_)(const cdt_ordered *ordered, cdt_interpolated *way)
{
    const cdt_pyramid *pyramid = &way->pyramid;
    const size_t n = cdt_count(pyramid->dim[0], 4);
    const T *values = ordered->values;
    T *filled = NULL, last = 0;
    way->places = cdt_new(pyramid->values * sizeof(T));
    if (!way->places) return CDT_NO_MEMORY;
    if (ordered->has_holes) {
        filled = cdt_new(n * sizeof *filled);
        if (!filled) return CDT_NO_MEMORY;
        for (size_t i = 0; i < n; i++)
            if (values[i] == values[i]) {
                last = values[i];
                break;
            }
        way->with.origin = (double)last;
        for (size_t i = 0; i < n; i++) filled[i] = last = values[i] == values[i] ? values[i] : last;
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
    const T *from = box->values, *missing = coding->promise.missing;
    const T most = (T)MOST, end = (T)INFINITY;
    const cdt_row_kernels *rows = &cdt_active_kernels()->rows;
    way->values = from;
    rows->ROWS.apart(from, NULL, n, most, way->exact);
    for (size_t j = 0; j < coding->promise.n_missing; j++)
        for (size_t i = 0; i < n; i++) way->exact[i / 8] = (uint8_t)(way->exact[i / 8] | (unsigned)(from[i] == missing[j]) << (i % 8));
    T *values = NULL;
    for (size_t i = 0; i < n; i += 8)
        for (unsigned byte = way->exact[i / 8]; byte; byte &= byte - 1) {
            const size_t at = i + (size_t)__builtin_ctz(byte);
            int declared = !(from[at] < end && from[at] > -end);
            for (size_t j = 0; j < coding->promise.n_missing; j++) declared |= from[at] == missing[j];
            if (!declared) return CDT_BAD_ARGUMENT;
            if (!values) {
                way->values = way->own = values = cdt_new(n * sizeof *values);
                if (!values) return CDT_NO_MEMORY;
                memcpy(values, from, n * sizeof *values);
            }
            values[at] = (T)NAN;
            way->n_exact++;
        }
    way->has_holes = values != NULL;
    return in_order(box, way, sizeof(T));
}
