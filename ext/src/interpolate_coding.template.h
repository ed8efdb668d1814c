/* Points of all levels to tokens and back, for one type of float T; what they are predicted from is in interpolate.template.h. */

/* Whether a number, one that is not exact already, would become a missing code. */
static int NAME(becomes_code)(T x, T y, const cdt_interpolation *with)
{
    const T *missing = with->missing;
    int is_code = 0;
    for (size_t j = 0; j < with->n_missing; j++) is_code |= y == missing[j];
    return is_code && x - x == 0;
}

/* The coarsest grid: each point from the one before it, in float arithmetic as everywhere. */
static void NAME(encode_first)(const cdt_segment *s, T *places, cdt_interpolation *with, uint8_t *tokens, cdt_bits_writer *extra,
                               uint8_t *bad_rows)
{
    const cdt_kernels *kernels = cdt_active_kernels();
    const size_t count = s->dim[0] * s->dim[1] * s->dim[2], n = s->dim[3];
    T before = (T)with->origin;
    for (size_t r = 0; r < count; r++) {
        T *row = places + s->offset + 1 + r * s->stride;
        for (size_t i = 0; i < n; i++) {
            size_t bad;
            int32_t k;
            T y, p = before;
            T error = kernels->rows.ROWS.quantise(row + i, &p, 1, &with->cells, &k, &y, &bad);
            if (NAME(becomes_code)(row[i], y, with)) {
                bad_rows[r * n + i] = 1;
                row[i] = (T)NAN;
                error = kernels->rows.ROWS.quantise(row + i, &p, 1, &with->cells, &k, &y, &bad);
            }
            if (bad && row[i] - row[i] == 0) bad_rows[r * n + i] = 1;
            if (error >= (T)with->max_error) NAME(measure)(row + i, &y, 1, error, with);
            kernels->rans.split_4(&k, 1, tokens + s->offset + 1 + r * s->stride + i, extra);
            row[i] = before = y;
        }
        NAME(pad)(row, n, with->straight);
    }
}

/* Where the points of a segment are in the block: index of the first, and strides in points. */
static void NAME(mark)(const cdt_pyramid *pyramid, const cdt_segment *s, size_t r, size_t i, uint8_t *bad)
{
    const size_t place = cdt_pyramid_place(pyramid, s, r, i);
    bad[place >> 3] = (uint8_t)(bad[place >> 3] | 1u << (place & 7));
}

/* Points of a row that would become missing codes are exact, and holes from here on. Returns whether there are any. */
static int NAME(drop_codes)(const cdt_pyramid *pyramid, const cdt_segment *s, size_t r, T *x, const T *y, cdt_interpolation *with,
                            uint8_t *bad)
{
    const T *missing = with->missing;
    size_t alike = 0, before = with->bad;
    for (size_t j = 0; j < with->n_missing; j++)
        for (size_t i = 0; i < s->dim[3]; i++) alike += y[i] == missing[j];
    for (size_t i = 0; alike && i < s->dim[3]; i++)
        if (NAME(becomes_code)(x[i], y[i], with)) {
            NAME(mark)(pyramid, s, r, i, bad);
            x[i] = (T)NAN;
            with->bad++;
        }
    return with->bad > before;
}

/* Points that a kernel found to miss the bound, or to be holes, of which the caller knows: those whose error is just the bound do
 * keep it. */
