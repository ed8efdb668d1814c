/* Distinct numbers: integers that span few numbers by a table of them all, others by open addressing and a sort of what it found. */
#include "cdt_distinct.h"
#include "cdt_keys.h"
#include "cdt_memory.h"
#include "cdt_status.h"
#include <string.h>

/* Sets begin with 2^(64 - FIRST_SHIFT) places, and have SPARE for each entry, for a place that is taken cannot be foretold; long ones,
 * which the cache does not hold, have fewer. */
enum { FIRST_SHIFT = 64 - 10, SPARE = 8, LONG = 1 << 16, SPARE_IN_LONG = 2 };
/* Tables of all numbers of a span are worth it where they are short, or not much longer than the array. */
enum { SHORT_SPAN = 1 << 9, SPAN_SHARE = 2 };
/* 2^64 by the golden ratio: neighbours end far apart. */
static const uint64_t SPREAD = 0x9E3779B97F4A7C15u;

/* A distinct number, by its bits and later by its key, and when it came. */
typedef struct {
    uint64_t key;
    uint32_t id;
} entry;

#define T uint16_t
#define NAME(x) x##_u2
#include "distinct.template.h"
#define T uint32_t
#define NAME(x) x##_u4
#include "distinct.template.h"
#define T uint64_t
#define NAME(x) x##_u8
#include "distinct.template.h"
#define T int8_t
#define NAME(x) x##_i1
#include "distinct_span.template.h"
#define T uint8_t
#define NAME(x) x##_u1
#include "distinct_span.template.h"
#define T int16_t
#define NAME(x) x##_i2
#include "distinct_span.template.h"
#define T uint16_t
#define NAME(x) x##_u2
#include "distinct_span.template.h"
#define T int32_t
#define NAME(x) x##_i4
#include "distinct_span.template.h"
#define T uint32_t
#define NAME(x) x##_u4
#include "distinct_span.template.h"
#define T int64_t
#define NAME(x) x##_i8
#include "distinct_span.template.h"

typedef uint64_t (*span_function)(const void *, size_t, int64_t *);
typedef int (*tabulate_function)(const void *, size_t, int64_t, uint64_t, size_t, uint32_t *, uint32_t *, int64_t *, size_t *);

/* In the order of the types; keys of 8-byte integers are signed. */
static const span_function spans[CDT_F2] = {span_i1, span_u1, span_i2, span_u2, span_i4, span_u4, span_i8, span_i8};
static const tabulate_function tabulates[CDT_F2] = {tabulate_i1, tabulate_u1, tabulate_i2, tabulate_u2,
                                                    tabulate_i4, tabulate_u4, tabulate_i8, tabulate_i8};

/* By bytes from the last one on, those aside that all have in common. Returns where they end: `entries` or `other`. */
static entry *sort(entry *entries, entry *other, size_t m)
{
    size_t counts[8][256];
    memset(counts, 0, sizeof counts);
    for (size_t i = 0; i < m; i++)
        for (unsigned b = 0; b < 8; b++) counts[b][entries[i].key >> (8 * b) & 255]++;
    for (unsigned b = 0; b < 8; b++) {
        size_t at = 0;
        if (counts[b][entries[0].key >> (8 * b) & 255] == m) continue;
        for (unsigned i = 0; i < 256; i++) {
            const size_t here = counts[b][i];
            counts[b][i] = at;
            at += here;
        }
        for (size_t i = 0; i < m; i++) other[counts[b][entries[i].key >> (8 * b) & 255]++] = entries[i];
        entry *swap = entries;
        entries = other;
        other = swap;
    }
    return entries;
}

/* Keys in order from entries of bits, and ids to ranks. `entries` has room for two for each, `rank_of` for one more. */
static void order(cdt_type type, entry *entries, size_t m, size_t n, uint32_t *rank_of, uint32_t *ranks, int64_t *keys)
{
    const uint64_t sign = (uint64_t)1 << 63;
    for (size_t i = 0; i < m; i++) {
        const uint64_t bits = entries[i].key;
        entries[i].key = (uint64_t)cdt_number_at(type, &bits, 0) ^ sign; /* little-endian: bits come first */
    }
    const entry *sorted = sort(entries, entries + m, m);
    rank_of[0] = 0; /* before the first number */
    for (size_t i = 0; i < m; i++) {
        keys[i] = (int64_t)(sorted[i].key ^ sign);
        rank_of[sorted[i].id + 1] = (uint32_t)i;
    }
    for (size_t i = 0; i < n; i++) ranks[i] = rank_of[ranks[i]];
}

static int by_sets(cdt_type type, const void *values, size_t n, const uint8_t *exact, size_t place, size_t most, uint32_t *ranks,
                   int64_t **keys, size_t *count)
{
    entry *entries = cdt_new(2 * most * sizeof *entries);
    uint32_t *rank_of = NULL;
    int status = CDT_NO_MEMORY;
    if (!entries) return status;
    switch (cdt_size_of(type)) {
    case 2: status = collect_u2(values, n, exact, place, most, ranks, entries, count); break;
    case 4: status = collect_u4(values, n, exact, place, most, ranks, entries, count); break;
    default: status = collect_u8(values, n, exact, place, most, ranks, entries, count);
    }
    if (status == CDT_OK && !*count) {
        entries[0] = (entry){0};
        *count = 1;
    }
    if (status == CDT_OK) {
        *keys = cdt_new(*count * sizeof **keys);
        rank_of = cdt_new((*count + 1) * sizeof *rank_of);
        if (*keys && rank_of) order(type, entries, *count, n, rank_of, ranks, *keys);
        else status = CDT_NO_MEMORY;
    }
    cdt_drop(entries);
    cdt_drop(rank_of);
    return status;
}

int cdt_distinct(cdt_type type, const void *values, size_t n, const uint8_t *exact, size_t place, size_t most, uint32_t *ranks,
                 int64_t **keys, size_t *count)
{
    int64_t low;
    *keys = NULL;
    const uint64_t span = type < CDT_F2 ? spans[type](values, n, &low) : 0;
    if (!span || span > SPAN_SHARE * (uint64_t)n + SHORT_SPAN) return by_sets(type, values, n, exact, place, most, ranks, keys, count);
    uint32_t *table = cdt_new_zeros((size_t)span * sizeof *table);
    int status = CDT_NO_MEMORY;
    *keys = cdt_new(((size_t)span < most ? (size_t)span : most) * sizeof **keys);
    if (table && *keys) status = tabulates[type](values, n, low, span, most, table, ranks, *keys, count);
    cdt_drop(table);
    return status;
}
