/* Numbers of one type T to places among the distinct ones, as they come: NAME is its suffix. */

typedef struct {
    T bits;
    uint32_t id; /* 0: free */
} NAME(place);

static size_t NAME(find)(const NAME(place) *places, unsigned shift, T bits)
{
    const size_t mask = ((size_t)1 << (64 - shift)) - 1;
    size_t at = (size_t)((uint64_t)bits * SPREAD >> shift);
    while (places[at].id && places[at].bits != bits) at = (at + 1) & mask;
    return at;
}

/* Twice as many places. NULL without memory. */
static NAME(place) *NAME(grow)(NAME(place) *places, unsigned *shift)
{
    const size_t before = (size_t)1 << (64 - *shift);
    NAME(place) *more = cdt_new_zeros(2 * before * sizeof *more);
    if (more) {
        --*shift;
        for (size_t i = 0; i < before; i++)
            if (places[i].id) more[NAME(find)(more, *shift, places[i].bits)] = places[i];
    }
    cdt_drop(places);
    return more;
}

/* By open addressing: ids in the order of first places, from 1 on; the bits of each to `found`. */
static int NAME(collect)(const void *values, size_t n, const uint8_t *exact, size_t place, size_t most, uint32_t *ids, entry *found,
                         size_t *count)
{
    const T *v = values;
    unsigned shift = FIRST_SHIFT;
    size_t m = 0, room = (size_t)1 << (64 - FIRST_SHIFT);
    uint32_t id = 0;
    NAME(place) *places = cdt_new_zeros(room * sizeof *places);
    for (size_t i = 0; places && i < n; i++) {
        if (!(exact && exact[(place + i) / 8] >> ((place + i) % 8) & 1)) {
            const size_t at = NAME(find)(places, shift, v[i]);
            if (!places[at].id) {
                if (m == most) {
                    cdt_drop(places);
                    return CDT_BAD_ARGUMENT;
                }
                found[m] = (entry){.key = v[i], .id = (uint32_t)m};
                places[at] = (NAME(place)){v[i], (uint32_t)++m};
                id = (uint32_t)m;
                if ((room < LONG ? SPARE : SPARE_IN_LONG) * m > room) {
                    places = NAME(grow)(places, &shift);
                    room *= 2;
                }
            } else id = places[at].id;
        }
        ids[i] = id;
    }
    if (!places) return CDT_NO_MEMORY;
    cdt_drop(places);
    *count = m;
    return CDT_OK;
}
#undef T
#undef NAME
