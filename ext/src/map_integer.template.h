/* Steps of one type of integers T, its unsigned U, codes of type C (wide enough for all of T, or of its width), NAME. */
static void NAME(steps_)(const cdt_map *map, const T *x, size_t n, const cdt_promise *promise, C *codes, marks *found)
{
    const T *missing = promise->missing;
    const uint64_t width = 2 * map->integer_step + 1;
    C before = 0;
    if (map->integer_step == 0) {
        for (size_t i = 0; i < n; i++) codes[i] = (C)x[i];
        return;
    }
#ifdef NARROW
    /* Numbers below 2^17 are exact in binary32, and their quotients are off by one at most. */
    if (!promise->n_missing && width < 1u << 17) {
        const int32_t w = (int32_t)width, half = (int32_t)map->integer_step;
        const float inverse = 1.0f / (float)w;
        int32_t largest = 0, beyond = 0;
        for (size_t i = 0; i < n; i++) {
            const int32_t number = (int32_t)x[i], size = number < 0 ? -number : number, up = size + half;
            int32_t steps = (int32_t)((float)up * inverse);
            steps -= steps * w > up;
            steps += (steps + 1) * w <= up;
            const int32_t back = steps * w, error = size > back ? size - back : back - size;
            codes[i] = number < 0 ? -steps : steps;
            largest = error > largest ? error : largest;
            beyond |= back > (number < 0 ? (int32_t)LOWEST : (int32_t)HIGHEST);
        }
        if (!beyond) {
            found->max_error = (double)largest;
            return;
        }
    }
#endif
    for (size_t i = 0; i < n; i++) {
        /* Of the size, so that one division by a positive number serves all signs. */
        const int negative = x[i] < 0;
        const uint64_t size = negative ? 0 - (uint64_t)x[i] : (uint64_t)x[i];
        const uint64_t steps = size / width + (size % width > map->integer_step);
        const uint64_t most = negative ? LOWEST : HIGHEST;
        int fits = steps <= most / width;
        const T y = (T)(negative ? 0 - steps * width : steps * width);
        for (size_t j = 0; j < promise->n_missing; j++) fits &= x[i] != missing[j] && y != missing[j];
        if (fits) {
            const uint64_t back = steps * width, error = size > back ? size - back : back - size;
            found->max_error = (double)error > found->max_error ? (double)error : found->max_error;
            before = codes[i] = (C)(negative ? 0 - steps : steps);
        } else {
            codes[i] = before;
            mark(found, i);
        }
    }
}

static void NAME(from_steps_)(const cdt_map *map, const C *codes, size_t n, T *y)
{
    const uint64_t width = 2 * map->integer_step + 1;
    for (size_t i = 0; i < n; i++) y[i] = (T)((uint64_t)codes[i] * width);
}
