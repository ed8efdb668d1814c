#include "cdt_map.h"
#include "cdt_simd.h"
#include "cdt_status.h"
#include "error_above.h"
#include <float.h>
#include <math.h>
#include <string.h>

/* Values per tile: codes and values of a tile stay in the first-level cache between the two looks at them. */
#define TILE 1024

typedef struct {
    uint8_t *exact;
    size_t count;
    double max_error;
} marks;

static inline void mark(marks *found, size_t i)
{
    found->exact[i >> 3] = (uint8_t)(found->exact[i >> 3] | 1u << (i & 7));
    found->count++;
}

static float below_f4(float x)
{
    return nextafterf(x, 0.0f);
}

static double below_f8(double x)
{
    return nextafter(x, 0.0);
}

#define T float
#define U uint32_t
#define S int32_t
#define SIGN 0x80000000u
#define ROWS f4
#define NAME(name) name##f4
#include "map_float.template.h"
#undef T
#undef U
#undef S
#undef SIGN
#undef ROWS
#undef NAME
#define T double
#define U uint64_t
#define S int64_t
#define SIGN 0x8000000000000000u
#define ROWS f8
#define NAME(name) name##f8
#include "map_float.template.h"
#undef T
#undef U
#undef S
#undef SIGN
#undef ROWS
#undef NAME

/* Integers as codes of their lossless map: the numbers, modulo 2^32 or 2^64, and back. */
#define WHOLE(CASE, T, C)                                                                                                \
    case CASE:                                                                                                           \
        for (size_t i = 0; i < n; i++) WHOLE_ONE(T, C);                                                                  \
        break;
#define WHOLES                                                                                                           \
    WHOLE(CDT_I1, int8_t, int32_t)                                                                                       \
    WHOLE(CDT_U1, uint8_t, int32_t)                                                                                      \
    WHOLE(CDT_I2, int16_t, int32_t)                                                                                      \
    WHOLE(CDT_U2, uint16_t, int32_t)                                                                                     \
    WHOLE(CDT_I4, int32_t, int32_t)                                                                                      \
    WHOLE(CDT_U4, uint32_t, int32_t)                                                                                     \
    default:                                                                                                             \
        for (size_t i = 0; i < n; i++) WHOLE_ONE(int64_t, int64_t);

static void bare_integers(cdt_type type, const void *x, size_t n, void *codes)
{
#define WHOLE_ONE(T, C) ((C *)codes)[i] = (C)((const T *)x)[i]
    switch (type) {
        WHOLES
    }
#undef WHOLE_ONE
}

static void from_bare_integers(cdt_type type, const void *codes, size_t n, void *y)
{
#define WHOLE_ONE(T, C) ((T *)y)[i] = (T)((const C *)codes)[i]
    switch (type) {
        WHOLES
    }
#undef WHOLE_ONE
}
#undef WHOLE
#undef WHOLES

float cdt_from_half(uint16_t half)
{
    const uint32_t sign = (uint32_t)(half & 0x8000u) << 16, exponent = half >> 10 & 31u, digits = half & 1023u;
    uint32_t bits;
    float value;
    if (exponent == 31) bits = sign | 0x7F800000u | digits << 13;
    else if (exponent) bits = sign | (exponent + 112) << 23 | digits << 13;
    else {
        value = (float)digits * 0x1p-24f;
        memcpy(&bits, &value, sizeof bits);
        bits |= sign;
    }
    memcpy(&value, &bits, sizeof value);
    return value;
}

uint16_t cdt_to_half(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    const uint32_t sign = bits >> 16 & 0x8000u, size = bits & 0x7FFFFFFFu;
    if (size > 0x7F800000u) return (uint16_t)(sign | 0x7E00u);
    if (size >= 0x477FF000u) return (uint16_t)(sign | 0x7C00u); /* 65520 and more round to infinity */
    if (size < 0x38800000u) {                                    /* below 2^-14: multiples of 2^-24, rounded by an addition */
        float small;
        memcpy(&small, &size, sizeof small);
        small += 0.5f;
        memcpy(&bits, &small, sizeof bits);
        return (uint16_t)(sign | (bits - 0x3F000000u));
    }
    return (uint16_t)(sign | ((size - 0x38000000u + 0xFFFu + (size >> 13 & 1u)) >> 13));
}