static void NAME(bad_points)(const cdt_pyramid *pyramid, const cdt_segment *s, size_t r, const T *x, const T *y, size_t missed,
                             cdt_interpolation *with, uint8_t *bad)
{
    const cdt_kernels *kernels = cdt_active_kernels();
    const T bound = (T)with->cells.bound;
    uint8_t far[STRIP / 8], holes[STRIP / 8];
    for (size_t from = 0; from < s->dim[3] && missed; from += STRIP) {
        const size_t n = s->dim[3] - from < STRIP ? s->dim[3] - from : STRIP;
        kernels->rows.ROWS.apart(x + from, NULL, n, (T)INFINITY, holes);
        missed -= kernels->places.count(holes, n);
        if (!missed) break;
        kernels->rows.ROWS.apart(x + from, y + from, n, bound, far);
        for (size_t at = 0; at < n; at += 8)
            for (unsigned byte = far[at / 8] & ~(unsigned)holes[at / 8]; byte; byte &= byte - 1) {
                const size_t i = from + at + (size_t)__builtin_ctz(byte);
                const T error = x[i] > y[i] ? x[i] - y[i] : y[i] - x[i];
                missed--;
                if (error == bound && NAME(is_exact)(x[i], y[i])) {
                    if ((double)error > with->max_error) with->max_error = (double)error;
                    continue;
                }
                NAME(mark)(pyramid, s, r, i, bad);
                with->bad++;
            }
    }
}

int NAME(cdt_interpolate_encode_)(const cdt_pyramid *pyramid, T *places, cdt_interpolation *with, uint8_t *tokens,
                                  cdt_bits_writer *extra, uint8_t *bad)
{
    const cdt_kernels *kernels = cdt_active_kernels();
    const size_t longest = pyramid->dim[0][3];
    T *first_p = cdt_new((AT_ONCE + 35 * (longest + CDT_PAD + 1)) * sizeof *first_p), *p = first_p;
    int32_t *k = cdt_new((AT_ONCE + 2 * (longest + CDT_PAD + 1)) * sizeof *k);
    int status = CDT_NO_MEMORY;
    if (!first_p || !k) goto out;
    T *y = first_p + AT_ONCE + 2 * (longest + CDT_PAD + 1), *spare = y + longest + CDT_PAD + 1;
    const cdt_segment *first = &pyramid->segments[0];
    with->max_error = 0;
    with->bad = 0;
    {
        const size_t count = first->dim[0] * first->dim[1] * first->dim[2] * first->dim[3];
        uint8_t *flags = cdt_new_zeros(count);
        if (!flags) goto out;
        NAME(encode_first)(first, places, with, tokens, extra, flags);
        for (size_t i = 0; i < count; i++)
            if (flags[i]) {
                NAME(mark)(pyramid, first, i / first->dim[3], i % first->dim[3], bad);
                with->bad++;
            }
        cdt_drop(flags);
    }
    for (unsigned i = 1; i < pyramid->count; i++) {
        const cdt_segment *s = &pyramid->segments[i];
        const size_t all = s->dim[0] * s->dim[1] * s->dim[2], n = s->dim[3];
        const unsigned c = s->class_bits, odd = (c & 1u) + (c >> 1 & 1u) + (c >> 2);
        T weights[9];
        cdt_around near;
        cdt_pyramid_around(pyramid, s, &near);
        if (pyramid->segments[i - 1].level != s->level && s->level + 1u < pyramid->levels)
            NAME(join)(pyramid, s->level + 1u, with->straight, places, NULL);
        NAME(class_weights)(with, s, weights);
        const size_t stride = s->stride, together = AT_ONCE / stride + 1;
        size_t predicted = 0;
        for (size_t r = 0; r < all; r++) {
            const T *around[32];
            size_t missed;
            T *row = places + s->offset + 1 + r * stride;
            int32_t *residuals = k + r % together * stride; /* with the padding of tokens, which is 0 */
            if (r == predicted) {
                const int beyond = NAME(rows_around)(&near, r, with->straight, n, places, spare, around);
                p = first_p;
                predicted += beyond ? 1 : cdt_around_together(&near, r, together);
                kernels->rows.ROWS.predict(around, odd, weights, (predicted - r - 1) * stride + n, p);
            } else p += stride;
            residuals[0] = 0;
            for (size_t j = n + 1; j < stride; j++) residuals[j] = 0;
            T error = kernels->rows.ROWS.quantise(row, p, n, &with->cells, residuals + 1, y, &missed);
            if (with->n_missing && NAME(drop_codes)(pyramid, s, r, row, y, with, bad))
                error = kernels->rows.ROWS.quantise(row, p, n, &with->cells, residuals + 1, y, &missed);
            if (error >= (T)with->max_error) NAME(measure)(row, y, n, error, with);
            if (missed) NAME(bad_points)(pyramid, s, r, row, y, missed, with, bad);
            memcpy(row, y, n * sizeof *y);
            NAME(pad)(row, n, with->straight);
            if (r % together == together - 1 || r == all - 1)
                kernels->rans.split_4(k, (r % together + 1) * stride, tokens + s->offset + (r - r % together) * stride, extra);
        }
    }
    status = CDT_OK;
out:
    cdt_drop(first_p);
    cdt_drop(k);
    return status;
}

