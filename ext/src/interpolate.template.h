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
        const size_t count = cdt_rows_of(only), n = only->dim[3];
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

/* Features and targets of samples spread over a segment, about `most` at most. `spare`: room for 32 rows of ROW_PART. */
static void NAME(find_samples)(const cdt_pyramid *pyramid, const cdt_segment *s, const T *places, int straight, size_t most,
                               NAME(samples) *to, T *spare)
{
    row_pieces pieces = pieces_of(cdt_rows_of(s), s->dim[3]);
    const size_t part = pieces.part, points = pieces.all * part, some = points / 4 < 256 ? 256 : points / 4;
    const size_t wanted = some < most ? some : most;
    cdt_around near;
    cdt_pyramid_around(pyramid, s, &near);
    pieces.every = points > wanted ? points / wanted : 1;
    to->seen = 0;
    for (size_t k = 0, row, from; k * pieces.every < pieces.all && to->seen + part <= to->room; k++, to->seen += part) {
        const T *around[32], *x = places + s->offset + 1;
        next_piece(&pieces, k, &row, &from);
        x += row * s->stride + from;
        NAME(rows_around)(&near, row, straight, part, places + from, spare, around);
        cdt_active_kernels()->rows.ROWS.features(around, odd_axes(s), x, part, to->room, to->features + to->seen);
    }
}

/* The better of plain and robust least squares, by the bits that the samples take: their weights. Returns the bits of each sample. */
static double NAME(best_weights)(const NAME(samples) *from, unsigned odd, const cdt_cells *cells, int16_t *weights)
{
    cdt_fit fit = {.features = odd * odd};
    double least = INFINITY;
    for (int robust = 0; robust < 2; robust++) {
        int16_t found[9];
        fall_back(odd, found);
        for (int pass = 0; pass <= robust; pass++) {
            NAME(fit_again)(&fit, from, cells, robust, found);
            if (!cdt_fit_solve(&fit, odd, cells->bound, from->seen, found)) break;
        }
        const double each = NAME(fit_bits)(&fit, from, cells, found);
        if (!(each < least)) continue;
        least = each;
        memcpy(weights, found, sizeof found);
    }
    return least;
}

int NAME(cdt_interpolate_fit_)(const cdt_pyramid *pyramid, const T *places, cdt_interpolation *with, double *bits)
{
    const size_t points = pyramid->dim[0][0] * pyramid->dim[0][1] * pyramid->dim[0][2] * pyramid->dim[0][3];
    const size_t most = between(points / 64, 256, FITTED), room = most + ROW_PART;
    T *all = cdt_new((11 * room + 32 * ROW_PART) * sizeof *all);
    NAME(samples) samples = {.features = all, .residuals = all + 10 * room, .room = room};
    if (!all) return CDT_NO_MEMORY;
    *bits = 0;
    for (unsigned i = 1; i < pyramid->count; i++) {
        const cdt_segment *s = &pyramid->segments[i];
        if (s->level >= with->fitted) continue;
        NAME(find_samples)(pyramid, s, places, with->straight, most, &samples, all + 11 * room);
        const double each = NAME(best_weights)(&samples, odd_axes(s), &with->cells, with->weights[s->level][s->class_bits]);
        *bits += each * (double)(cdt_rows_of(s) * s->dim[3]);
    }
    cdt_drop(all);
    return CDT_OK;
}

/* Tokens of the residuals of a class, from pieces spread over it. Neighbours are taken as they are, and what quantisation will do to
 * them is added to the predictions as noise of its size. `work`: room for 33 * ROW_PART. */
static void NAME(sample_tokens)(const cdt_pyramid *pyramid, const cdt_segment *s, const T *places, const cdt_interpolation *with,
                                T *work, sampled *tokens)
{
    const double inverse = 1.0 / with->cells.step;
    row_pieces pieces = pieces_of(cdt_rows_of(s), s->dim[3]);
    T weights[9];
    double wide[9];
    cdt_around near;
    NAME(class_weights)(with, s, weights);
    for (int f = 0; f < 9; f++) wide[f] = (double)weights[f];
    const double gain = with->cells.snap && with->cells.step == 1.0 ? 0 : noise_gain(odd_axes(s), wide);
    cdt_pyramid_around(pyramid, s, &near);
    look_at_about(&pieces, between(cdt_rows_of(s) * s->dim[3] / 4, 256, ESTIMATED));
    for (size_t k = 0, row, from; k * pieces.every < pieces.all; k++) {
        const T *around[32];
        const size_t number = next_piece(&pieces, k, &row, &from);
        const T *x = places + s->offset + 1 + row * s->stride + from;
        NAME(rows_around)(&near, row, with->straight, pieces.part, places + from, work + ROW_PART, around);
        cdt_active_kernels()->rows.ROWS.predict(around, odd_axes(s), weights, pieces.part, work);
        tokens->nearby = 0;
        for (size_t j = 0; j < pieces.part; j++)
            sampled_add(tokens, whole((double)(x[j] - work[j]) * inverse + gain * noise(number * pieces.part + j)));
    }
}

int NAME(cdt_interpolate_estimate_)(const cdt_pyramid *pyramid, const T *places, const cdt_interpolation *with, double *bits)
{
    T *work = cdt_new(33 * ROW_PART * sizeof *work);
    if (!work) return CDT_NO_MEMORY;
    for (unsigned i = 1; i < pyramid->count; i++) {
        const cdt_segment *s = &pyramid->segments[i];
        const size_t points = cdt_rows_of(s) * s->dim[3];
        sampled tokens = {.extra = 0};
        if (s->level < with->fitted) continue; /* the fit has counted those */
        NAME(sample_tokens)(pyramid, s, places, with, work, &tokens);
        if (tokens.seen) *bits += sampled_bits(&tokens) * (double)points / (double)tokens.seen;
    }
    cdt_drop(work);
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