static void half_linear(const cdt_map *map, const uint16_t *x, size_t n, const cdt_promise *promise, int32_t *codes, marks *found)
{
    const cdt_row_kernels *rows = &cdt_active_kernels()->rows;
    const cdt_cells cells = {.step = map->step, .offset = map->offset, .bound = promise->value};
    const uint16_t *missing = promise->missing;
    int32_t before = 0;
    for (size_t start = 0; start < n; start += TILE) {
        const size_t count = n - start < TILE ? n - start : TILE;
        float wide[TILE], y[TILE];
        size_t doubtful;
        for (size_t i = 0; i < count; i++) wide[i] = cdt_from_half(x[start + i]);
        rows->f4.quantise_flat(wide, count, &cells, codes + start, &doubtful);
        rows->f4.rebuild_flat(codes + start, count, &cells, y);
        for (size_t i = 0; i < count; i++) {
            const uint16_t half = cdt_to_half(y[i]);
            const double d = fabs((double)wide[i] - (double)cdt_from_half(half)); /* halves differ by exact doubles */
            int fits = d <= promise->value && d <= DBL_MAX;
            for (size_t j = 0; j < promise->n_missing; j++) {
                const float code = cdt_from_half(missing[j]);
                fits &= wide[i] != code && cdt_from_half(half) != code;
            }
            if (fits) {
                found->max_error = d > found->max_error ? d : found->max_error;
                before = codes[start + i];
            } else {
                codes[start + i] = before;
                mark(found, start + i);
            }
        }
    }
}

static void half_keys(const uint16_t *x, size_t n, int32_t *codes)
{
    for (size_t i = 0; i < n; i++) codes[i] = (x[i] & 0x8000u) ? -(int32_t)(x[i] & 0x7FFFu) - 1 : (int32_t)x[i];
}

static void half_from_keys(const int32_t *codes, size_t n, uint16_t *y)
{
    for (size_t i = 0; i < n; i++) y[i] = (uint16_t)(codes[i] < 0 ? 0x8000u | ((uint32_t)(-(codes[i] + 1)) & 0x7FFFu) : (uint32_t)codes[i]);
}

/* Codes of doubles that 4 bytes do not hold. */
static void linear_wide(const cdt_map *map, const double *x, size_t n, const cdt_promise *promise, int64_t *codes, marks *found)
{
    const double inverse = 1.0 / map->step;
    int64_t before = 0;
    for (size_t i = 0; i < n; i++) {
        double s = (x[i] - map->offset) * inverse;
        s = s < 0x1p50 && s > -0x1p50 ? s : 0.0;
        const double whole = (s + 0x1.8p52) - 0x1.8p52;
        const double y = map->offset + whole * map->step;
        if (within_f8(x[i], y, promise->value) && !is_missing_f8(x[i], promise->missing, promise->n_missing) &&
            !is_missing_f8(y, promise->missing, promise->n_missing)) {
            const double above = error_above(x[i], y);
            found->max_error = above > found->max_error ? above : found->max_error;
            before = codes[i] = (int64_t)whole;
        } else {
            codes[i] = before;
            mark(found, i);
        }
    }
}

/* Keys of doubles over large steps, in 4 bytes. */
static void narrow(const int64_t *wide, size_t n, int32_t *codes)
{
    for (size_t i = 0; i < n; i++) codes[i] = (int32_t)wide[i];
}

static int is_float(cdt_type type)
{
    return type >= CDT_F2;
}

int cdt_map_check(const cdt_map *map, cdt_type type)
{
    const int integers = map->kind == CDT_MAP_STEPS;
    if (type >= CDT_TYPES || map->kind >= CDT_MAPS || integers == is_float(type)) return CDT_CORRUPT;
    if (integers)
        return map->width == (type >= CDT_I8 ? 8u : 4u) && map->integer_step < (uint64_t)1 << (8 * cdt_size_of(type) - 1)
                   ? CDT_OK
                   : CDT_CORRUPT;
    if (map->kind == CDT_MAP_KEY) return map->width == (type == CDT_F8 ? 8u : 4u) ? CDT_OK : CDT_CORRUPT;
    if (map->kind == CDT_MAP_KEYS) {
        const uint64_t most = type == CDT_F8 ? (uint64_t)1 << 62 : (uint64_t)1 << 30;
        return type != CDT_F2 && map->integer_step >= 1 && map->integer_step <= most &&
                       (map->width == (type == CDT_F8 ? 8u : 4u) ||
                        (type == CDT_F8 && map->width == 4 && map->integer_step >= (uint64_t)1 << 33))
                   ? CDT_OK
                   : CDT_CORRUPT;
    }
    if (map->width != 4 && !(map->width == 8 && type == CDT_F8)) return CDT_CORRUPT;
    const double least = type == CDT_F8 ? DBL_MIN : FLT_MIN, most = type == CDT_F8 ? DBL_MAX : FLT_MAX;
    if (!(map->step >= least && map->step <= most) || !(fabs(map->offset) <= most)) return CDT_CORRUPT;
    if (type != CDT_F8 && ((double)(float)map->step != map->step || (double)(float)map->offset != map->offset)) return CDT_CORRUPT;
    return CDT_OK;
}

