/* Integers of one type T that span few numbers, by a table of them all: NAME is its suffix. */

/* How many there are from the least to the largest; 0: all of 2^64. */
static uint64_t NAME(span)(const void *values, size_t n, int64_t *low)
{
    const T *v = values;
    T least = v[0], most = v[0];
    for (size_t i = 1; i < n; i++) {
        least = v[i] < least ? v[i] : least;
        most = v[i] > most ? v[i] : most;
    }
    *low = (int64_t)least;
    return (uint64_t)(int64_t)most - (uint64_t)*low + 1;
}

/* Ranks in a table whose entries are 0 at first. */
static int NAME(tabulate)(const void *values, size_t n, int64_t low, uint64_t span, size_t most, uint32_t *table, uint32_t *ranks,
                          int64_t *keys, size_t *count)
{
    const T *v = values;
    size_t m = 0;
    for (size_t i = 0; i < n; i++) table[(uint64_t)(int64_t)v[i] - (uint64_t)low] = 1;
    for (uint64_t i = 0; i < span; i++) {
        if (!table[i]) continue;
        if (m == most) return CDT_BAD_ARGUMENT;
        keys[m] = (int64_t)((uint64_t)low + i);
        table[i] = (uint32_t)m++;
    }
    for (size_t i = 0; i < n; i++) ranks[i] = table[(uint64_t)(int64_t)v[i] - (uint64_t)low];
    *count = m;
    return CDT_OK;
}
#undef T
#undef NAME
