/* Level-wise interpolation of one type of float T; ROWS is its member of the row kernels. */

static void NAME(pad)(T *row, size_t n, int straight)
{
    row[-1] = row[0];
    row[n] = row[n + 1] = row[n - 1];
    if (!straight || n < 2) return;
    const T step = row[n - 1] - row[n - 2];
    row[-1] = row[0] + (row[0] - row[1]);
    row[n] = row[n - 1] + step;
    row[n + 1] = row[n] + step;
}

/* The rows that the points of row (b, z, y) of a level's grid are in: even and odd ones where x is split, else one. */
static void NAME(parts)(const cdt_pyramid *pyramid, unsigned level, size_t b, size_t z, size_t y, T *places, T *part[2])
{
    const unsigned split = pyramid->split[level], zs = split >> 2, ys = split >> 1 & 1;
    const unsigned c = (zs & (unsigned)z) << 2 | (ys & (unsigned)y) << 1;
    part[1] = NULL;
    for (unsigned x = 0; x <= (split & 1); x++) {
        const cdt_segment from = cdt_pyramid_class(pyramid, level, c | x);
        part[x] = places + cdt_segment_row(&from, b, z >> zs, y >> ys);
    }
}

void NAME(cdt_interpolate_place_)(const cdt_pyramid *pyramid, const T *values, int straight, T *places)
{
    const cdt_row_kernels *rows = &cdt_active_kernels()->rows;
    for (unsigned level = 0; level < pyramid->levels; level++) {
        const size_t *dim = pyramid->dim[level];
        const cdt_segment grid = cdt_pyramid_grid(pyramid, level);
        for (size_t b = 0; b < dim[0]; b++)
            for (size_t z = 0; z < dim[1]; z++)
                for (size_t y = 0; y < dim[2]; y++) {
                    T *part[2];
                    const T *row = level ? places + cdt_segment_row(&grid, b, z, y)
                                         : values + ((b * dim[1] + z) * dim[2] + y) * dim[3];
                    NAME(parts)(pyramid, level, b, z, y, places, part);
                    if (part[1]) {
                        rows->ROWS.split(row, dim[3], part[0], part[1]);
                        NAME(pad)(part[1], dim[3] / 2, straight);
                        NAME(pad)(part[0], (dim[3] + 1) / 2, straight);
                    } else {
                        memcpy(part[0], row, dim[3] * sizeof *row);
                        NAME(pad)(part[0], dim[3], straight);
                    }
                }
    }
    if (!pyramid->levels) {
        const cdt_segment *only = &pyramid->segments[0];
        const size_t count = only->dim[0] * only->dim[1] * only->dim[2], n = only->dim[3];
        for (size_t r = 0; r < count; r++) memcpy(places + only->offset + 1 + r * only->stride, values + r * n, n * sizeof *values);
    }
}

/* Join the grid of a level (in `values` for level 0) from its classes and the coarser grid. */
static void NAME(join)(const cdt_pyramid *pyramid, unsigned level, int straight, T *places, T *values)
{
    const cdt_row_kernels *rows = &cdt_active_kernels()->rows;
    const size_t *dim = pyramid->dim[level];
    const cdt_segment grid = cdt_pyramid_grid(pyramid, level);
    for (size_t b = 0; b < dim[0]; b++)
        for (size_t z = 0; z < dim[1]; z++)
            for (size_t y = 0; y < dim[2]; y++) {
                T *part[2];
                T *row = values ? values + ((b * dim[1] + z) * dim[2] + y) * dim[3] : places + cdt_segment_row(&grid, b, z, y);
                NAME(parts)(pyramid, level, b, z, y, places, part);
                if (part[1]) rows->ROWS.merge(part[0], part[1], dim[3], row);
                else memcpy(row, part[0], dim[3] * sizeof *row);
                if (!values) NAME(pad)(row, dim[3], straight);
            }
}

/* A row beyond the last of an axis, or of two: on from the last two rows, `z` and `y` times their difference. */
static void NAME(beyond)(const T *const at[4], T z, T y, size_t n, T *restrict row)
{
    for (size_t i = 0; i < n; i++) {
        const T last = at[0][i] + z * (at[0][i] - at[1][i]), before = at[2][i] + z * (at[2][i] - at[3][i]);
        row[i] = last + y * (last - before);
    }
}

