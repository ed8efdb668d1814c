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

/* One set: its places, and the bits of the first, or of each. NULL without memory. */
static uint8_t *put_set(uint8_t *at, const void *values, size_t size, size_t n, const size_t *lags, unsigned n_lags,
                        const uint8_t *set, int alike, size_t count, int quick)
{
    uint8_t *places = cdt_new(cdt_mask_bound(n));
    if (!places) return NULL;
    const size_t length = cdt_mask_encode(set, n, lags, n_lags, quick, places);
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

/* The places of a set whose numbers have those bits. */
static void places_like(const void *values, size_t size, size_t n, const uint8_t *set, uint64_t common, uint8_t *like)
{
    const cdt_place_kernels *kernels = &cdt_active_kernels()->places;
    if (size >= 4) {
        (size == 4 ? kernels->like_4 : kernels->like_8)(values, n, (const uint8_t *)&common, like);
        for (size_t i = 0; i < (n + 7) / 8; i++) like[i] &= set[i];
        return;
    }
    memset(like, 0, (n + 7) / 8);
    for (size_t i = 0; i < n; i += 8)
        for (unsigned byte = set[i / 8]; byte; byte &= byte - 1)
            if (bits_at(values, size, i + (size_t)__builtin_ctz(byte)) == common)
                like[i / 8] = (uint8_t)(like[i / 8] | (byte & (0 - byte)));
}

/* The most common bits of a set, if they are those of more than half of it (majority vote, Boyer & Moore 1981). */
static uint64_t voted(const void *values, size_t size, size_t n, const uint8_t *set)
{
    uint64_t common = 0;
    size_t votes = 0;
    for (size_t i = 0; i < n; i += 8)
        for (unsigned byte = set[i / 8]; byte; byte &= byte - 1) {
            const uint64_t bits = bits_at(values, size, i + (size_t)__builtin_ctz(byte));
            if (!votes) common = bits;
            if (bits == common) votes++;
            else votes--;
        }
    return common;
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
                       size_t count, int quick)
{
    const size_t n = cdt_count(sides, axes);
    const cdt_place_kernels *kernels = &cdt_active_kernels()->places;
    size_t lags[CDT_AXES];
    const unsigned n_lags = lags_of(sides, axes, lags);
    if (!count) {
        *at++ = 0;
        return at;
    }
    uint8_t *like = cdt_new_zeros(n / 8 + 32), *others = cdt_new_zeros(n / 8 + 32);
    if (!like || !others) {
        at = NULL;
        goto out;
    }
    places_like(values, size, n, exact, bits_at(values, size, first_of(exact)), like);
    size_t alike = kernels->count(like, n);
    if (2 * alike < count) {
        places_like(values, size, n, exact, voted(values, size, n, exact), like);
        alike = kernels->count(like, n);
    }
    if (alike > 1) at = put_set(at, values, size, n, lags, n_lags, like, 1, alike, quick);
    if (at && alike > 1 && alike < count) {
        for (size_t i = 0; i < (n + 7) / 8; i++) others[i] = exact[i] & (uint8_t)~like[i];
        at = put_set(at, values, size, n, lags, n_lags, others, 0, count - alike, quick);
    } else if (at && alike <= 1) at = put_set(at, values, size, n, lags, n_lags, exact, 0, count, quick);
    if (at) *at++ = 0;
out:
    cdt_drop(like);
    cdt_drop(others);
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
    const cdt_place_kernels *kernels = &cdt_active_kernels()->places;
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
        const size_t found = kernels->count(set, n);
        if (!found || (kind == 2 && found != count)) goto out;
        if (kind == 1 && size >= 4) {
            if (size == 4) kernels->fill_4(set, n, bits, values);
            else kernels->fill_8(set, n, bits, values);
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
