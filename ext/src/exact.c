#include "cdt_exact.h"
#include "cdt_mask.h"
#include "cdt_simd.h"
#include "cdt_status.h"
#include "cdt_memory.h"

static uint64_t bits_at(const void *values, size_t size, size_t i)
{
    uint64_t bits = 0;
    memcpy(&bits, (const uint8_t *)values + i * size, size);
    return bits;
}

static unsigned lags_of(const size_t *sides, unsigned axes, size_t *lags)
{
    unsigned count = 1;
    size_t lag = 1;
    lags[0] = 0;
    for (unsigned a = axes; a-- > 1;) {
        lag *= sides[a];
        lags[count++] = lag;
    }
    return count;
}

static size_t count_bits(const uint8_t *bits, size_t n)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i += 64) {
        uint64_t word;
        memcpy(&word, bits + i / 8, 8);
        if (n - i < 64) word &= ((uint64_t)1 << (n - i)) - 1;
        count += (size_t)__builtin_popcountll(word);
    }
    return count;
}

/* One set: its places, and the bits of the first, or of each. NULL without memory. */
static uint8_t *put_set(uint8_t *at, const void *values, size_t size, size_t n, const size_t *lags, unsigned n_lags,
                        const uint8_t *set, int alike, size_t count)
{
    uint8_t *places = cdt_new(cdt_mask_bound(n));
    if (!places) return NULL;
    const size_t length = cdt_mask_encode(set, n, lags, n_lags, places);
    *at++ = alike ? 1 : 2;
    at = cdt_put_number(at, length);
    at = cdt_put_bytes(at, places, length);
    cdt_drop(places);
    if (!alike) at = cdt_put_number(at, count);
    for (size_t i = 0; i < n; i += 8)
        for (unsigned byte = set[i / 8]; byte; byte &= byte - 1) {
            const size_t place = i + (size_t)__builtin_ctz(byte);
            at = cdt_put_bytes(at, (const uint8_t *)values + place * size, size);
            if (alike) return at;
        }
    return at;
}

/* Whether all numbers of a set have the bits of its first one. */
#define ALIKE(T)                                                                                                         \
    {                                                                                                                    \
        T bits, other;                                                                                                   \
        memcpy(&bits, &common, sizeof bits);                                                                             \
        for (size_t i = 0; i < n; i += 8)                                                                                \
            for (unsigned byte = set[i / 8]; byte; byte &= byte - 1) {                                                   \
                memcpy(&other, (const uint8_t *)values + (i + (size_t)__builtin_ctz(byte)) * sizeof(T), sizeof(T));      \
                if (other != bits) return 0;                                                                             \
            }                                                                                                            \
        return 1;                                                                                                        \
    }

static int are_alike(const void *values, size_t size, size_t n, const uint8_t *set, uint64_t common)
{
    if (size == 4) ALIKE(uint32_t)
    if (size == 8) ALIKE(uint64_t)
    if (size == 2) ALIKE(uint16_t)
    ALIKE(uint8_t)
}

/* The first place of a set that is not empty. */
static size_t first_of(const uint8_t *set)
{
    size_t i = 0;
    while (!set[i]) i++;
    return 8 * i + (size_t)__builtin_ctz(set[i]);
}

size_t cdt_exact_bound(size_t n, size_t count, size_t size)
{
    return 2 * (32 + cdt_mask_bound(n)) + count * size;
}