/* The rows around row `index`, of which n points are looked at. `spare`: room for 32 rows of n, for those beyond the grid: whether
 * there are any. */
static int NAME(rows_around)(const cdt_around *around, size_t index, int straight, size_t n, const T *places, T *spare, const T **rows)
{
    size_t offsets[32];
    int beyond = 0;
    cdt_around_row(around, index, around->count, offsets);
    for (unsigned i = 0; i < around->count; i++) rows[i] = places + offsets[i];
    if (!straight) return 0;
    for (unsigned i = 0; i < around->count; i++) {
        cdt_beyond out;
        if (!cdt_around_beyond(around, index, i, &out)) continue;
        const T *const at[4] = {places + out.offsets[0], places + out.offsets[1], places + out.offsets[2], places + out.offsets[3]};
        NAME(beyond)(at, (T)out.z, (T)out.y, n, spare + i * n);
        rows[i] = spare + i * n;
        beyond = 1;
    }
    return beyond;
}

static void NAME(class_weights)(const cdt_interpolation *with, const cdt_segment *s, T *weights)
{
    const unsigned level = s->level < with->fitted ? s->level : with->fitted - 1;
    for (int i = 0; i < 9; i++) weights[i] = (T)with->weights[level][s->class_bits][i] / (T)CDT_WEIGHT_UNIT;
}

int NAME(cdt_interpolate_fit_)(const cdt_pyramid *pyramid, const T *places, cdt_interpolation *with, double *bits)
{
    const cdt_row_kernels *rows = &cdt_active_kernels()->rows;
    const size_t points = pyramid->dim[0][0] * pyramid->dim[0][1] * pyramid->dim[0][2] * pyramid->dim[0][3];
    const size_t most = points / 64 < 256 ? 256 : points / 64 > FITTED ? FITTED : points / 64, room = most + ROW_PART;
    T *features = cdt_new((11 * room + 32 * ROW_PART) * sizeof *features), *spare = features + 11 * room;
    if (!features) return CDT_NO_MEMORY;
    *bits = 0;
    for (unsigned i = 1; i < pyramid->count; i++) {
        const cdt_segment *s = &pyramid->segments[i];
        if (s->level >= with->fitted) continue;
        const unsigned c = s->class_bits, odd = (c & 1u) + (c >> 1 & 1u) + (c >> 2), count = odd * odd;
        const size_t n = s->dim[3], part = n < ROW_PART ? n : ROW_PART;
        const size_t parts = s->dim[0] * s->dim[1] * s->dim[2] * (n / part), some = parts * part / 4 < 256 ? 256 : parts * part / 4;
        const size_t wanted = some < most ? some : most, every = parts * part > wanted ? parts * part / wanted : 1;
        int16_t *weights = with->weights[s->level][c];
        size_t seen = 0;
        cdt_around near;
        cdt_fit fit = {.features = count};
        cdt_pyramid_around(pyramid, s, &near);
        for (size_t k = 0; k * every < parts && seen + part <= room; k++, seen += part) {
            const T *around[32];
            const size_t r = scattered(k, every, parts);
            const size_t row = r / (n / part), from = r % (n / part) * part;
            NAME(rows_around)(&near, row, with->straight, part, places + from, spare, around);
            rows->ROWS.features(around, odd, places + s->offset + 1 + row * s->stride + from, part, room, features + seen);
        }
        /* The better of plain and robust least squares, by the bits that the samples take. */
        double least = INFINITY;
        for (int robust = 0; robust < 2; robust++) {
            int16_t found[9];
            T *residuals = features + 10 * room;
            fall_back(odd, found);
            for (int pass = 0; pass <= robust; pass++) {
                NAME(fit_again)(&fit, features, room, seen, &with->cells, robust, found, residuals);
                if (!cdt_fit_solve(&fit, odd, with->cells.bound, seen, found)) break;
            }
            const double each = NAME(fit_bits)(&fit, features, room, seen, &with->cells, found, residuals);
            if (!(each < least)) continue;
            least = each;
            memcpy(weights, found, sizeof found);
        }
        *bits += least * (double)(s->dim[0] * s->dim[1] * s->dim[2] * n);
    }
    cdt_drop(features);
    return CDT_OK;
}

/* Bits that the residuals of all classes would take without contexts, from rows spread over each class. Neighbours are taken as they
 * are, and what quantisation will do to them is added to the predictions as noise of its size. */