int cdt_map_encode(const cdt_map *map, cdt_type type, const void *x, size_t n, const cdt_promise *promise, void *codes,
                   uint8_t *exact, size_t *n_exact, double *max_error)
{
    marks found = {.exact = exact};
    *n_exact = 0;
    *max_error = 0;
    if (cdt_map_check(map, type) != CDT_OK) return CDT_BAD_ARGUMENT;
    if (type < CDT_F2) {
        if (map->integer_step == 0) bare_integers(type, x, n, codes);
        else
            *max_error = cdt_active_kernels()->steps.encode[type](2 * map->integer_step + 1, x, n, promise->missing, promise->n_missing,
                                                                  codes, exact, n_exact);
        return CDT_OK;
    }
    switch (type) {
    case CDT_F2:
        if (map->kind == CDT_MAP_KEY) half_keys(x, n, codes);
        else half_linear(map, x, n, promise, codes, &found);
        break;
    case CDT_F4:
        if (map->kind == CDT_MAP_KEY) bare_keys_f4(x, n, codes);
        else if (map->kind == CDT_MAP_LINEAR) linear_f4(map, x, n, promise, codes, &found);
        else keys_f4(map, x, n, promise, codes, &found);
        break;
    default:
        if (map->kind == CDT_MAP_KEY) bare_keys_f8(x, n, codes);
        else if (map->kind == CDT_MAP_LINEAR && map->width == 4) linear_f8(map, x, n, promise, codes, &found);
        else if (map->kind == CDT_MAP_LINEAR) linear_wide(map, x, n, promise, codes, &found);
        else if (map->width == 8) keys_f8(map, x, n, promise, codes, &found);
        else {
            int64_t wide[TILE];
            const double *from = x;
            for (size_t at = 0; at < n; at += TILE) {
                const size_t count = n - at < TILE ? n - at : TILE;
                marks part = {.exact = exact + at / 8};
                keys_f8(map, from + at, count, promise, wide, &part);
                narrow(wide, count, (int32_t *)codes + at);
                found.count += part.count;
                found.max_error = part.max_error > found.max_error ? part.max_error : found.max_error;
            }
        }
    }
    *n_exact = found.count;
    *max_error = found.max_error;
    return CDT_OK;
}

int cdt_map_decode(const cdt_map *map, cdt_type type, const void *codes, size_t n, void *y)
{
    const cdt_row_kernels *rows = &cdt_active_kernels()->rows;
    const cdt_cells cells = {.step = map->step, .offset = map->offset};
    if (cdt_map_check(map, type) != CDT_OK) return CDT_CORRUPT;
    if (type < CDT_F2) {
        if (map->integer_step == 0) from_bare_integers(type, codes, n, y);
        else cdt_active_kernels()->steps.decode[type](2 * map->integer_step + 1, codes, n, y);
        return CDT_OK;
    }
    switch (type) {
    case CDT_F2:
        if (map->kind == CDT_MAP_KEY) half_from_keys(codes, n, y);
        else {
            float wide[TILE];
            for (size_t at = 0; at < n; at += TILE) {
                const size_t count = n - at < TILE ? n - at : TILE;
                rows->f4.rebuild_flat((const int32_t *)codes + at, count, &cells, wide);
                for (size_t i = 0; i < count; i++) ((uint16_t *)y)[at + i] = cdt_to_half(wide[i]);
            }
        }
        break;
    case CDT_F4:
        if (map->kind == CDT_MAP_LINEAR) rows->f4.rebuild_flat(codes, n, &cells, y);
        else from_keys_f4(map, codes, n, y);
        break;
    default:
        if (map->kind == CDT_MAP_LINEAR && map->width == 4) rows->f8.rebuild_flat(codes, n, &cells, y);
        else if (map->kind == CDT_MAP_LINEAR)
            for (size_t i = 0; i < n; i++) ((double *)y)[i] = map->offset + (double)((const int64_t *)codes)[i] * map->step;
        else if (map->width == 8) from_keys_f8(map, codes, n, y);
        else
            for (size_t i = 0; i < n; i++) {
                const int64_t wide = ((const int32_t *)codes)[i];
                from_keys_f8(map, &wide, 1, (double *)y + i);
            }
    }
    return CDT_OK;
}
