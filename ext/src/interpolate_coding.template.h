/* Points of all levels to tokens and back, for one type of float T; what they are predicted from is in interpolate.template.h. */

/* The rows of a pyramid, segment by segment, each with its predictions: the same for those who make tokens and who read them. */
typedef struct {
    const cdt_pyramid *pyramid;
    const cdt_interpolation *with;
    T *places;
    T *predictions, *spare;  /* room for some rows that lie alike; and for those beyond the grid, free when a row is predicted */
    int32_t *residuals;      /* with the padding of tokens, of some rows together */
    const cdt_segment *segment;
    size_t rows, together;   /* rows of the segment, and how many of them are taken together at most */
    cdt_around around;
    T weights[9];
    T *p;                    /* predictions of the row before */
    size_t predicted;        /* rows that have predictions */
} NAME(walk);

static int NAME(start_walk)(NAME(walk) *walk, const cdt_pyramid *pyramid, const cdt_interpolation *with, T *places)
{
    const size_t longest = pyramid->dim[0][3] + CDT_PAD + 1, some = AT_ONCE + 2 * longest;
    *walk = (NAME(walk)){.pyramid = pyramid, .with = with, .places = places};
    walk->predictions = cdt_new((some + 32 * longest) * sizeof *walk->predictions);
    walk->residuals = cdt_new(some * sizeof *walk->residuals);
    walk->spare = walk->predictions + some;
    return walk->predictions && walk->residuals ? CDT_OK : CDT_NO_MEMORY;
}

static void NAME(end_walk)(NAME(walk) *walk)
{
    cdt_drop(walk->predictions);
    cdt_drop(walk->residuals);
}

/* Go on to segment i, when those before it have their values. */
static void NAME(enter)(NAME(walk) *walk, unsigned i)
{
    const cdt_segment *s = &walk->pyramid->segments[i];
    walk->segment = s;
    walk->rows = cdt_rows_of(s);
    walk->together = AT_ONCE / s->stride + 1;
    walk->predicted = 0;
    if (!i) return;
    cdt_pyramid_around(walk->pyramid, s, &walk->around);
    NAME(class_weights)(walk->with, s, walk->weights);
    if (s[-1].level != s->level && s->level + 1u < walk->pyramid->levels)
        NAME(join)(walk->pyramid, s->level + 1u, walk->with->straight, walk->places, NULL);
}

/* Predictions of the points of row r of a class, when those of the rows before it were asked for. */
static inline T *NAME(predict_row)(NAME(walk) *walk, size_t r)
{
    const cdt_segment *s = walk->segment;
    const T *rows[32];
    if (r < walk->predicted) return walk->p += s->stride;
    const int beyond = NAME(rows_around)(&walk->around, r, walk->with->straight, s->dim[3], walk->places, walk->spare, rows);
    const size_t together = beyond ? 1 : cdt_around_together(&walk->around, r, walk->together);
    walk->predicted = r + together;
    walk->p = walk->predictions;
    cdt_active_kernels()->rows.ROWS.predict(rows, odd_axes(s), walk->weights, (together - 1) * s->stride + s->dim[3], walk->p);
    return walk->p;
}

/* Set the bit of point i of row r at its place in the block. */
static void NAME(mark)(const cdt_pyramid *pyramid, const cdt_segment *s, size_t r, size_t i, uint8_t *bad)
{
    const size_t place = cdt_pyramid_place(pyramid, s, r, i);
    bad[place >> 3] = (uint8_t)(bad[place >> 3] | 1u << (place & 7));
}

