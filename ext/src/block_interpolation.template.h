/* Interpolated blocks of one type of float T (NAME, SUFFIX). */

/* Fit, encode, and join the bytes. `values`: contiguous, in the layout's order, NaN where a number is exact; `filled`: without. */
static int NAME(put_interpolated_)(const cdt_pyramid *pyramid, const T *filled, const T *values, cdt_interpolation *with,
                                   cdt_entropy *entropy, uint8_t *bad)
{
    const cdt_recipe recipe = {.above = 3, .before = 2, .around = 3};
    const size_t n = cdt_count(pyramid->dim[0], 4);
    cdt_bits_writer extra;
    T *places = malloc(pyramid->values * sizeof *places);
    int status = places ? cdt_entropy_start(entropy, pyramid, n, 4) : CDT_NO_MEMORY;
    if (status != CDT_OK) goto out;
    NAME(cdt_interpolate_place_)(pyramid, filled, places);
    status = NAME(cdt_interpolate_fit_)(pyramid, places, with);
    if (status != CDT_OK) goto out;
    if (values != filled) NAME(cdt_interpolate_place_)(pyramid, values, places);
    cdt_bits_start(&extra, entropy->extra);
    status = NAME(cdt_interpolate_encode_)(pyramid, places, with, entropy->tokens, &extra, bad);
    if (status != CDT_OK) goto out;
    entropy->extra_size = (size_t)(cdt_bits_finish(&extra) - entropy->extra);
    entropy->coded_size = cdt_contexts_encode(pyramid, &recipe, entropy->tokens, entropy->activity, entropy->coded);
    if (!entropy->coded_size) status = CDT_NO_MEMORY;
out:
    free(places);
    return status;
}

static int NAME(get_interpolated_)(const cdt_pyramid *pyramid, const cdt_interpolation *with, cdt_bytes *in, T *values)
{
    const size_t n = cdt_count(pyramid->dim[0], 4), extra_size = (size_t)cdt_get_number(in);
    const uint8_t *extra = cdt_get_bytes(in, extra_size);
    cdt_bits_reader bits;
    (void)n;
    if (!extra) return CDT_CORRUPT;
    T *places = calloc(pyramid->values, sizeof *places);
    uint8_t *tokens = calloc(pyramid->values, 1);
    int status = CDT_NO_MEMORY;
    if (!places || !tokens) goto out;
    status = cdt_contexts_decode(pyramid, in->at, (size_t)(in->end - in->at), CDT_TOKENS_4, tokens);
    if (status != CDT_OK) goto out;
    cdt_bits_open(&bits, extra, extra_size);
    status = NAME(cdt_interpolate_decode_)(pyramid, with, tokens, &bits, 0, places, values);
    if (status == CDT_OK) status = cdt_bits_close(&bits);
out:
    free(places);
    free(tokens);
    return status;
}

/* Values of a block for interpolation, in the layout's order: the numbers themselves, NaN where `exact` says so. */
static T *NAME(plain_values_)(const cdt_box *box, const cdt_layout *layout, const uint8_t *exact, T **filled)
{
    const size_t n = cdt_count(box->sides, box->axes);
    const T *from = box->values;
    T *values = malloc(n * sizeof *values), *whole = NULL, last = 0;
    size_t missing = 0;
    *filled = NULL;
    if (!values) return NULL;
    memcpy(values, from, n * sizeof *values);
    for (size_t i = 0; i < n; i += 8)
        for (unsigned byte = exact[i / 8]; byte; byte &= byte - 1, missing++) values[i + (size_t)__builtin_ctz(byte)] = (T)NAN;
    if (!cdt_layout_is_plain(layout, box->axes)) {
        T *ordered = malloc(n * sizeof *ordered);
        if (ordered) cdt_permute(values, sizeof *values, box->sides, box->axes, layout->order, ordered);
        free(values);
        values = ordered;
    }
    if (!values || !missing) {
        *filled = values;
        return values;
    }
    whole = malloc(n * sizeof *whole);
    if (!whole) {
        free(values);
        return NULL;
    }
    for (size_t i = 0; i < n && last == 0; i++)
        if (values[i] == values[i]) last = values[i];
    for (size_t i = 0; i < n; i++) whole[i] = last = values[i] == values[i] ? values[i] : last;
    *filled = whole;
    return values;
}
