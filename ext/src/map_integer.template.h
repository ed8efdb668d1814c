/* Steps of one type of integers: T, codes of type C, W its unsigned arithmetic, NAME. Types whose numbers a float F holds (its row
 * kernels: ROWS) are divided as such: the quotient by an odd width is never near a half. T and NAME are undefined at the end. */
#define TOP ((W)1 << (8 * sizeof(T) - 1))
#define LOWEST ((T)-1 < 0 ? TOP : 0) /* the size of the least number */
#define HIGHEST ((T)-1 < 0 ? TOP - 1 : (W)(T)-1)

/* The number of a code: those beyond the type become its nearest. */
static inline T NAME(at_step_)(C code, W width)
{
    const C most = (C)(HIGHEST / width), least = -(C)(LOWEST / width);
    return code > most ? (T)HIGHEST : code < least ? (T)((W)0 - LOWEST) : (T)((W)code * width);
}

static inline W NAME(apart_)(T x, T y)
{
    return x > y ? (W)x - (W)y : (W)y - (W)x;
}

static void NAME(steps_one_by_one_)(W width, const T *x, size_t from, size_t to, const cdt_promise *promise, C *codes, marks *found)
{
    const T *missing = promise->missing;
    C before = from ? codes[from - 1] : 0;
    for (size_t i = from; i < to; i++) {
        /* Of the size, so that one division by a positive number serves all signs. */
        const int negative = x[i] < 0;
        const W size = negative ? (W)0 - (W)x[i] : (W)x[i], steps = size / width + (size % width > width / 2);
        const C code = (C)(negative ? (W)0 - steps : steps);
        const T y = NAME(at_step_)(code, width);
        int fits = 1;
        for (size_t j = 0; j < promise->n_missing; j++) fits &= x[i] != missing[j] && y != missing[j];
        if (fits) {
            const double error = (double)NAME(apart_)(x[i], y);
            found->max_error = error > found->max_error ? error : found->max_error;
            before = codes[i] = code;
        } else {
            codes[i] = before;
            mark(found, i);
        }
    }
}

#ifdef ROWS
/* All numbers of a tile at once; 0 where one of them does not fit. */
static int NAME(steps_together_)(W width, const T *x, size_t n, const cdt_promise *promise, C *codes, double *error)
{
    const T *missing = promise->missing;
    const cdt_cells cells = {.step = (double)width, .bound = (double)width / 2};
    F wide[TILE];
    T clash = 0;
    W largest = 0;
    size_t beyond = 0;
    for (size_t i = 0; i < n; i++) wide[i] = (F)x[i];
    cdt_active_kernels()->rows.ROWS.quantise_flat(wide, n, &cells, codes, &beyond);
    for (size_t i = 0; i < n; i++) {
        const W apart = NAME(apart_)(x[i], NAME(at_step_)(codes[i], width));
        largest = apart > largest ? apart : largest;
    }
    for (size_t j = 0; j < promise->n_missing; j++)
        for (size_t i = 0; i < n; i++) clash |= (T)((x[i] == missing[j]) | (NAME(at_step_)(codes[i], width) == missing[j]));
    *error = (double)largest;
    return !beyond && !clash;
}
#endif

static void NAME(steps_)(const cdt_map *map, const T *x, size_t n, const cdt_promise *promise, C *codes, marks *found)
{
    const W width = (W)(2 * map->integer_step + 1);
    if (map->integer_step == 0) {
        for (size_t i = 0; i < n; i++) codes[i] = (C)x[i];
        return;
    }
    for (size_t at = 0; at < n; at += TILE) {
        const size_t end = n - at < TILE ? n : at + TILE;
#ifdef ROWS
        double error;
        if (NAME(steps_together_)(width, x + at, end - at, promise, codes + at, &error)) {
            found->max_error = error > found->max_error ? error : found->max_error;
            continue;
        }
#endif
        NAME(steps_one_by_one_)(width, x, at, end, promise, codes, found);
    }
}

static void NAME(from_steps_)(const cdt_map *map, const C *codes, size_t n, T *y)
{
    const W width = (W)(2 * map->integer_step + 1);
    if (map->integer_step == 0)
        for (size_t i = 0; i < n; i++) y[i] = (T)codes[i];
    else
        for (size_t i = 0; i < n; i++) y[i] = NAME(at_step_)(codes[i], width);
}
#undef T
#undef NAME
#undef TOP
#undef LOWEST
#undef HIGHEST