uint8_t *cdt_exact_put(uint8_t *at, const void *values, size_t size, const size_t *sides, unsigned axes, const uint8_t *exact,
                          size_t count)
{
    const size_t n = cdt_count(sides, axes);
    size_t lags[CDT_AXES], alike = 0;
    const unsigned n_lags = lags_of(sides, axes, lags);
    uint64_t common = 0;
    if (!count) {
        *at++ = 0;
        return at;
    }
    common = bits_at(values, size, first_of(exact));
    const int all = are_alike(values, size, n, exact, common);
    /* Majority vote (Boyer & Moore 1981), then a count. */
    size_t votes = 0;
    for (size_t i = 0; !all && i < n; i += 8)
        for (unsigned byte = exact[i / 8]; byte; byte &= byte - 1) {
            const uint64_t bits = bits_at(values, size, i + (size_t)__builtin_ctz(byte));
            if (!votes) common = bits;
            if (bits == common) votes++;
            else votes--;
        }
    if (all) at = put_set(at, values, size, n, lags, n_lags, exact, count > 1, count);
    else {
        uint8_t *sets[2] = {cdt_new_zeros(n / 8 + 32), cdt_new_zeros(n / 8 + 32)};
        if (!sets[0] || !sets[1]) at = NULL;
        for (size_t i = 0; at && i < n; i += 8)
            for (unsigned byte = exact[i / 8]; byte; byte &= byte - 1) {
                const size_t place = i + (size_t)__builtin_ctz(byte);
                const int other = bits_at(values, size, place) != common;
                sets[other][place / 8] = (uint8_t)(sets[other][place / 8] | 1u << (place % 8));
                alike += !other;
            }
        if (at && alike > 1) at = put_set(at, values, size, n, lags, n_lags, sets[0], 1, alike);
        if (at && alike > 1) at = put_set(at, values, size, n, lags, n_lags, sets[1], 0, count - alike);
        else if (at) at = put_set(at, values, size, n, lags, n_lags, exact, 0, count);
        cdt_drop(sets[0]);
        cdt_drop(sets[1]);
    }
    if (at) *at++ = 0;
    return at;
}

/* A set's places and the bits of its numbers; `in` goes behind it. Returns its kind, 0 at the end; corrupt is set where it is. */
static unsigned next_set(cdt_bytes *in, size_t n, size_t size, cdt_bytes *places, const uint8_t **bits, size_t *count)
{
    const uint8_t *kind = cdt_get_bytes(in, 1);
    if (!kind || !*kind) return 0;
    const size_t length = (size_t)cdt_get_number(in);
    places->at = cdt_get_bytes(in, length);
    places->end = places->at ? places->at + length : NULL;
    *count = *kind == 2 ? (size_t)cdt_get_number(in) : 1;
    if (*kind > 2 || !*count || *count > n) in->corrupt = 1;
    *bits = in->corrupt ? NULL : cdt_get_bytes(in, (uint64_t)*count * size);
    return in->corrupt ? 0 : *kind;
}

int cdt_exact_skip(cdt_bytes *in, size_t size, size_t n)
{
    cdt_bytes places;
    const uint8_t *bits;
    size_t count;
    for (unsigned sets = 0; next_set(in, n, size, &places, &bits, &count); sets++)
        if (sets == 2) in->corrupt = 1;
    return in->corrupt ? CDT_CORRUPT : CDT_OK;
}

int cdt_exact_get(cdt_bytes *in, void *values, size_t size, const size_t *sides, unsigned axes)
{
    const size_t n = cdt_count(sides, axes);
    size_t lags[CDT_AXES], count;
    const unsigned n_lags = lags_of(sides, axes, lags);
    const cdt_row_kernels *rows = &cdt_active_kernels()->rows;
    uint8_t *set = NULL;
    const uint8_t *bits;
    cdt_bytes places;
    unsigned kind;
    int status = CDT_CORRUPT;
    while ((kind = next_set(in, n, size, &places, &bits, &count))) {
        const size_t length = (size_t)(places.end - places.at);
        if (!set) set = cdt_new_zeros(n / 8 + 32);
        if (!set) {
            status = CDT_NO_MEMORY;
            goto out;
        }
        if (!length || cdt_mask_decode(places.at, length, n, lags, n_lags, set) != length) goto out;
        const size_t found = count_bits(set, n);
        if (!found || (kind == 2 && found != count)) goto out;
        if (kind == 1 && size >= 4) {
            if (size == 4) rows->fill_4(set, n, bits, values);
            else rows->fill_8(set, n, bits, values);
            continue;
        }
        for (size_t i = 0; i < n; i += 8)
            for (unsigned byte = set[i / 8]; byte; byte &= byte - 1) {
                memcpy((uint8_t *)values + (i + (size_t)__builtin_ctz(byte)) * size, bits, size);
                if (kind == 2) bits += size;
            }
    }
    if (!in->corrupt) status = CDT_OK;
out:
    cdt_drop(set);
    return status;
}