/* Whether a number, one that is not exact already, would become a missing code. */
static int NAME(becomes_code)(T x, T y, const cdt_interpolation *with)
{
    const T *missing = with->missing;
    int is_code = 0;
    for (size_t j = 0; j < with->n_missing; j++) is_code |= y == missing[j];
    return is_code && x - x == 0;
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

/* The coarsest grid: each point from the one before it, in float arithmetic as everywhere. */
static void NAME(encode_first)(const NAME(walk) *walk, cdt_interpolation *with, uint8_t *tokens, cdt_bits_writer *extra,
                               uint8_t *bad)
{
    const cdt_kernels *kernels = cdt_active_kernels();
    const cdt_segment *s = walk->segment;
    T before = (T)with->origin;
    for (size_t r = 0; r < walk->rows; r++) {
        T *row = walk->places + s->offset + 1 + r * s->stride;
        for (size_t i = 0; i < s->dim[3]; i++) {
            size_t missed;
            int32_t k;
            T y, p = before;
            T error = kernels->rows.ROWS.quantise(row + i, &p, 1, &with->cells, &k, &y, &missed);
            if (NAME(becomes_code)(row[i], y, with)) {
                NAME(mark)(walk->pyramid, s, r, i, bad);
                with->bad++;
                row[i] = (T)NAN;
                error = kernels->rows.ROWS.quantise(row + i, &p, 1, &with->cells, &k, &y, &missed);
            }
            if (missed && row[i] - row[i] == 0) {
                NAME(mark)(walk->pyramid, s, r, i, bad);
                with->bad++;
            }
            if (error >= (T)with->max_error) NAME(measure)(row + i, &y, 1, error, with);
            kernels->rans.split_4(&k, 1, tokens + s->offset + 1 + r * s->stride + i, extra);
            row[i] = before = y;
        }
        NAME(pad)(row, s->dim[3], with->straight);
    }
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

static void NAME(encode_class)(NAME(walk) *walk, cdt_interpolation *with, uint8_t *tokens, cdt_bits_writer *extra, uint8_t *bad)
{
    const cdt_kernels *kernels = cdt_active_kernels();
    const cdt_segment *s = walk->segment;
    const size_t n = s->dim[3], stride = s->stride, last = walk->together - 1;
    T *y = walk->spare;
    for (size_t r = 0; r < walk->rows; r++) {
        const size_t among = r % walk->together;
        T *row = walk->places + s->offset + 1 + r * stride, *p = NAME(predict_row)(walk, r);
        int32_t *k = walk->residuals + among * stride;
        size_t missed;
        k[0] = 0;
        for (size_t j = n + 1; j < stride; j++) k[j] = 0;
        T error = kernels->rows.ROWS.quantise(row, p, n, &with->cells, k + 1, y, &missed);
        if (with->n_missing && NAME(drop_codes)(walk->pyramid, s, r, row, y, with, bad))
            error = kernels->rows.ROWS.quantise(row, p, n, &with->cells, k + 1, y, &missed);
        if (error >= (T)with->max_error) NAME(measure)(row, y, n, error, with);
        if (missed) NAME(bad_points)(walk->pyramid, s, r, row, y, missed, with, bad);
        memcpy(row, y, n * sizeof *y);
        NAME(pad)(row, n, with->straight);
        if (among == last || r == walk->rows - 1)
            kernels->rans.split_4(walk->residuals, (among + 1) * stride, tokens + s->offset + (r - among) * stride, extra);
    }
}

int NAME(cdt_interpolate_encode_)(const cdt_pyramid *pyramid, T *places, cdt_interpolation *with, uint8_t *tokens,
                                  cdt_bits_writer *extra, uint8_t *bad)
{
    NAME(walk) walk;
    const int status = NAME(start_walk)(&walk, pyramid, with, places);
    with->max_error = 0;
    with->bad = 0;
    for (unsigned i = 0; i < pyramid->count && status == CDT_OK; i++) {
        NAME(enter)(&walk, i);
        if (i) NAME(encode_class)(&walk, with, tokens, extra, bad);
        else NAME(encode_first)(&walk, with, tokens, extra, bad);
    }
    NAME(end_walk)(&walk);
    return status;
}

/* The residuals of row r, when those of the rows before it were asked for. */
static inline const int32_t *NAME(residuals_of)(NAME(walk) *walk, size_t r, const uint8_t *tokens, cdt_bits_reader *extra)
{
    const size_t stride = walk->segment->stride, among = r % walk->together, left = walk->rows - r;
    if (!among)
        cdt_active_kernels()->rans.join_4(tokens + walk->segment->offset + r * stride,
                                          (left < walk->together ? left : walk->together) * stride, extra, walk->residuals);
    return walk->residuals + among * stride + 1;
}

static void NAME(decode_first)(NAME(walk) *walk, const uint8_t *tokens, cdt_bits_reader *extra)
{
    const cdt_row_kernels *kernels = &cdt_active_kernels()->rows;
    const cdt_segment *s = walk->segment;
    T before = (T)walk->with->origin;
    for (size_t r = 0; r < walk->rows; r++) {
        const int32_t *residuals = NAME(residuals_of)(walk, r, tokens, extra);
        T *row = walk->places + s->offset + 1 + r * s->stride;
        for (size_t i = 0; i < s->dim[3]; i++) {
            T p = before;
            kernels->ROWS.rebuild(&p, residuals + i, 1, &walk->with->cells, row + i);
            before = row[i];
        }
        NAME(pad)(row, s->dim[3], walk->with->straight);
    }
}

static void NAME(decode_class)(NAME(walk) *walk, const uint8_t *tokens, cdt_bits_reader *extra)
{
    const cdt_row_kernels *kernels = &cdt_active_kernels()->rows;
    const cdt_segment *s = walk->segment;
    for (size_t r = 0; r < walk->rows; r++) {
        const int32_t *residuals = NAME(residuals_of)(walk, r, tokens, extra);
        T *row = walk->places + s->offset + 1 + r * s->stride, *p = NAME(predict_row)(walk, r);
        kernels->ROWS.rebuild(p, residuals, s->dim[3], &walk->with->cells, row);
        NAME(pad)(row, s->dim[3], walk->with->straight);
    }
}

int NAME(cdt_interpolate_decode_)(const cdt_pyramid *pyramid, const cdt_interpolation *with, const uint8_t *tokens,
                                  cdt_bits_reader *extra, unsigned level, T *places, T *values)
{
    NAME(walk) walk;
    const int status = NAME(start_walk)(&walk, pyramid, with, places);
    for (unsigned i = 0; i < pyramid->count && status == CDT_OK; i++) {
        if (i && pyramid->segments[i].level < level) break;
        NAME(enter)(&walk, i);
        if (i) NAME(decode_class)(&walk, tokens, extra);
        else NAME(decode_first)(&walk, tokens, extra);
    }
    NAME(end_walk)(&walk);
    if (status != CDT_OK) return status;
    if (pyramid->levels > level) {
        NAME(join)(pyramid, level, with->straight, places, values);
        return CDT_OK;
    }
    const cdt_segment *only = &pyramid->segments[0];
    const size_t count = cdt_rows_of(only), n = only->dim[3];
    for (size_t r = 0; r < count; r++) memcpy(values + r * n, places + only->offset + 1 + r * only->stride, n * sizeof *values);
    return CDT_OK;
}