int NAME(cdt_interpolate_decode_)(const cdt_pyramid *pyramid, const cdt_interpolation *with, const uint8_t *tokens,
                                  cdt_bits_reader *extra, unsigned level, T *places, T *values)
{
    const cdt_kernels *kernels = cdt_active_kernels();
    const size_t longest = pyramid->dim[0][3];
    T *first_p = cdt_new((AT_ONCE + 34 * (longest + CDT_PAD + 1)) * sizeof *first_p), *p = first_p;
    T *spare = first_p + AT_ONCE + 2 * (longest + CDT_PAD + 1);
    int32_t *k = cdt_new((AT_ONCE + 2 * (longest + CDT_PAD + 1)) * sizeof *k);
    int status = CDT_NO_MEMORY;
    if (!first_p || !k) goto out;
    for (unsigned i = 0; i < pyramid->count; i++) {
        const cdt_segment *s = &pyramid->segments[i];
        const size_t all = s->dim[0] * s->dim[1] * s->dim[2], n = s->dim[3];
        const unsigned c = s->class_bits, odd = (c & 1u) + (c >> 1 & 1u) + (c >> 2);
        T weights[9], before = (T)with->origin;
        if (i && s->level < level) break;
        cdt_around near;
        if (i) cdt_pyramid_around(pyramid, s, &near);
        if (i && pyramid->segments[i - 1].level != s->level && s->level + 1u < pyramid->levels)
            NAME(join)(pyramid, s->level + 1u, with->straight, places, NULL);
        if (i) NAME(class_weights)(with, s, weights);
        const size_t stride = s->stride, together = AT_ONCE / stride + 1;
        size_t predicted = 0;
        for (size_t r = 0; r < all; r++) {
            const T *around[32];
            T *row = places + s->offset + 1 + r * stride;
            const int32_t *residuals = k + r % together * stride + 1;
            if (r % together == 0) {
                const size_t rows = all - r < together ? all - r : together;
                kernels->rans.join_4(tokens + s->offset + r * stride, rows * stride, extra, k);
            }
            if (i) {
                if (r == predicted) {
                    const int beyond = NAME(rows_around)(&near, r, with->straight, n, places, spare, around);
                    p = first_p;
                    predicted += beyond ? 1 : cdt_around_together(&near, r, together);
                    kernels->rows.ROWS.predict(around, odd, weights, (predicted - r - 1) * stride + n, p);
                } else p += stride;
                kernels->rows.ROWS.rebuild(p, residuals, n, &with->cells, row);
            } else
                for (size_t j = 0; j < n; j++) {
                    p[0] = before;
                    kernels->rows.ROWS.rebuild(p, residuals + j, 1, &with->cells, row + j);
                    before = row[j];
                }
            NAME(pad)(row, n, with->straight);
        }
    }
    if (pyramid->levels > level) NAME(join)(pyramid, level, with->straight, places, values);
    else {
        const cdt_segment *only = &pyramid->segments[0];
        const size_t count = only->dim[0] * only->dim[1] * only->dim[2], n = only->dim[3];
        for (size_t r = 0; r < count; r++) memcpy(values + r * n, places + only->offset + 1 + r * only->stride, n * sizeof *values);
    }
    status = CDT_OK;
out:
    cdt_drop(first_p);
    cdt_drop(k);
    return status;
}