int NAME(cdt_interpolate_estimate_)(const cdt_pyramid *pyramid, const T *places, const cdt_interpolation *with, double *bits)
{
    const cdt_row_kernels *rows = &cdt_active_kernels()->rows;
    const double inverse = 1.0 / with->cells.step;
    T *p = cdt_new(33 * ROW_PART * sizeof *p), *spare = p + ROW_PART;
    if (!p) return CDT_NO_MEMORY;
    for (unsigned i = 1; i < pyramid->count; i++) {
        const cdt_segment *s = &pyramid->segments[i];
        const unsigned c = s->class_bits, odd = (c & 1u) + (c >> 1 & 1u) + (c >> 2);
        const size_t all = s->dim[0] * s->dim[1] * s->dim[2], n = s->dim[3];
        if (s->level < with->fitted) continue; /* the fit has counted those */
        const size_t part = n < ROW_PART ? n : ROW_PART, parts = all * (n / part);
        const size_t share = all * n / 4 < 256 ? 256 : all * n / 4 > ESTIMATED ? ESTIMATED : all * n / 4, wanted = share / part + 1;
        const size_t every = parts > wanted ? parts / wanted : 1;
        sampled tokens = {.extra = 0};
        T weights[9];
        NAME(class_weights)(with, s, weights);
        double wide[9];
        cdt_around near;
        cdt_pyramid_around(pyramid, s, &near);
        for (int f = 0; f < 9; f++) wide[f] = (double)weights[f];
        const double gain = with->cells.snap && with->cells.step == 1.0 ? 0 : noise_gain(odd, wide);
        for (size_t k = 0; k * every < parts; k++) {
            const T *around[32];
            const size_t r = scattered(k, every, parts);
            const size_t row = r / (n / part), from = r % (n / part) * part;
            const T *x = places + s->offset + 1 + row * s->stride + from;
            NAME(rows_around)(&near, row, with->straight, part, places + from, spare, around);
            rows->ROWS.predict(around, odd, weights, part, p);
            tokens.nearby = 0;
            for (size_t j = 0; j < part; j++)
                sampled_add(&tokens, whole((double)(x[j] - p[j]) * inverse + gain * noise(r * part + j)));
        }
        if (tokens.seen) *bits += sampled_bits(&tokens) * (double)(all * n) / (double)tokens.seen;
    }
    cdt_drop(p);
    return CDT_OK;
}

/* A row of whole numbers, in cells: numbers that the type has not become the least or the largest that it has. */
static void NAME(measure_whole)(const T *x, const T *y, size_t n, cdt_interpolation *with)
{
    const T low = (T)with->low, high = (T)with->high;
    T worst = (T)with->max_error;
    for (size_t i = 0; i < n; i++) {
        const T back = y[i] < low ? low : y[i] > high ? high : y[i];
        const T error = x[i] > back ? x[i] - back : back - x[i];
        worst = error > worst ? error : worst;
    }
    with->max_error = (double)worst;
}

/* A row whose largest error, rounded to T, is `error`, which is not below the largest so far: the true one can be larger, where x or
 * y is smaller than that. Differences of numbers that are larger are exact (Sterbenz). */
static void NAME(measure)(const T *x, const T *y, size_t n, T error, cdt_interpolation *with)
{
    const cdt_row_kernels *rows = &cdt_active_kernels()->rows;
    uint8_t far[STRIP / 8], large[STRIP / 8];
    if (!(error > 0)) return;
    if (with->cells.snap) {
        NAME(measure_whole)(x, y, n, with);
        return;
    }
    for (size_t from = 0; from < n; from += STRIP) {
        const size_t count = n - from < STRIP ? n - from : STRIP;
        rows->ROWS.apart(x + from, y + from, count, error, far);
        rows->ROWS.apart(x + from, NULL, count, 4 * error, large);
        for (size_t at = 0; at < count; at += 8) {
            unsigned byte = far[at / 8] & (with->max_error < (double)error ? 255u : ~(unsigned)large[at / 8]);
            for (; byte; byte &= byte - 1) {
                const size_t i = from + at + (size_t)__builtin_ctz(byte);
                const T size = x[i] > y[i] ? x[i] - y[i] : y[i] - x[i];
                const double above = size == error ? error_above((double)x[i], (double)y[i]) : 0;
                if (above > with->max_error) with->max_error = above;
            }
        }
    }
}
